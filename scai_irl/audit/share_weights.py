r"""Weights of prior, behaviour and language by which a model's *samples* fall, of which no logarithm can be taken.

Shares of a few samples are often 0. So the weights are not regressed on log-odds, as in `grether`, but fitted as in a
conditional logit (McFadden 1974): a model with weights w draws norm k of item i with chance

    q_w(k | i) ∝ exp( w_p log p(k) + w_b log p(moves | k) + w_t log p(talk | k, r) ),

and w maximises Σ_i Σ_k s_ik log q_w(k | i) over the shares s that were found, with a normal prior of mean 1 and
standard deviation 10 that keeps finite what only certain answers speak of. A Bayesian's w is 1, 1, 1, but for what few
samples and noisy acts do to it: so the same is fitted to the made-up beliefs of Bayesians (`ideal`).
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
    """What is fitted: items with the same number of norms.

    Attributes:
        items: Names.
        pairs: Names of the pairs that items belong to.
        found: Shares of samples.
        terms: Log prior, log p(moves | ·) and log p(talk | ·).
    """

    items: tuple[str, ...]
    pairs: np.ndarray
    found: Float[np.ndarray, "item norm"]
    terms: Float[np.ndarray, "item norm term"]

    @classmethod
    def of(cls, judged: pd.DataFrame) -> Shares:
        """Take them from what was believed; items of which nothing was learnt are left out."""
        whole = judged.groupby("item", sort=False)["believed"].transform(lambda shares: shares.notna().all())
        rows = judged[whole].sort_values(["item", "norm"])
        items = rows["item"].unique()
        norms = rows["norm"].nunique()
        pairs = rows.groupby("item")["pair"].first().loc[items].to_numpy() if len(items) else np.array([])
        shape = (len(items), norms)
        terms = rows[list(TERMS)].to_numpy(float).reshape(*shape, len(TERMS))
        return cls(tuple(map(str, items)), pairs, rows["believed"].to_numpy(float).reshape(shape), terms)

    def some(self, wanted: Sequence[str]) -> Shares:
        """Keep the items that are wanted."""
        keep = np.isin(self.items, list(wanted))
        items = tuple(item for item, kept in zip(self.items, keep, strict=True) if kept)
        return Shares(items, self.pairs[keep], self.found[keep], self.terms[keep])


def share_weights(
    shares: Shares, ideal: Float[np.ndarray, "replication item norm"], seed: int = 0
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """Fit the weight of each term that varies, of the model and of Bayesians.

    Returns:
        By term: the model's weight with its bootstrap interval over pairs of items, and the Bayesians' mean with the
        95 % range among them; NaN where a term never varies.
    """
    nothing: Interval = (float("nan"),) * 3
    model, bayesians = (dict.fromkeys(TERMS, nothing) for _ in range(2))
    varying = [place for place in range(len(TERMS)) if np.ptp(shares.terms[..., place], axis=1).max(initial=0.0) > 1e-9]
    if not varying:
        return model, bayesians
    terms = shares.terms[..., varying]
    names, of_pair = np.unique(shares.pairs, return_inverse=True)
    counts = bootstrap_pairs(len(names), _RESAMPLES, seed)[:, of_pair]
    once = np.ones((1, len(shares.items)))
    centre = fit_weights(shares.found[None], terms, once)[0]
    drawn = fit_weights(shares.found[None], terms, counts)
    made_up = fit_weights(ideal, terms, once)
    for column, place in enumerate(varying):
        low, high = np.quantile(drawn[:, column], [0.025, 0.975])
        model[TERMS[place]] = (float(centre[column]), float(low), float(high))
        low, high = np.quantile(made_up[:, column], [0.025, 0.975])
        bayesians[TERMS[place]] = (float(made_up[:, column].mean()), float(low), float(high))
    return model, bayesians


def fit_weights(
    shares: Float[np.ndarray, "#fit item norm"],
    terms: Float[np.ndarray, "item norm term"],
    counts: Float[np.ndarray, "#fit item"],
) -> Float[np.ndarray, "fit term"]:
    """Maximise the penalised likelihood by Newton's method; it is concave, and no step is longer than 1.

    Args:
        shares: Shares of samples, for one fit or each.
        terms: Terms of the log-chance.
        counts: How often an item counts, in one fit or each.

    Example:
        >>> terms = np.log(np.array([[[0.2], [0.8]], [[0.6], [0.4]]]))
        >>> shares = terms[None, ..., 0] * 2  # somebody who squares the odds
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
    """Find the reliability r at which samples fall best by prior, moves and talk, each at its full weight.

    Args:
        shares: Items with talk of one stated reliability.
        ideal: Made-up beliefs of Bayesians about them.
        language_at: log p(talk | ·, r) of an item, for any r.
        seed: Seed of the bootstrap.

    Returns:
        r̂ with its interval, and the Bayesians' mean with their range.
    """
    grid = np.linspace(0.0, 0.99, 100)
    if not shares.items:
        nothing: Interval = (float("nan"),) * 3
        return nothing, nothing
    talk = np.stack([[language_at(item, float(r)) for r in grid] for item in shares.items])
    score = shares.terms[..., :2].sum(axis=-1)[:, None] + talk
    log_chance = score - np.logaddexp.reduce(score, axis=2, keepdims=True)
    model = grid_interval(grid, -np.einsum("ik,irk->ir", shares.found, log_chance), shares.pairs, seed)
    best = grid[np.argmin(-np.einsum("fik,irk->fr", ideal, log_chance), axis=1)]
    low, high = np.quantile(best, [0.025, 0.975])
    return model, (float(best.mean()), float(low), float(high))
