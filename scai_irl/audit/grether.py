r"""Weights of prior, behaviour and language in a model's beliefs (Grether 1980), and its rate of revision α.

For every two norms k and l of every item, with the model's belief b,

    log b_k − log b_l = w_p Δlog p(·) + w_b Δlog p(moves | ·) + w_t Δlog p(talk | ·, r) + τ_k − τ_l + error

by least squares. τ is the model's preference for a norm that does not depend on the prompt. softmax(τ) is the implied
prior. Without τ, the model's own prior would count as weight on the prompt. Any other intercept would be wrong, since
the order of k and l is arbitrary. A Bayesian has weights 1, 1, 1 and a constant τ.

The implied reliability r̂ is the value of r at which the three terms, each with weight 1, fit best; a Bayesian has
r̂ = r. α is the slope of the model's changes in log-odds on the exact changes, from one length of a chain of
interactions to the next. The model's memory is the number of past interactions that fits best.

These weights belong to a linear rule. A model can depart from Bayes in a way that is not linear: it may have a short
memory, or trust talk so much that its beliefs fall below the floor. Then its weights can differ from 1 even for terms
that it uses correctly. Its memory or r̂ shows the reason.

Two norms enter if the exact posterior of both is above 1 %. Stated probabilities are raised to at least 0.1 %, since
log 0 is not finite. Intervals come from a bootstrap over pairs of items; the items of a pair stay together.
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
"""A value with the two ends of its 95 % interval."""


def odds_table(judged: pd.DataFrame) -> pd.DataFrame:
    """Compute the believed log-odds, the exact ones and the three terms for each item and pair of norms.

    Args:
        judged: One row for each item and norm, with ``item``, ``pair``, ``role``, ``norm``, ``believed``, ``exact`` and
            the terms.
    """
    lines = []
    for item, norms in judged.groupby("item", sort=False):
        table = norms.set_index("norm")
        for k, other in combinations(table.index, 2):
            if min(table["exact"][k], table["exact"][other]) < _OPEN or table["believed"][[k, other]].isna().any():
                continue
            believed = np.log(np.maximum(table["believed"][[k, other]].to_numpy(float), _FLOOR))
            line = {"item": item, "pair": table["pair"].iloc[0], "role": table["role"].iloc[0], "norms": (k, other)}
            line |= {"believed": believed[0] - believed[1], "exact": np.log(table["exact"][k] / table["exact"][other])}
            lines.append(line | {term: table[term][k] - table[term][other] for term in TERMS})
    return pd.DataFrame(lines, columns=["item", "pair", "role", "norms", "believed", "exact", *TERMS])


def grether_weights(odds: pd.DataFrame, seed: int = 0) -> dict[str, Interval]:
    """Estimate the weight of each term that varies.

    Args:
        odds: Rows of `odds_table`.
        seed: Seed of the bootstrap.

    Returns:
        ``log_prior``, ``log_behaviour``, ``log_language``, each with its interval; NaN if a term never varies.
    """
    estimates = {term: _no_interval() for term in TERMS}
    varying = _varying(odds)
    if varying:
        lines, own = _with_own(odds)
        centre, resampled = _fits_by_pairs(lines, [*varying, *own], "believed", seed)
        estimates |= dict(zip(varying, _intervals(centre, resampled[:, : len(varying)]), strict=False))
    return estimates


def implied_prior(odds: pd.DataFrame, norms: int, seed: int = 0) -> list[Interval]:
    """Estimate the model's implied prior under a uniform stated prior: softmax(τ).

    Args:
        odds: Rows with several stated priors, which separate the stated prior from the model's own.
        norms: Number of norms.
        seed: Seed of the bootstrap.

    Returns:
        The probability of each norm, with its interval; 1 / norms for a Bayesian.
    """
    varying = _varying(odds)
    if not varying:
        return [_no_interval()] * norms
    lines, own = _with_own(odds, norms)
    centre, resampled = _fits_by_pairs(lines, [*varying, *own], "believed", seed)
    score = np.pad(np.vstack([centre, resampled])[:, len(varying) :], ((0, 0), (1, 0)))
    chance = np.exp(score - score.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    low, high = np.nanquantile(chance[1:], [0.025, 0.975], axis=0)
    return [(float(chance[0, norm]), float(low[norm]), float(high[norm])) for norm in range(norms)]


def _varying(odds: pd.DataFrame) -> list[str]:
    return [term for term in TERMS if len(odds) and odds[term].abs().max() > 1e-9]


def _with_own(odds: pd.DataFrame, norms: int | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Add the design columns of τ for every norm but the first, whose τ is 0, and return their names."""
    pairs = odds["norms"].tolist()
    number = norms or 1 + max(max(pair) for pair in pairs)
    columns = {f"norm {norm}": [(k == norm) - float(other == norm) for k, other in pairs] for norm in range(1, number)}
    return odds.assign(**columns), list(columns)


def best_fit(
    odds: pd.DataFrame, grid: Float[np.ndarray, "value"], predicted: Float[np.ndarray, "value line"], seed: int = 0
) -> Interval:
    """Find the value whose predicted log-odds fit the believed ones best, by least squares.

    Args:
        odds: Rows of `odds_table`.
        grid: Candidate values: reliabilities of talk, or numbers of interactions that count.
        predicted: Predicted log-odds of each row under each value. They have the same floor as the model's beliefs
            (`floored_odds`), so that differences below the floor count on neither side.
        seed: Seed of the bootstrap.
    """
    if odds.empty:
        return _no_interval()
    errors = (odds["believed"].to_numpy(float)[:, None] - predicted.T) ** 2
    return grid_interval(grid, errors, odds["pair"].to_numpy(), seed)


def floored_odds(
    log_weight: Float[np.ndarray, "line norm"], norms: Int[np.ndarray, "line 2"]
) -> Float[np.ndarray, "line"]:
    """Compute the log-odds of two norms in each row, with a floor of 0.001 for every belief.

    Example:
        >>> floored_odds(np.log(np.array([[0.8, 0.2, 1e-9]])), np.array([[0, 2]])).round(2).tolist()
        [6.68]
    """
    chance = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    floored = np.log(np.maximum(chance / chance.sum(axis=1, keepdims=True), _FLOOR))
    picked = np.take_along_axis(floored, norms, axis=1)
    return np.asarray(picked[:, 0] - picked[:, 1])


def revision_slope(odds: pd.DataFrame, seed: int = 0) -> Interval:
    """Estimate α from chains of interactions, whose roles are their lengths."""
    chains = odds[odds["role"].str.isdigit()]
    steps = []
    for _, of_norms in chains.groupby(["pair", "norms"], sort=False):
        inner = of_norms.assign(length=of_norms["role"].astype(int)).sort_values("length")
        change = inner[["believed", "exact"]].diff().iloc[1:]
        steps.append(change.assign(pair=inner["pair"].iloc[0]))
    moves = pd.concat(steps, ignore_index=True) if steps else pd.DataFrame(columns=["believed", "exact", "pair"])
    if moves.empty or moves["exact"].abs().max() < 1e-9:
        return _no_interval()
    return _by_pairs(moves, ["exact"], "believed", seed)[0]


def grid_interval(
    grid: Float[np.ndarray, "value"], losses: Float[np.ndarray, "line value"], pairs: np.ndarray, seed: int
) -> Interval:
    """Find the value with the smallest total loss, with a bootstrap interval over pairs."""
    of_pair = np.stack([losses[pairs == pair].sum(axis=0) for pair in pd.unique(pairs)])
    resampled = grid[np.argmin(bootstrap_pairs(len(of_pair), _RESAMPLES, seed) @ of_pair, axis=1)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return float(grid[np.argmin(of_pair.sum(axis=0))]), float(low), float(high)


def bootstrap_pairs(number: int, resamples: int, seed: int) -> Float[np.ndarray, "resample pair"]:
    """Draw bootstrap resamples of pairs; return the number of times that each pair occurs in each resample."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(number, np.full(number, 1 / number), resamples).astype(float)


def _by_pairs(lines: pd.DataFrame, terms: list[str], target: str, seed: int) -> list[Interval]:
    """Fit least squares, with bootstrap intervals over pairs."""
    return _intervals(*_fits_by_pairs(lines, terms, target, seed))


def _intervals(centre: Float[np.ndarray, "term"], resampled: Float[np.ndarray, "resample some"]) -> list[Interval]:
    """Return the estimates of the resampled terms with their 95 % intervals."""
    ends = np.nanquantile(resampled, [0.025, 0.975], axis=0)
    return [(float(centre[n]), float(ends[0, n]), float(ends[1, n])) for n in range(resampled.shape[1])]


def _fits_by_pairs(
    lines: pd.DataFrame, terms: list[str], target: str, seed: int
) -> tuple[Float[np.ndarray, "term"], Float[np.ndarray, "resample term"]]:
    """Fit all rows and each resample of pairs; normal equations are additive, so each pair is summed only once."""
    x, y = lines[terms].to_numpy(float), lines[target].to_numpy(float)
    pairs = lines["pair"].to_numpy()
    names = pd.unique(pairs)
    square = np.stack([x[pairs == name].T @ x[pairs == name] for name in names])
    cross = np.stack([x[pairs == name].T @ y[pairs == name] for name in names])
    counts = bootstrap_pairs(len(names), _RESAMPLES, seed)
    squares, crosses = np.einsum("rp,pts->rts", counts, square), np.einsum("rp,pt->rt", counts, cross)
    resampled = np.stack([_solve(*some) for some in zip(squares, crosses, strict=True)])
    return _solve(square.sum(axis=0), cross.sum(axis=0)), resampled


def _solve(square: Float[np.ndarray, "term term"], cross: Float[np.ndarray, "term"]) -> Float[np.ndarray, "term"]:
    solution = np.asarray(np.linalg.lstsq(square, cross, rcond=None)[0])
    return np.where(np.diag(square) > 0, solution, np.nan)  # a term that does not vary is not identified


def _no_interval() -> Interval:
    return (float("nan"),) * 3
