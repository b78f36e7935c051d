"""Plots of a posterior, for a first look."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from inference import DiscretePosterior

_BLUE, _GREY = "#0072B2", "#999999"


def plot_posterior(posterior: DiscretePosterior, run: int = 0, stake: int = 100) -> Figure:
    """Plot one run's belief: the weight of each norm, and what a user is expected to offer.

    Args:
        posterior: What `inference.infer` gives.
        run: Which run.
        stake: Stake at which offers are predicted.

    Returns:
        A figure; ``figure.savefig("posterior.png")`` writes it.

    Example:
        >>> from inference import named_norms, uniform_posterior
        >>> len(plot_posterior(uniform_posterior(named_norms(), runs=1)).axes)
        2
    """
    figure = Figure(figsize=(7.5, 2.8), layout="constrained")
    weights, offers = figure.subplots(1, 2)
    weights.bar(posterior.norms, posterior.norm_probabilities[run], color=_BLUE)
    weights.axhline(1 / len(posterior.norms), color=_GREY, ls="--", lw=1)
    weights.set_ylim(0, 1)
    weights.set_ylabel("weight given the evidence")
    predicted = posterior.predictive(jnp.asarray([stake]))
    legal = ~np.isnan(predicted.share[0])
    share = predicted.share[0][legal]
    offers.fill_between(share, predicted.offer[run, 0][legal], step="mid", color=_BLUE, alpha=0.4)
    offers.plot(share, predicted.accept[run, 0][legal], color=_GREY, label="chance of being accepted")
    offers.set_xlabel("offered share")
    offers.set_ylabel("probability of the offer")
    offers.legend(fontsize=7)
    for axes in (weights, offers):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
