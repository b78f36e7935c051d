r"""Weights that a model gives to prior, behaviour and language (Grether 1980), and how far it revises (α).

For every two norms k and l of every item, with b what the model believes,

    log b_k − log b_l = w_p Δlog p(·) + w_b Δlog p(moves | ·) + w_t Δlog p(talk | ·, r) + τ_k − τ_l + error

by least squares. τ is what a model holds for a norm by itself, whatever it is told; softmax(τ) is its implied prior.
(Without it a model's own prior would pass for weight on what it was told. Any other intercept would be wrong, since the
order of k and l is arbitrary.) A Bayesian has weights of 1, 1, 1 and an even τ. The reliability r̂ that a model seems to
have in mind is the one at which all three terms, with weights of 1, fit best: r for a Bayesian. α is the slope of
changes of log-odds, from one length of a chain of games to the next, on the exact changes; how far back games count is
a model's memory.

The weights are those of a linear rule. A model that departs from Bayes in a way that is none, by a short memory or by
trusting talk so much that its beliefs fall below the floor, can have weights other than 1 of terms on which it is a
Bayesian; its memory or r̂ tells why.

Norms count where the exact belief in both is above 1 %, and stated probabilities are taken to be at least .1 %, for a
logarithm knows no 0. Intervals are bootstrapped over pairs of items, which stay together.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

_OPEN, _FLOOR = 0.01, 1e-3
_RESAMPLES = 2_000
TERMS = ("log_prior", "log_behaviour", "log_language")
Interval = tuple[float, float, float]
"""A value with the ends of its 95 % interval."""


def odds_table(judged: pd.DataFrame) -> pd.DataFrame:
    """A line for each item and two norms: the believed log-odds, the exact ones, and the three terms.

    Args:
        judged: A line for each item and norm, with ``item``, ``pair``, ``role``, ``norm``, ``believed``, ``exact`` and
            the terms.
    """
    lines = []
    for item, norms in judged.groupby("item", sort=False):
        of = norms.set_index("norm")
        for k, other in combinations(of.index, 2):
            if min(of["exact"][k], of["exact"][other]) < _OPEN or of["believed"][[k, other]].isna().any():
                continue
            believed = np.log(np.maximum(of["believed"][[k, other]].to_numpy(float), _FLOOR))
            line = {"item": item, "pair": of["pair"].iloc[0], "role": of["role"].iloc[0], "norms": (k, other)}
            line |= {"believed": believed[0] - believed[1], "exact": np.log(of["exact"][k] / of["exact"][other])}
            lines.append(line | {term: of[term][k] - of[term][other] for term in TERMS})
    return pd.DataFrame(lines, columns=["item", "pair", "role", "norms", "believed", "exact", *TERMS])


def grether_weights(odds: pd.DataFrame, seed: int = 0) -> dict[str, Interval]:
    """Estimate the weight of each term that varies.

    Args:
        odds: Lines of `odds_table`.
        seed: Seed of the bootstrap.

    Returns:
        ``log_prior``, ``log_behaviour``, ``log_language``, each with its interval; NaN where a term never varies.
    """
    found = {term: _nothing() for term in TERMS}
    varying = _varying(odds)
    if varying:
        lines, own = _with_own(odds)
        centre, drawn = _fits_by_pairs(lines, [*varying, *own], "believed", seed)
        found |= dict(zip(varying, _intervals(centre, drawn[:, : len(varying)]), strict=False))
    return found


def implied_prior(odds: pd.DataFrame, norms: int, seed: int = 0) -> list[Interval]:
    """Estimate the prior that a model seems to have where it is told that all norms are equally likely: softmax(τ).

    Args:
        odds: Lines with several stated priors, so that what is stated and what is held are told apart.
        norms: Number of norms.
        seed: Seed of the bootstrap.

    Returns:
        The probability of each norm, with its interval; 1 / norms for a Bayesian.
    """
    varying = _varying(odds)
    if not varying:
        return [_nothing()] * norms
    lines, own = _with_own(odds, norms)
    centre, drawn = _fits_by_pairs(lines, [*varying, *own], "believed", seed)
    score = np.pad(np.vstack([centre, drawn])[:, len(varying) :], ((0, 0), (1, 0)))
    chance = np.exp(score - score.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    low, high = np.nanquantile(chance[1:], [0.025, 0.975], axis=0)
    return [(float(chance[0, norm]), float(low[norm]), float(high[norm])) for norm in range(norms)]


def _varying(odds: pd.DataFrame) -> list[str]:
    return [term for term in TERMS if len(odds) and odds[term].abs().max() > 1e-9]


def _with_own(odds: pd.DataFrame, norms: int | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Add what multiplies τ of every norm but the first, whose τ is 0, and name these columns."""
    pairs = odds["norms"].tolist()
    number = norms or 1 + max(max(pair) for pair in pairs)
    held = {f"norm {norm}": [(k == norm) - float(other == norm) for k, other in pairs] for norm in range(1, number)}
    return odds.assign(**held), list(held)


def best_fit(
    odds: pd.DataFrame, grid: Float[np.ndarray, "value"], predicted: Float[np.ndarray, "value line"], seed: int = 0
) -> Interval:
    """Find the value at which what is predicted fits the believed log-odds best, by least squares.

    Args:
        odds: Lines of `odds_table`.
        grid: Values: reliabilities of talk, or numbers of games that count.
        predicted: Log-odds of each line under each value, with beliefs floored as those of the model are
            (`floored_odds`), so that what is too certain to be told apart counts on neither side.
        seed: Seed of the bootstrap.
    """
    if odds.empty:
        return _nothing()
    errors = (odds["believed"].to_numpy(float)[:, None] - predicted.T) ** 2
    return grid_interval(grid, errors, odds["pair"].to_numpy(), seed)


def floored_odds(
    log_weight: Float[np.ndarray, "line norm"], norms: Int[np.ndarray, "line 2"]
) -> Float[np.ndarray, "line"]:
    """Log-odds of two norms in each line, where no belief is less than .001.

    Example:
        >>> floored_odds(np.log(np.array([[0.8, 0.2, 1e-9]])), np.array([[0, 2]])).round(2).tolist()
        [6.68]
    """
    chance = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    floored = np.log(np.maximum(chance / chance.sum(axis=1, keepdims=True), _FLOOR))
    picked = np.take_along_axis(floored, norms, axis=1)
    return np.asarray(picked[:, 0] - picked[:, 1])


def revision_slope(odds: pd.DataFrame, seed: int = 0) -> Interval:
    """Estimate α from chains of games whose roles are their lengths."""
    chains = odds[odds["role"].str.isdigit()]
    steps = []
    for _, of_norms in chains.groupby(["pair", "norms"], sort=False):
        inner = of_norms.assign(length=of_norms["role"].astype(int)).sort_values("length")
        change = inner[["believed", "exact"]].diff().iloc[1:]
        steps.append(change.assign(pair=inner["pair"].iloc[0]))
    moves = pd.concat(steps, ignore_index=True) if steps else pd.DataFrame(columns=["believed", "exact", "pair"])
    if moves.empty or moves["exact"].abs().max() < 1e-9:
        return _nothing()
    return _by_pairs(moves, ["exact"], "believed", seed)[0]


def grid_interval(
    grid: Float[np.ndarray, "value"], losses: Float[np.ndarray, "line value"], pairs: np.ndarray, seed: int
) -> Interval:
    """Find the value with the least loss over all lines, with an interval from resampling pairs."""
    of_pair = np.stack([losses[pairs == pair].sum(axis=0) for pair in pd.unique(pairs)])
    drawn = grid[np.argmin(bootstrap_pairs(len(of_pair), _RESAMPLES, seed) @ of_pair, axis=1)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(grid[np.argmin(of_pair.sum(axis=0))]), float(low), float(high)


def bootstrap_pairs(number: int, resamples: int, seed: int) -> Float[np.ndarray, "resample pair"]:
    """How often each pair is picked when as many as there are are picked with replacement."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(number, np.full(number, 1 / number), resamples).astype(float)


def _by_pairs(lines: pd.DataFrame, terms: list[str], target: str, seed: int) -> list[Interval]:
    """Least squares, with intervals from resampling pairs."""
    return _intervals(*_fits_by_pairs(lines, terms, target, seed))


def _intervals(centre: Float[np.ndarray, "term"], drawn: Float[np.ndarray, "resample some"]) -> list[Interval]:
    """Estimates of the first terms with their intervals, for as many as were drawn."""
    ends = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    return [(float(centre[n]), float(ends[0, n]), float(ends[1, n])) for n in range(drawn.shape[1])]


def _fits_by_pairs(
    lines: pd.DataFrame, terms: list[str], target: str, seed: int
) -> tuple[Float[np.ndarray, "term"], Float[np.ndarray, "resample term"]]:
    """Fit all lines, and lines of resampled pairs; normal equations add up, so that no sum is made twice."""
    x, y = lines[terms].to_numpy(float), lines[target].to_numpy(float)
    pairs = lines["pair"].to_numpy()
    names = pd.unique(pairs)
    square = np.stack([x[pairs == name].T @ x[pairs == name] for name in names])
    cross = np.stack([x[pairs == name].T @ y[pairs == name] for name in names])
    counts = bootstrap_pairs(len(names), _RESAMPLES, seed)
    squares, crosses = np.einsum("rp,pts->rts", counts, square), np.einsum("rp,pt->rt", counts, cross)
    drawn = np.stack([_solve(*some) for some in zip(squares, crosses, strict=True)])
    return _solve(square.sum(axis=0), cross.sum(axis=0)), drawn


def _solve(square: Float[np.ndarray, "term term"], cross: Float[np.ndarray, "term"]) -> Float[np.ndarray, "term"]:
    found = np.asarray(np.linalg.lstsq(square, cross, rcond=None)[0])
    return np.where(np.diag(square) > 0, found, np.nan)  # of a term that does not vary nothing is known


def _nothing() -> Interval:
    return (float("nan"),) * 3
