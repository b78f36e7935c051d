"""Rows of a score card: the weights of prior, behaviour and talk, and the model's implied assumptions.

The assumptions are: its prior where the stated prior is uniform, the number of past interactions that count, the weight
of interactions in other currencies, and the reliability of talk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from scai_irl.audit.battery import CURRENCY, LENGTHS, NAMES, BatteryQuestion
from scai_irl.audit.exact_beliefs import log_language, recent_behaviour
from scai_irl.audit.grether import (
    Interval,
    best_fit,
    floored_odds,
    grether_weights,
    implied_prior,
    odds_table,
    revision_slope,
)
from scai_irl.audit.scores import Ideal, Line, bayesian_beliefs, line
from scai_irl.audit.share_weights import Shares, share_reliability, share_weights

_RELIABILITIES = np.linspace(0.0, 0.99, 100)
_WEIGHTS = {
    "log_prior": "weight of prior",
    "log_behaviour": "weight of behaviour",
    "log_language": "weight of language",
}


def weights(
    judged: pd.DataFrame, questions: Sequence[BatteryQuestion], channel: str, ideal: Ideal | None = None
) -> list[Line]:
    """Estimate the weights of prior, behaviour and talk, and the model's implied assumptions.

    Shares of samples allow only the weights and the implied reliability of talk.

    Args:
        judged: Beliefs of one channel.
        questions: The battery.
        channel: The channel.
        ideal: Simulated beliefs of Bayesians, if the beliefs are shares of samples.
    """
    usual = judged[judged["part"].isin(["evidence", "manner", "order", "martingale"])]
    if ideal is not None:
        return _weights_of_shares(Shares.of(usual), questions, channel, ideal)
    odds = odds_table(usual)
    pairs = odds["pair"].nunique()
    lines = [
        line(_WEIGHTS[term], channel, value, (low, high), 1.0, pairs)
        for term, (value, low, high) in grether_weights(odds).items()
    ]
    value, low, high = revision_slope(odds_table(judged[judged["part"] == "evidence"]))
    lines.append(line("α of revision", channel, value, (low, high), 1.0, pairs))
    lines += _priors(odds, channel) + _memory(judged, questions, channel) + _other_currencies(judged, channel)
    return lines + _reliabilities(usual, odds, questions, channel)


def _priors(odds: pd.DataFrame, channel: str) -> list[Line]:
    """Estimate the implied prior of each norm."""
    return [
        line(
            f"prior implied where all are alike: {name}",
            channel,
            value,
            (low, high),
            1 / len(NAMES),
            odds["pair"].nunique(),
        )
        for name, (value, low, high) in zip(NAMES, implied_prior(odds, len(NAMES)), strict=True)
    ]


def _memory(judged: pd.DataFrame, questions: Sequence[BatteryQuestion], channel: str) -> list[Line]:
    """Estimate the number of past interactions that count, from the chains."""
    chains = {question.item.name: question for question in questions if question.part == "evidence"}
    odds = odds_table(judged[judged["item"].isin(list(chains))])
    if odds.empty:
        return []
    rows = [list(chains).index(item) for item in odds["item"]]
    rest = np.array([np.log(question.item.candidates.prior) for question in chains.values()])[rows]
    norms, grid = np.array(odds["norms"].tolist()), np.arange(1, LENGTHS[-1] + 1)
    recent = [recent_behaviour(list(chains.values()), int(memory))[rows] for memory in grid]
    value, low, high = best_fit(odds, grid, np.stack([floored_odds(rest + moves, norms) for moves in recent]))
    return [line("games that count", channel, value, (low, high), float(LENGTHS[-1]), odds["pair"].nunique())]


def _other_currencies(judged: pd.DataFrame, channel: str) -> list[Line]:
    """Estimate the weight of behaviour in currencies other than the battery's main one."""
    odds = odds_table(judged[(judged["part"] == "currency") & (judged["role"] != CURRENCY)])
    value, low, high = grether_weights(odds)["log_behaviour"]
    name = "weight of behaviour in other currencies"
    return [line(name, channel, value, (low, high), 1.0, odds["pair"].nunique())]


def _weights_of_shares(shares: Shares, questions: Sequence[BatteryQuestion], channel: str, ideal: Ideal) -> list[Line]:
    if not shares.items:
        return []
    model, bayesians = share_weights(shares, bayesian_beliefs(ideal, shares.items))
    lines = [_with_ideal(_WEIGHTS[term], channel, model[term], bayesians[term], shares) for term in _WEIGHTS]
    for reliability, questions_by_item in _by_stated_reliability(questions):
        some = shares.some(list(questions_by_item))
        if not some.items:
            continue

        def language_at(
            item: str, r: float, questions_by_item: dict[str, BatteryQuestion] = questions_by_item
        ) -> Float[np.ndarray, "norm"]:
            return log_language(questions_by_item[item], r)

        estimates = share_reliability(some, bayesian_beliefs(ideal, some.items), language_at)
        lines.append(_with_ideal(f"reliability implied where {reliability:g} is stated", channel, *estimates, some))
    return lines


def _with_ideal(measure: str, channel: str, model: Interval, bayesians: Interval, shares: Shares) -> Line:
    (value, *ends), (ideal, *ideal_ends) = model, bayesians
    pairs = len(np.unique(shares.pairs))
    return line(measure, channel, value, (ends[0], ends[1]), ideal, pairs, (ideal_ends[0], ideal_ends[1]))


def _by_stated_reliability(questions: Sequence[BatteryQuestion]) -> list[tuple[float, dict[str, BatteryQuestion]]]:
    """Group the items with a stated reliability of talk by that reliability."""
    stated: dict[float, dict[str, BatteryQuestion]] = {}
    for question in questions:
        reliability = question.item.candidates.reliability
        if reliability is not None:
            stated.setdefault(reliability, {})[question.item.name] = question
    return sorted(stated.items())


def _reliabilities(
    judged: pd.DataFrame, odds: pd.DataFrame, questions: Sequence[BatteryQuestion], channel: str
) -> list[Line]:
    """Estimate the implied reliability of talk for each stated one."""
    lines = []
    rest = judged.assign(rest=judged["log_prior"] + judged["log_behaviour"]).pivot(
        index="item", columns="norm", values="rest"
    )
    for reliability, questions_by_item in _by_stated_reliability(questions):
        some = odds[odds["item"].isin(list(questions_by_item))]
        measure = f"reliability implied where {reliability:g} is stated"
        if some.empty:
            lines.append(line(measure, channel, float("nan"), (float("nan"), float("nan")), reliability, 0))
            continue
        norms, known = np.array(some["norms"].tolist()), rest.loc[some["item"]].to_numpy(float)
        talk = [
            {item: log_language(question, float(r)) for item, question in questions_by_item.items()}
            for r in _RELIABILITIES
        ]
        predicted = [floored_odds(known + np.array([at[item] for item in some["item"]]), norms) for at in talk]
        value, low, high = best_fit(some, _RELIABILITIES, np.stack(predicted))
        lines.append(line(measure, channel, value, (low, high), reliability, some["pair"].nunique()))
    return lines
