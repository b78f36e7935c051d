"""Questions and answers from the table of findings, with each number drawn on its question's axis."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.ticker import MaxNLocator

from scai_irl.io.errors import InputError
from scai_irl.report.html.numbers import number
from scai_irl.results.findings import FINDINGS
from scai_irl.results.results import Results

WORDS = ("question", "case", "answer", "row", "why", "goal", "sentence")
NUMBERS = ("value", "low", "high", "runs", "recorded")
AT_A_GLANCE = 12
"""Number of answers to a question that are shown before unfolding."""

_GOAL = re.compile(r"at (most|least) (\d*\.?\d+)")
_LEFT, _WIDTH = 8.0, 224.0  # ends of the axis in a strip of width 240


@dataclass(frozen=True)
class Strip:
    """Coordinates of an answer's numbers on its question's axis; None for missing numbers."""

    value: float
    low: float | None
    high: float | None
    recorded: float | None
    goal: float | None


@dataclass(frozen=True)
class ReportAnswer:
    """An answer.

    Attributes:
        before: Sentence before the number.
        shown: The number and its interval.
        after: The rest of the sentence.
        case: Case that the answer is about.
        notes: Short notes: number of runs, groups or people (n), number of SCAI (2023), goal.
        verdict: ``met`` or ``missed`` if the goal is a bound; otherwise empty.
        why: Explanation.
        strip: Coordinates on the axis; None without a number.
    """

    before: str
    shown: str
    after: str
    case: str
    notes: tuple[str, ...]
    verdict: str
    why: str
    strip: Strip | None

    @property
    def sentence(self) -> str:
        """The whole sentence."""
        return f"{self.before}{self.shown}{self.after}"


@dataclass(frozen=True)
class ReportQuestion:
    """A question with its answers.

    Attributes:
        text: The question.
        answers: Answers in their order.
        ticks: Coordinates and labels of the axis; empty if no number can be drawn.
        recorded: Whether an answer has a number of SCAI (2023).
        goals: Whether an answer has a goal that is drawn.
    """

    text: str
    answers: tuple[ReportAnswer, ...]
    ticks: tuple[tuple[float, str], ...]
    recorded: bool
    goals: bool


def findings_of(results: Results) -> pd.DataFrame:
    """Table of findings of a results folder; empty if there is none.

    Raises:
        InputError: If it lacks a column, or has text instead of numbers.
    """
    table = results.tables.get(FINDINGS)
    if table is None:
        return pd.DataFrame(columns=[*WORDS, *NUMBERS])
    file = str(Path(results.path) / f"{FINDINGS}.parquet")
    for name in (*WORDS, *NUMBERS):
        if name not in table or (name in NUMBERS and table[name].dtype.kind not in "fiu"):
            raise InputError(file, f"has no column {name!r} as findings have", "run the experiment again")
    return table.assign(**{name: table[name].fillna("") for name in WORDS}, runs=table["runs"].fillna(0))


def questions_of(findings: pd.DataFrame) -> tuple[ReportQuestion, ...]:
    """Group findings by question, in order."""
    return tuple(_question(str(text), lines) for text, lines in findings.groupby("question", sort=False))


def goal_met(goal: str, value: float) -> str:
    """Compare a value with a goal: ``met`` or ``missed`` if the goal is a bound, otherwise empty.

    Example:
        >>> goal_met("at most 0.05", 0.049), goal_met("at least 0.85", 0.5), goal_met("as a Bayesian", 1.0)
        ('met', 'missed', '')
    """
    bound = _GOAL.fullmatch(goal)
    if bound is None or math.isnan(value):
        return ""
    return "met" if (value <= float(bound[2]) if bound[1] == "most" else value >= float(bound[2])) else "missed"


def _question(text: str, lines: pd.DataFrame) -> ReportQuestion:
    goals = [float(bound[2]) for bound in map(_GOAL.fullmatch, lines["goal"].astype(str)) if bound]
    numbers = [*lines[["value", "low", "high", "recorded"]].to_numpy(float).ravel(), *goals]
    known = [value for value in numbers if math.isfinite(value)]
    ticks: list[float] = []
    if known:
        low, high = min(0.0, *known), max(0.0, *known)
        ticks = [float(tick) for tick in MaxNLocator(4).tick_values(low, high if high > low else 1.0)]
    answers = tuple(_answer(line, ticks) for line in lines.to_dict("records"))
    # The axis begins and ends at a tick; a middle tick, if any, has a label.
    last = len(ticks) - 1
    named = sorted({0, last, last // 2 if last % 2 == 0 else last}) if ticks else []
    placed = tuple((_place(ticks[n], ticks) or 0.0, f"{ticks[n]:g}") for n in named)
    recorded = bool(lines["recorded"].notna().any())
    return ReportQuestion(text, answers, placed, recorded, bool(goals))


def _answer(line: dict[Hashable, Any], ticks: list[float]) -> ReportAnswer:
    value, low, high, recorded = (float(line[name]) for name in ("value", "low", "high", "recorded"))
    goal = str(line["goal"])
    notes = [f"n = {line['runs']:,.0f}"] if line["runs"] else []
    if not math.isnan(recorded):
        notes.append(f"SCAI (2023): {number(recorded)}")
    if goal:
        notes.append(f"goal: {goal}")
    bound = _GOAL.fullmatch(goal)
    strip = None
    if ticks and math.isfinite(value):
        others = [_place(other, ticks) for other in (low, high, recorded, float(bound[2]) if bound else math.nan)]
        strip = Strip(_place(value, ticks) or 0.0, *others)
    sentence = str(line["sentence"])
    before, _, after = str(line["answer"]).partition("{value}")
    shown = sentence[len(before) : len(sentence) - len(after)]
    if f"{before}{shown}{after}" != sentence:
        before, shown, after = sentence, "", ""
    why = str(line["why"])
    return ReportAnswer(before, shown, after, str(line["case"]), tuple(notes), goal_met(goal, value), why, strip)


def _place(value: float, ticks: list[float]) -> float | None:
    if not math.isfinite(value):
        return None
    return round(_LEFT + _WIDTH * (value - ticks[0]) / (ticks[-1] - ticks[0]), 1)
