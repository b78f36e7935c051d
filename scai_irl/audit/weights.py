"""Lines of a score card: what prior, behaviour and talk weigh with a model, and what it takes for granted.

The prior that it holds where none is preferred, how far back games count, whether games count in currencies that it may
never have seen shared, and how reliable it takes talk to be.
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
from scai_irl.audit.scores import Ideal, Line, line, made_up_of
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
    """Grether weights and the implied reliability of talk; where beliefs are no shares of samples, all the rest, too.

    Args:
        judged: Beliefs of one channel.
        questions: The battery.
        channel: The channel.
        ideal: What the channel would find of Bayesians, where beliefs are shares of samples.
    """
    usual = judged[judged["part"].isin(["evidence", "manner", "order", "martingale"])]
    if ideal is not None:
        return _weights_of_shares(Shares.of(usual), questions, channel, ideal)
    odds = odds_table(usual)
    pairs = odds["pair"].nunique()
    found = [
        line(_WEIGHTS[term], channel, value, (low, high), 1.0, pairs)
        for term, (value, low, high) in grether_weights(odds).items()
    ]
    value, low, high = revision_slope(odds_table(judged[judged["part"] == "evidence"]))
    found.append(line("α of revision", channel, value, (low, high), 1.0, pairs))
    found += _priors(odds, channel) + _memory(judged, questions, channel) + _abroad(judged, channel)
    return found + _reliabilities(usual, odds, questions, channel)


def _priors(odds: pd.DataFrame, channel: str) -> list[Line]:
    """The prior held for each norm by itself."""
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
    """How many games count, of those in chains."""
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


def _abroad(judged: pd.DataFrame, channel: str) -> list[Line]:
    """Weight of behaviour in other currencies than that of the rest of the battery."""
    odds = odds_table(judged[(judged["part"] == "currency") & (judged["role"] != CURRENCY)])
    value, low, high = grether_weights(odds)["log_behaviour"]
    name = "weight of behaviour in other currencies"
    return [line(name, channel, value, (low, high), 1.0, odds["pair"].nunique())]


def _weights_of_shares(shares: Shares, questions: Sequence[BatteryQuestion], channel: str, ideal: Ideal) -> list[Line]:
    if not shares.items:
        return []
    model, bayesians = share_weights(shares, made_up_of(ideal, shares.items))
    found = [_with_ideal(_WEIGHTS[term], channel, model[term], bayesians[term], shares) for term in _WEIGHTS]
    for reliability, asked in _by_stated_reliability(questions):
        some = shares.some(list(asked))
        if not some.items:
            continue

        def language_at(item: str, r: float, asked: dict[str, BatteryQuestion] = asked) -> Float[np.ndarray, "norm"]:
            return log_language(asked[item], r)

        estimates = share_reliability(some, made_up_of(ideal, some.items), language_at)
        found.append(_with_ideal(f"reliability implied where {reliability:g} is stated", channel, *estimates, some))
    return found


def _with_ideal(measure: str, channel: str, model: Interval, bayesians: Interval, shares: Shares) -> Line:
    (value, *ends), (ideal, *ideal_ends) = model, bayesians
    pairs = len(np.unique(shares.pairs))
    return line(measure, channel, value, (ends[0], ends[1]), ideal, pairs, (ideal_ends[0], ideal_ends[1]))


def _by_stated_reliability(questions: Sequence[BatteryQuestion]) -> list[tuple[float, dict[str, BatteryQuestion]]]:
    """Items in which a reliability of talk is stated, by name."""
    stated: dict[float, dict[str, BatteryQuestion]] = {}
    for question in questions:
        reliability = question.item.candidates.reliability
        if reliability is not None:
            stated.setdefault(reliability, {})[question.item.name] = question
    return sorted(stated.items())


def _reliabilities(
    judged: pd.DataFrame, odds: pd.DataFrame, questions: Sequence[BatteryQuestion], channel: str
) -> list[Line]:
    """The implied reliability of talk, for each that was stated."""
    found = []
    rest = judged.assign(rest=judged["log_prior"] + judged["log_behaviour"]).pivot(
        index="item", columns="norm", values="rest"
    )
    for reliability, asked in _by_stated_reliability(questions):
        some = odds[odds["item"].isin(list(asked))]
        measure = f"reliability implied where {reliability:g} is stated"
        if some.empty:
            found.append(line(measure, channel, float("nan"), (float("nan"), float("nan")), reliability, 0))
            continue
        norms, known = np.array(some["norms"].tolist()), rest.loc[some["item"]].to_numpy(float)
        talk = [{item: log_language(question, float(r)) for item, question in asked.items()} for r in _RELIABILITIES]
        predicted = [floored_odds(known + np.array([at[item] for item in some["item"]]), norms) for at in talk]
        value, low, high = best_fit(some, _RELIABILITIES, np.stack(predicted))
        found.append(line(measure, channel, value, (low, high), reliability, some["pair"].nunique()))
    return found
