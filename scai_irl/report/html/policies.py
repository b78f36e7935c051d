"""Verbal policies, with the numerical posterior at the time of writing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from scai_irl.agents.registry import AGENTS
from scai_irl.report.html.belief_panels import condition_columns, conditions, norms_of, weight_as_text
from scai_irl.results.results import Results

AT_A_GLANCE = 1
"""Number of conditions that are unfolded at first."""

_MOST_CONDITIONS = 24
_MOST_RUNS = 2
_MOST_TEXTS = 3
_LONGEST = 900  # maximum characters of a text
_BAR = 132.0  # length of a bar for weight 1
_NEEDED = {"condition", "run", "epoch", "written"}


@dataclass(frozen=True)
class Bar:
    """Bar for a norm's weight: name, number of the colour, length, and the weight as text."""

    norm: str
    colour: int
    length: float
    weight: str


@dataclass(frozen=True)
class Text:
    """A text, the number of assistants that followed it, and the number of characters cut."""

    written: str
    assistants: int
    left_out: int


@dataclass(frozen=True)
class Moment:
    """An epoch of a run.

    Attributes:
        run: Number of the run.
        epoch: Epoch in which assistants followed the texts.
        numerical: Posterior before that epoch; empty if unknown.
        verbal: Verbal posterior of that epoch; empty if no audit measured it.
        texts: Distinct texts, the most frequent first.
        others: Number of distinct texts that are not shown.
        without: Number of assistants without a text; for recorded runs, 1 if there is no text yet.
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
    """A condition: its name, a summary of its agent, and moments of its first runs."""

    condition: str
    agent: str
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class PolicyPanels:
    """Conditions that are shown, and the number of others."""

    conditions: tuple[ConditionPolicies, ...]
    left_out: int


def policies_of(results: Results, beliefs: pd.DataFrame) -> PolicyPanels | None:
    """Select verbal policies of a few runs and epochs of each condition; None if there are none.

    Recorded runs have the text in force in an epoch and the text written after it. The former is shown.

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
