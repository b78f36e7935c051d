"""Plots of a posterior, for a first look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference import DiscretePosterior, SampledPosterior, arviz_compat
from inference.continuous.capabilities import ActsOnStakes
from scai_irl.report.forest import BLUE, GREY, ForestRow, draw_forest

_MOST_ROWS = 30
_TAILS = (0.05, 0.95)


def plot_posterior(posterior: DiscretePosterior | SampledPosterior | Any, run: int = 0, stake: int = 100) -> Figure:
    """Plot the posterior of one run: weights of norms or parameters with 90 % intervals, and predicted offers.

    Args:
        posterior: Posterior of `inference.infer`, or an ArviZ object such as ``results.posterior``. An ArviZ object has
            no policies, so only its parameters are drawn.
        run: Index of the run. Not used for an ArviZ object, because its rows name their coordinates.
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
        rows = _rows_of_arviz(posterior)
        figure = Figure(figsize=(6.0, _height(len(rows))), layout="constrained")
        draw_forest(figure.add_subplot(), rows)
        figure.axes[0].set_xlabel("posterior mean, 90 % interval")
        return figure
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
    figure = Figure(figsize=(7.5 if both else 4.5, _height(rows)), layout="constrained")
    panels: np.ndarray = figure.subplots(1, 2 if both else 1, squeeze=False)[0]
    return figure, panels[0], panels[-1]


def _height(rows: int) -> float:
    return max(2.8, 0.22 * rows + 0.8)


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
            rows.append(ForestRow(label, float(means[index]), float(low), float(high)))
    return rows[:_MOST_ROWS]


def _rows_of_arviz(exported: Any) -> list[ForestRow]:
    """Make rows for the first coordinates of every number in the group ``posterior``."""
    rows: list[ForestRow] = []
    for name, values in arviz_compat.group(exported, "posterior").data_vars.items():
        means = values.mean(("chain", "draw"))
        ends = values.quantile(_TAILS, ("chain", "draw")).transpose(..., "quantile").to_numpy()
        for index in list(np.ndindex(means.shape))[: _MOST_ROWS - len(rows)]:
            labels = [str(means[dim].to_numpy()[at]) for dim, at in zip(means.dims, index, strict=True)]
            label = f"{name}[{', '.join(labels)}]" if labels else str(name)
            low, high = ends[index]
            rows.append(ForestRow(label, float(means.to_numpy()[index]), float(low), float(high)))
    return rows
