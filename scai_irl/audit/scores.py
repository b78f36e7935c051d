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
"""Beliefs of Bayesians, by item, as a channel would find them."""
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
    """Join what was believed, on average over wordings, orders and repetitions, to what is exact.

    Returns:
        A line for each channel, item and norm: `scai_irl.audit.exact_beliefs.COLUMNS`, ``channel``, ``believed``.
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
    """A line of a score card.

    Args:
        measure: What was measured.
        channel: Channel, or other part of the audit.
        value: What was found.
        ends: Its 95 % interval.
        ideal: What a Bayesian would have; NaN where there is no such thing.
        n: Items behind it.
        ideal_ends: 95 % range among Bayesians; the ideal itself where they do not differ.
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
    """A line with a mean and its bootstrap interval; where Bayesians would differ, with what they would have."""
    kept = values[~np.isnan(values)]
    mean = float(kept.mean()) if kept.size else _NAN
    if of_bayesians is None or of_bayesians.size == 0:
        return line(measure, channel, mean, bootstrap_interval(values), ideal, kept.size)
    means = of_bayesians.mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    ends = (float(low), float(high))
    return line(measure, channel, mean, bootstrap_interval(values), float(means.mean()), kept.size, ends)


def by_item(judged: pd.DataFrame, columns: Sequence[str]) -> dict[str, Float[np.ndarray, "item norm"]]:
    """Columns as arrays, items in the order of their names; what is missing stays in its place."""
    return {
        name: judged.pivot(index="item", columns="norm", values=name).sort_index().to_numpy(float) for name in columns
    }


def distances(judged: pd.DataFrame, channel: str, ideal: Ideal | None = None) -> list[Line]:
    """Distance of beliefs from the exact posterior, over items.

    Args:
        judged: Beliefs of one channel.
        channel: The channel.
        ideal: What the channel would find of Bayesians, where that is not the exact posterior itself.
    """
    of = by_item(judged, ["believed", "exact"])
    made_up = None if ideal is None else made_up_of(ideal, sorted(judged["item"].unique()))
    return [
        mean_line(
            f"{name} to the exact posterior",
            channel,
            distance(of["exact"], of["believed"]),
            0.0,
            None if made_up is None else distance(of["exact"], made_up),
        )
        for name, distance in _DISTANCES.items()
    ]


def truth_scores(judged: pd.DataFrame, channel: str, ideal: Ideal | None = None) -> list[Line]:
    """Scores against the truth, beside those of Bayesians, where truths were drawn from the prior.

    Args:
        judged: Beliefs of one channel.
        channel: The channel.
        ideal: What the channel would find of Bayesians, where that is not the exact posterior itself.
    """
    drawn = judged[judged["part"] == "evidence"]
    if drawn.empty:
        return []
    of = by_item(drawn, ["believed", "exact", "truth"])
    whole = ~np.isnan(of["believed"]).any(axis=1)
    believed, exact, truth = (of[name][whole] for name in ("believed", "exact", "truth"))
    if not whole.any():
        return []
    of_bayesians = exact[None] if ideal is None else made_up_of(ideal, sorted(drawn["item"].unique()))[:, whole]
    scores = {"log score": log_score, "Brier score": brier_score}
    found = [
        mean_line(name, channel, score(believed, truth), _NAN, np.stack([score(one, truth) for one in of_bayesians]))
        for name, score in scores.items()
    ]
    ends = _resampled(lambda some: calibration_error(believed[some], truth[some]), len(truth))
    errors = [calibration_error(one, truth) for one in of_bayesians]
    low, high = np.quantile(errors, [0.025, 0.975])
    error = calibration_error(believed, truth)
    of_ideal = (float(np.mean(errors)), len(truth), (float(low), float(high)))
    return [*found, line("calibration error", channel, error, ends, *of_ideal)]


def made_up_of(ideal: Ideal, items: Sequence[str]) -> Float[np.ndarray, "replication item norm"]:
    """Beliefs of Bayesians about some items, which have the same number of norms."""
    return np.stack([ideal[name] for name in items], axis=1)


def violations(judged: pd.DataFrame, channel: str, ideal: Ideal | None = None) -> list[Line]:
    """Order, martingale and steering: distances between beliefs that should be the same."""
    beliefs, items = {}, {}
    for (part, pair, role), rows in judged.groupby(["part", "pair", "role"], sort=False):
        place = (str(part), str(pair), str(role))
        beliefs[place] = rows.sort_values("norm")["believed"].to_numpy(float)
        items[place] = str(rows["item"].iloc[0])
    made_up = {} if ideal is None else {place: ideal[item] for place, item in items.items()}
    found = []
    for measure, part, gap in (
        ("order violation (TV)", "order", _between("forwards", "backwards")),
        ("martingale violation (TV)", "martingale", _martingale),
        ("steering of beliefs (TV)", "steering", _between("plain", "steered")),
    ):
        pairs = sorted({pair for of, pair, _ in beliefs if of == part})
        gaps = np.asarray([gap(beliefs, part, pair) for pair in pairs], float)
        of_bayesians = np.stack([gap(made_up, part, pair) for pair in pairs], axis=1) if made_up and pairs else None
        found.append(mean_line(measure, channel, gaps, 0.0, of_bayesians))
    return found


def _between(first: str, second: str) -> Gap:
    return lambda beliefs, part, pair: total_variation(beliefs[part, pair, first], beliefs[part, pair, second])


def _martingale(beliefs: Beliefs, part: str, pair: str) -> Float[np.ndarray, "*n"]:
    """TV between a belief and what is expected of it, by its own lights, after one more answer."""
    before, accepted, rejected = (beliefs[part, pair, role] for role in ("before", "accepted", "rejected"))
    chance = (before * accept_chances()).sum(axis=-1, keepdims=True)
    return total_variation(before, chance * accepted + (1 - chance) * rejected)


def consistency(beliefs: pd.DataFrame, channel: str) -> list[Line]:
    """How much wording, order of labels and repetition move a belief: mean TV from the item's mean belief."""
    found = []
    for name, column in (("wording", "wording"), ("order of labels", "order"), ("repetition", "repeat")):
        if beliefs[column].nunique() < 2:
            continue
        table = beliefs.groupby(["item", column, "norm"])["probability"].mean().unstack("norm")
        centre = table.groupby(level="item").transform("mean")
        gaps = pd.Series(total_variation(table.to_numpy(float), centre.to_numpy(float)), table.index)
        found.append(
            mean_line(f"effect of {name} (TV)", channel, gaps.groupby(level="item").mean().to_numpy(float), 0.0)
        )
    return found


def disagreement(judged: pd.DataFrame, ideal: Ideal | None = None) -> list[Line]:
    """Distance between what the channels say of the same items; a Bayesian's samples alone would differ from it."""
    wide = judged.pivot(index=["channel", "item"], columns="norm", values="believed").sort_index()
    found = []
    for first, second in combinations(judged["channel"].unique(), 2):
        one, other = wide.loc[first], wide.loc[second]
        gaps = total_variation(one.to_numpy(float), other.to_numpy(float))
        expected = None
        if ideal is not None and "sampled" in {first, second}:
            exact = by_item(judged[judged["channel"] == first], ["exact"])["exact"]
            expected = total_variation(exact, np.stack([ideal[name] for name in one.index], axis=1))
        found.append(mean_line("disagreement of channels (TV)", f"{first}, {second}", gaps, 0.0, expected))
    return found


def stochasticity(texts: pd.DataFrame, exact: pd.DataFrame, open_nats: float = 0.3) -> list[Line]:
    """Share of sampled texts that differ from the first one asked for in the same way, where beliefs are open.

    0 says that the model is deterministic: then its samples are no posterior, whatever else they are.
    """
    entropy = exact.groupby("item")["exact"].agg(lambda chances: -(chances * np.log(chances)).sum())
    undecided = texts[texts["item"].map(entropy) > open_nats]
    groups = [rows["text"].dropna() for _, rows in undecided.groupby(["item", "wording", "order"])]
    shares = [float((rows.iloc[1:] != rows.iloc[0]).mean()) for rows in groups if len(rows) > 1]
    return [mean_line("texts that differ when asked alike", "sampled", np.asarray(shares, float), _NAN)]


def _resampled(statistic: Callable[[np.ndarray], float], n: int, resamples: int = 500) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = [statistic(rng.integers(0, n, n)) for _ in range(resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
