"""Plots of a posterior, for a first look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference import DiscretePosterior, SampledPosterior
from inference.continuous.capabilities import ActsOnStakes
from scai_irl.report.forest import BLUE, GREY, ForestRow, draw_forest
from scai_irl.report.stored_posterior_plot import MOST_ROWS, estimate_row, height, plot_stored
from scai_irl.results.results import Results


def plot_posterior(
    posterior: DiscretePosterior | SampledPosterior | Results | Any, run: int = 0, stake: int = 100
) -> Figure:
    """Plot the posterior of one run: weights of norms or parameters with 90 % intervals, and predicted offers.

    Args:
        posterior: Posterior of `inference.infer`; or results, or their ArviZ object ``results.posterior``, whose
            posteriors after the last epoch are drawn, without offers.
        run: Index of the run.
        stake: Stake for which offers are predicted.

    Returns:
        A figure; ``figure.savefig("posterior.png")`` writes it.

    Example:
        >>> import scai_irl as si
        >>> from inference import named_norms, uniform_posterior
        >>> len(si.plot_posterior(uniform_posterior(named_norms(), runs=1)).axes)
        2
    """
    if isinstance(posterior, DiscretePosterior):
        figure, weights, offers = _two_panels(1)
        _bars(weights, posterior.norms, posterior.norm_probabilities[run])
        _offers(offers, posterior, run, stake)
        return figure
    if not isinstance(posterior, SampledPosterior):
        return plot_stored(posterior.posterior if isinstance(posterior, Results) else posterior, run)
    rows = _rows_of_sample(posterior, run)
    predicts = isinstance(posterior.family, ActsOnStakes)
    figure, parameters, offers = _two_panels(len(rows), predicts)
    if len(posterior.norms) > 1 and not rows:
        _bars(parameters, posterior.norms, posterior.mode_probabilities[run])
    else:
        draw_forest(parameters, rows)
        parameters.set_xlabel("posterior mean, 90 % interval")
    if predicts:
        _offers(offers, posterior, run, stake)
    return figure


def _two_panels(rows: int, both: bool = True) -> tuple[Figure, Axes, Axes]:
    figure = Figure(figsize=(7.5 if both else 4.5, height(rows)), layout="constrained")
    panels: np.ndarray = figure.subplots(1, 2 if both else 1, squeeze=False)[0]
    return figure, panels[0], panels[-1]


def _bars(axes: Axes, norms: Sequence[str], weights: np.ndarray) -> None:
    axes.bar(norms, weights, color=BLUE)
    axes.axhline(1 / len(norms), color=GREY, ls="--", lw=1)
    axes.set_ylim(0, 1)
    axes.set_ylabel("weight given the evidence")
    axes.spines[["top", "right"]].set_visible(False)


def _offers(axes: Axes, posterior: DiscretePosterior | SampledPosterior, run: int, stake: int) -> None:
    predicted = posterior.predictive(jnp.asarray([stake]))
    legal = ~np.isnan(predicted.share[0])
    share = predicted.share[0][legal]
    axes.fill_between(share, predicted.offer[run, 0][legal], step="mid", color=BLUE, alpha=0.4)
    axes.plot(share, predicted.accept[run, 0][legal], color=GREY, label="probability of acceptance")
    axes.set_xlabel("offered share")
    axes.set_ylabel("probability of the offer")
    axes.legend(fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def _rows_of_sample(posterior: SampledPosterior, run: int) -> list[ForestRow]:
    rows = []
    for name in posterior.theta:
        means, ends = posterior.mean(name)[run], posterior.interval(name)[run]
        for index in np.ndindex(means.shape):
            label = f"{name}[{', '.join(map(str, index))}]" if index else name
            low, high = ends[index]
            rows.append(estimate_row(label, float(means[index]), float(low), float(high)))
    return rows[:MOST_ROWS]
