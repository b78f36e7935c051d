"""Verbal policies, each with the numerical posterior at the time of its writing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from scai_irl.agents.registry import AGENTS
from scai_irl.report.html.belief_panels import condition_columns, conditions, norms_of, weight_as_text
from scai_irl.results.results import Results

AT_A_GLANCE = 1
"""Conditions that are unfolded at first."""

_MOST_CONDITIONS = 24
_MOST_RUNS = 2
_MOST_TEXTS = 3
_LONGEST = 900  # characters of a text
_BAR = 132.0  # width of a weight of 1
_NEEDED = {"condition", "run", "epoch", "written"}


@dataclass(frozen=True)
class Bar:
    """Weight of a norm: its name, the number of its colour, the bar's length, the number."""

    norm: str
    colour: int
    length: float
    weight: str


@dataclass(frozen=True)
class Text:
    """A text, how many assistants followed it, and how much of it was cut."""

    written: str
    assistants: int
    left_out: int


@dataclass(frozen=True)
class Moment:
    """An epoch of a run.

    Attributes:
        run: Number of the run.
        epoch: The epoch in which the texts were followed.
        numerical: Posterior before that epoch; empty where it is not known.
        verbal: Verbal posterior of that epoch, where an audit knows it.
        texts: Different texts, the commonest first.
        others: Different texts that are not shown.
        without: Assistants for whom there is no text; of recorded runs, whether there is none yet.
        belief: Verbal belief of the run, if the agent has one.
    """

    run: int
    epoch: int
    numerical: tuple[Bar, ...]
    verbal: tuple[Bar, ...]
    texts: tuple[Text, ...]
    others: int
    without: int
    belief: Text | None


@dataclass(frozen=True)
class ConditionPolicies:
    """A condition: its name, how its agent chooses, and moments of its first runs."""

    condition: str
    agent: str
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class PolicyPanels:
    """All conditions shown, and how many more there are."""

    conditions: tuple[ConditionPolicies, ...]
    left_out: int


def policies_of(results: Results, beliefs: pd.DataFrame) -> PolicyPanels | None:
    """Pick verbal policies of a few runs and epochs of each condition; None if there are none.

    Recorded runs tell the text that was in force in an epoch apart from the one written after it; shown is the former.

    Args:
        results: The folder.
        beliefs: Table that `scai_irl.report.html.belief_panels.beliefs_of` returns.
    """
    table = results.tables.get("verbal_policies")
    if table is None or not set(table) >= _NEEDED or table.empty:
        return None
    followed = table.assign(written=table["in_force"]) if "in_force" in table else table
    norms = norms_of(beliefs) if len(beliefs) else ()
    by_condition = list(conditions(followed))
    shown = tuple(_condition(name, lines, beliefs, norms) for name, lines in by_condition[:_MOST_CONDITIONS])
    return PolicyPanels(shown, len(by_condition) - len(shown))


def _condition(name: str, lines: pd.DataFrame, beliefs: pd.DataFrame, norms: Sequence[str]) -> ConditionPolicies:
    agent = str(lines["agent"].iloc[0]) if "agent" in lines else ""
    summary = f"{agent}: {AGENTS[agent].summary}" if agent in AGENTS else agent
    by = [column for column in condition_columns(lines) if column in beliefs]
    if len(beliefs):
        beliefs = beliefs[(beliefs[by] == lines[by].iloc[0]).all(axis=1)]
    epochs = sorted(set(lines["epoch"]))
    epochs = sorted({*epochs[:2], epochs[-1]})
    moments = []
    for run in list(dict.fromkeys(lines["run"]))[:_MOST_RUNS]:
        for epoch in epochs:
            here = lines[(lines["run"] == run) & (lines["epoch"] == epoch)]
            believed = beliefs[(beliefs["run"] == run) & (beliefs["acted"] == epoch)]
            if len(here):
                moments.append(_moment(int(run), int(epoch), here, believed, norms))
    return ConditionPolicies(name, summary, tuple(moments))


def _moment(run: int, epoch: int, here: pd.DataFrame, believed: pd.DataFrame, norms: Sequence[str]) -> Moment:
    written = here["written"].dropna().astype(str)
    counts = written.value_counts(sort=False)
    texts = sorted(counts.items(), key=lambda pair: -int(pair[1]))
    beliefs = list(here["belief"].dropna().astype(str)) if "belief" in here else []
    return Moment(
        run=run,
        epoch=epoch,
        numerical=_bars(believed, "weight", norms),
        verbal=_bars(believed, "verbal", norms),
        texts=tuple(_text(str(text), int(count)) for text, count in texts[:_MOST_TEXTS]),
        others=max(len(texts) - _MOST_TEXTS, 0),
        without=len(here) - len(written),
        belief=_text(beliefs[0], len(here)) if beliefs else None,
    )


def _bars(believed: pd.DataFrame, column: str, norms: Sequence[str]) -> tuple[Bar, ...]:
    if column not in believed:
        return ()
    weights = dict(zip(believed["norm"].astype(str), believed[column].astype(float), strict=True))
    known = [(colour, norm, weights[norm]) for colour, norm in enumerate(norms) if norm in weights]
    lengths = [0.0 if math.isnan(weight) else round(_BAR * min(max(weight, 0.0), 1.0), 1) for _, _, weight in known]
    return tuple(
        Bar(norm, colour, length, weight_as_text(weight))
        for (colour, norm, weight), length in zip(known, lengths, strict=True)
    )


def _text(written: str, assistants: int) -> Text:
    return Text(written[:_LONGEST], assistants, max(len(written) - _LONGEST, 0))
