"""Scores of a model's beliefs about the battery: distances, violations, consistency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Float

from scai_irl.audit.battery import accept_chances
from scai_irl.io.intervals import bootstrap_interval
from scai_irl.measure.distances import total_variation
from scai_irl.measure.divergences import (
    brier_score,
    calibration_error,
    hellinger,
    jensen_shannon,
    kullback_leibler,
    log_score,
)

Line = dict[str, object]
Ideal = Mapping[str, Float[np.ndarray, "replication norm"]]
"""Simulated beliefs of Bayesians by item, as a channel would estimate them."""
Beliefs = Mapping[tuple[str, str, str], Float[np.ndarray, "*n norm"]]
"""Beliefs by part, pair and role."""
Gap = Callable[[Beliefs, str, str], Float[np.ndarray, "*n"]]
_NAN = float("nan")
_DISTANCES: dict[str, Callable[..., Float[np.ndarray, "n"]]] = {
    "TV": total_variation,
    "KL": kullback_leibler,
    "JS": jensen_shannon,
    "Hellinger": hellinger,
}


def judge(beliefs: pd.DataFrame, exact: pd.DataFrame) -> pd.DataFrame:
    """Join the exact posterior to the model's beliefs, averaged over wordings, orders and repetitions.

    Returns:
        One row for each channel, item and norm: `scai_irl.audit.exact_beliefs.COLUMNS`, ``channel``, ``believed``.
    """
    mean = beliefs.groupby(["channel", "item", "norm"], sort=False)["probability"].mean().rename("believed")
    return mean.reset_index().merge(exact, on=["item", "norm"])


def line(
    measure: str,
    channel: str,
    value: float,
    ends: tuple[float, float],
    ideal: float,
    n: int,
    ideal_ends: tuple[float, float] | None = None,
) -> Line:
    """Return a row of a score card.

    Args:
        measure: Name of the measure.
        channel: Channel, or other part of the audit.
        value: Estimate.
        ends: Its 95 % interval.
        ideal: Value of a Bayesian; NaN if there is none.
        n: Number of items.
        ideal_ends: 95 % range over simulated Bayesians; without it, `ideal` at both ends.
    """
    low, high = ends
    ideal_low, ideal_high = (ideal, ideal) if ideal_ends is None else ideal_ends
    names = ("measure", "channel", "value", "low", "high", "ideal", "ideal_low", "ideal_high", "n")
    return dict(zip(names, (measure, channel, value, low, high, ideal, ideal_low, ideal_high, n), strict=True))


def mean_line(
    measure: str,
    channel: str,
    values: Float[np.ndarray, "n"],
    ideal: float,
    of_bayesians: Float[np.ndarray, "replication n"] | None = None,
) -> Line:
    """Return a row with the mean of `values`, its bootstrap interval and, if given, the range over Bayesians."""
    known = values[~np.isnan(values)]
    mean = float(known.mean()) if known.size else _NAN
    if of_bayesians is None or of_bayesians.size == 0:
        return line(measure, channel, mean, bootstrap_interval(values), ideal, known.size)
    means = of_bayesians.mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    ends = (float(low), float(high))
    return line(measure, channel, mean, bootstrap_interval(values), float(means.mean()), known.size, ends)


def by_item(judged: pd.DataFrame, columns: Sequence[str]) -> dict[str, Float[np.ndarray, "item norm"]]:
    """Return columns as arrays with items in the order of their names; missing values are NaN."""
    return {
        name: judged.pivot(index="item", columns="norm", values=name).sort_index().to_numpy(float) for name in columns
    }


def distances(judged: pd.DataFrame, channel: str, ideal: Ideal | None = None) -> list[Line]:
    """Compute the mean distances of beliefs from the exact posterior over items.

    Args:
        judged: Beliefs of one channel.
        channel: The channel.
        ideal: Simulated beliefs of Bayesians; without them, the exact posterior.
    """
    tables = by_item(judged, ["believed", "exact"])
    simulated = None if ideal is None else bayesian_beliefs(ideal, sorted(judged["item"].unique()))
    return [
        mean_line(
            f"{name} to the exact posterior",
            channel,
            distance(tables["exact"], tables["believed"]),
            0.0,
            None if simulated is None else distance(tables["exact"], simulated),
        )
        for name, distance in _DISTANCES.items()
    ]


def truth_scores(judged: pd.DataFrame, channel: str, ideal: Ideal | None = None) -> list[Line]:
    """Compute log score, Brier score and calibration error, for items whose true norm was drawn from the prior.

    Args:
        judged: Beliefs of one channel.
        channel: The channel.
        ideal: Simulated beliefs of Bayesians; without them, the exact posterior.
    """
    with_truth = judged[judged["part"] == "evidence"]
    if with_truth.empty:
        return []
    tables = by_item(with_truth, ["believed", "exact", "truth"])
    complete = ~np.isnan(tables["believed"]).any(axis=1)
    believed, exact, truth = (tables[name][complete] for name in ("believed", "exact", "truth"))
    if not complete.any():
        return []
    of_bayesians = (
        exact[None] if ideal is None else bayesian_beliefs(ideal, sorted(with_truth["item"].unique()))[:, complete]
    )
    scores = {"log score": log_score, "Brier score": brier_score}
    lines = [
        mean_line(name, channel, score(believed, truth), _NAN, np.stack([score(one, truth) for one in of_bayesians]))
        for name, score in scores.items()
    ]
    ends = _resampled(lambda some: calibration_error(believed[some], truth[some]), len(truth))
    errors = [calibration_error(one, truth) for one in of_bayesians]
    low, high = np.quantile(errors, [0.025, 0.975])
    error = calibration_error(believed, truth)
    of_ideal = (float(np.mean(errors)), len(truth), (float(low), float(high)))
    return [*lines, line("calibration error", channel, error, ends, *of_ideal)]


def bayesian_beliefs(ideal: Ideal, items: Sequence[str]) -> Float[np.ndarray, "replication item norm"]:
    """Stack the simulated beliefs of Bayesians about items that have the same number of norms."""
    return np.stack([ideal[name] for name in items], axis=1)


def violations(judged: pd.DataFrame, channel: str, ideal: Ideal | None = None) -> list[Line]:
    """Compute violations of order, martingale and steering: distances between beliefs that should be equal."""
    beliefs, items = {}, {}
    for (part, pair, role), rows in judged.groupby(["part", "pair", "role"], sort=False):
        key = (str(part), str(pair), str(role))
        beliefs[key] = rows.sort_values("norm")["believed"].to_numpy(float)
        items[key] = str(rows["item"].iloc[0])
    simulated = {} if ideal is None else {key: ideal[item] for key, item in items.items()}
    lines = []
    for measure, part, gap in (
        ("order violation (TV)", "order", _between("forwards", "backwards")),
        ("martingale violation (TV)", "martingale", _martingale),
        ("steering of beliefs (TV)", "steering", _between("plain", "steered")),
    ):
        pairs = sorted({pair for part_of_beliefs, pair, _ in beliefs if part_of_beliefs == part})
        gaps = np.asarray([gap(beliefs, part, pair) for pair in pairs], float)
        of_bayesians = np.stack([gap(simulated, part, pair) for pair in pairs], axis=1) if simulated and pairs else None
        lines.append(mean_line(measure, channel, gaps, 0.0, of_bayesians))
    return lines


def _between(first: str, second: str) -> Gap:
    return lambda beliefs, part, pair: total_variation(beliefs[part, pair, first], beliefs[part, pair, second])


def _martingale(beliefs: Beliefs, part: str, pair: str) -> Float[np.ndarray, "*n"]:
    """Compute the TV between a belief and its own expectation of the belief after one more answer."""
    before, accepted, rejected = (beliefs[part, pair, role] for role in ("before", "accepted", "rejected"))
    chance = (before * accept_chances()).sum(axis=-1, keepdims=True)
    return total_variation(before, chance * accepted + (1 - chance) * rejected)


def consistency(beliefs: pd.DataFrame, channel: str) -> list[Line]:
    """Compute the effects of wording, label order and repetition: mean TV from the item's mean belief."""
    lines = []
    for name, column in (("wording", "wording"), ("order of labels", "order"), ("repetition", "repeat")):
        if beliefs[column].nunique() < 2:
            continue
        table = beliefs.groupby(["item", column, "norm"])["probability"].mean().unstack("norm")
        centre = table.groupby(level="item").transform("mean")
        gaps = pd.Series(total_variation(table.to_numpy(float), centre.to_numpy(float)), table.index)
        lines.append(
            mean_line(f"effect of {name} (TV)", channel, gaps.groupby(level="item").mean().to_numpy(float), 0.0)
        )
    return lines


def disagreement(judged: pd.DataFrame, ideal: Ideal | None = None) -> list[Line]:
    """Compute the TV between channels on the same items; samples of a Bayesian give the reference value."""
    wide = judged.pivot(index=["channel", "item"], columns="norm", values="believed").sort_index()
    lines = []
    for first, second in combinations(judged["channel"].unique(), 2):
        one, other = wide.loc[first], wide.loc[second]
        gaps = total_variation(one.to_numpy(float), other.to_numpy(float))
        expected = None
        if ideal is not None and "sampled" in {first, second}:
            exact = by_item(judged[judged["channel"] == first], ["exact"])["exact"]
            expected = total_variation(exact, np.stack([ideal[name] for name in one.index], axis=1))
        lines.append(mean_line("disagreement of channels (TV)", f"{first}, {second}", gaps, 0.0, expected))
    return lines


def stochasticity(texts: pd.DataFrame, exact: pd.DataFrame, open_nats: float = 0.3) -> list[Line]:
    """Compute the share of sampled texts that differ from the first answer to the same question.

    Only items with an uncertain posterior count (entropy above `open_nats`). A share of 0 means that the model is
    deterministic; then its texts are not samples from a posterior.
    """
    entropy = exact.groupby("item")["exact"].agg(lambda chances: -(chances * np.log(chances)).sum())
    undecided = texts[texts["item"].map(entropy) > open_nats]
    groups = [rows["text"].dropna() for _, rows in undecided.groupby(["item", "wording", "order"])]
    shares = [float((rows.iloc[1:] != rows.iloc[0]).mean()) for rows in groups if len(rows) > 1]
    return [mean_line("texts that differ when asked alike", "sampled", np.asarray(shares, float), _NAN)]


def _resampled(statistic: Callable[[np.ndarray], float], n: int, resamples: int = 500) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    resampled = [statistic(rng.integers(0, n, n)) for _ in range(resamples)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return float(low), float(high)
