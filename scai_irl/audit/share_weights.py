r"""Weights of prior, behaviour and language, estimated from the shares of a model's *samples*.

Shares of few samples are often 0, so log-odds do not exist. Instead of the regression of `grether`, a conditional logit
(McFadden 1974) is fitted: a model with weights w samples norm k of item i with probability

    q_w(k | i) ∝ exp( w_p log p(k) + w_b log p(moves | k) + w_t log p(talk | k, r) ),

and w maximises Σ_i Σ_k s_ik log q_w(k | i) over the observed shares s. A normal prior with mean 1 and standard
deviation 10 keeps w finite where all answers are certain. A Bayesian has w = (1, 1, 1), apart from the error of few
samples and noisy acts. So the same model is fitted to simulated beliefs of Bayesians (`ideal`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from scai_irl.audit.grether import TERMS, Interval, bootstrap_pairs, grid_interval

_PRIOR_DEVIATION = 10.0
_STEPS, _LARGEST_STEP = 60, 1.0
_RESAMPLES = 500


@dataclass(frozen=True)
class Shares:
    """Data of the fit: items with the same number of norms.

    Attributes:
        items: Names.
        pairs: Name of each item's pair.
        observed: Shares of samples.
        terms: Log prior, log p(moves | ·) and log p(talk | ·).
    """

    items: tuple[str, ...]
    pairs: np.ndarray
    observed: Float[np.ndarray, "item norm"]
    terms: Float[np.ndarray, "item norm term"]

    @classmethod
    def of(cls, judged: pd.DataFrame) -> Shares:
        """Build the data from a table of beliefs, without the items that have no belief."""
        complete = judged.groupby("item", sort=False)["believed"].transform(lambda shares: shares.notna().all())
        rows = judged[complete].sort_values(["item", "norm"])
        items = rows["item"].unique()
        norms = rows["norm"].nunique()
        pairs = rows.groupby("item")["pair"].first().loc[items].to_numpy() if len(items) else np.array([])
        shape = (len(items), norms)
        terms = rows[list(TERMS)].to_numpy(float).reshape(*shape, len(TERMS))
        return cls(tuple(map(str, items)), pairs, rows["believed"].to_numpy(float).reshape(shape), terms)

    def some(self, wanted: Sequence[str]) -> Shares:
        """Return only the items in `wanted`."""
        mask = np.isin(self.items, list(wanted))
        items = tuple(item for item, chosen in zip(self.items, mask, strict=True) if chosen)
        return Shares(items, self.pairs[mask], self.observed[mask], self.terms[mask])


def share_weights(
    shares: Shares, ideal: Float[np.ndarray, "replication item norm"], seed: int = 0
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """Fit the weight of each term that varies, for the model and for simulated Bayesians.

    Returns:
        By term: the model's weight with its bootstrap interval over pairs of items, and the Bayesians' mean weight with
        their 95 % range; NaN if a term never varies.
    """
    nothing: Interval = (float("nan"),) * 3
    model, bayesians = (dict.fromkeys(TERMS, nothing) for _ in range(2))
    varying = [term for term in range(len(TERMS)) if np.ptp(shares.terms[..., term], axis=1).max(initial=0.0) > 1e-9]
    if not varying:
        return model, bayesians
    terms = shares.terms[..., varying]
    names, of_pair = np.unique(shares.pairs, return_inverse=True)
    counts = bootstrap_pairs(len(names), _RESAMPLES, seed)[:, of_pair]
    once = np.ones((1, len(shares.items)))
    centre = fit_weights(shares.observed[None], terms, once)[0]
    resampled = fit_weights(shares.observed[None], terms, counts)
    simulated = fit_weights(ideal, terms, once)
    for column, term in enumerate(varying):
        low, high = np.quantile(resampled[:, column], [0.025, 0.975])
        model[TERMS[term]] = (float(centre[column]), float(low), float(high))
        low, high = np.quantile(simulated[:, column], [0.025, 0.975])
        bayesians[TERMS[term]] = (float(simulated[:, column].mean()), float(low), float(high))
    return model, bayesians


def fit_weights(
    shares: Float[np.ndarray, "#fit item norm"],
    terms: Float[np.ndarray, "item norm term"],
    counts: Float[np.ndarray, "#fit item"],
) -> Float[np.ndarray, "fit term"]:
    """Maximise the penalised likelihood, which is concave, by Newton steps of length at most 1.

    Args:
        shares: Shares of samples, for one fit or for each.
        terms: Terms of the log-probability.
        counts: Weight of each item, in one fit or in each.

    Example:
        >>> terms = np.log(np.array([[[0.2], [0.8]], [[0.6], [0.4]]]))
        >>> shares = terms[None, ..., 0] * 2  # a model that squares the odds
        >>> shares = np.exp(shares) / np.exp(shares).sum(axis=-1, keepdims=True)
        >>> fit_weights(shares, terms, np.full((1, 2), 1e4)).round(2).tolist()
        [[2.0]]
    """
    size = terms.shape[-1]
    weights = np.ones((max(len(shares), len(counts)), size))
    seen = np.einsum("fik,ikt->fit", shares, terms)
    for _ in range(_STEPS):
        score = np.einsum("ft,ikt->fik", weights, terms)
        chance = np.exp(score - score.max(axis=2, keepdims=True))
        chance /= chance.sum(axis=2, keepdims=True)
        expected = np.einsum("fik,ikt->fit", chance, terms)
        slope = np.einsum("fi,fit->ft", np.broadcast_to(counts, expected.shape[:2]), seen - expected)
        square = np.einsum("fi,fik,ikt,iks->fts", np.broadcast_to(counts, expected.shape[:2]), chance, terms, terms)
        square -= np.einsum("fi,fit,fis->fts", np.broadcast_to(counts, expected.shape[:2]), expected, expected)
        slope -= (weights - 1) / _PRIOR_DEVIATION**2
        square += np.eye(size) / _PRIOR_DEVIATION**2
        step = np.linalg.solve(square, slope[..., None])[..., 0]
        length = np.linalg.norm(step, axis=1, keepdims=True)
        weights = weights + step * np.minimum(1.0, _LARGEST_STEP / np.maximum(length, 1e-12))
        if length.max() < 1e-8:
            break
    return weights


def share_reliability(
    shares: Shares,
    ideal: Float[np.ndarray, "replication item norm"],
    language_at: Callable[[str, float], Float[np.ndarray, "norm"]],
    seed: int = 0,
) -> tuple[Interval, Interval]:
    """Find the reliability r that fits the samples best, with weight 1 for prior, moves and talk.

    Args:
        shares: Items with talk of one stated reliability.
        ideal: Simulated beliefs of Bayesians about them.
        language_at: log p(talk | ·, r) of an item, for any r.
        seed: Seed of the bootstrap.

    Returns:
        r̂ with its interval, and the mean over Bayesians with their range.
    """
    grid = np.linspace(0.0, 0.99, 100)
    if not shares.items:
        nothing: Interval = (float("nan"),) * 3
        return nothing, nothing
    talk = np.stack([[language_at(item, float(r)) for r in grid] for item in shares.items])
    score = shares.terms[..., :2].sum(axis=-1)[:, None] + talk
    log_chance = score - np.logaddexp.reduce(score, axis=2, keepdims=True)
    model = grid_interval(grid, -np.einsum("ik,irk->ir", shares.observed, log_chance), shares.pairs, seed)
    best = grid[np.argmin(-np.einsum("fik,irk->fr", ideal, log_chance), axis=1)]
    low, high = np.quantile(best, [0.025, 0.975])
    return model, (float(best.mean()), float(low), float(high))
