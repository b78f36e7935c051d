"""Gaps of SCAI (2023), row by row, and those of each model in the same condition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from scai_irl.agents.registry import AGENTS
from scai_irl.data.scai2023.published import RECORDED_ROWS, RecordedRow
from scai_irl.report.html.numbers import number
from scai_irl.results.findings import number_with_interval
from scai_irl.results.manifest import Manifest

_SAME = 5e-4  # numbers are recorded with three digits


@dataclass(frozen=True)
class FolderFindings:
    """Findings of one folder: who answered there, how the folder is called, and the table."""

    model: str
    folder: str
    findings: pd.DataFrame


@dataclass(frozen=True)
class ComparedNumber:
    """Number of a model: value with interval, name, and the number of SCAI (2023) if it is not the gap of the row."""

    value: str
    who: str
    recorded: str


@dataclass(frozen=True)
class ComparedRow:
    """A row: the condition, the gap recorded there with its interval, or why it has none, ours, and notes on both."""

    name: str
    recorded: str
    no_interval: str
    cells: tuple[tuple[ComparedNumber, ...], ...]
    notes: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """The table: columns, rows, notes that explain differences, and recorded rows that have no counterpart here."""

    columns: tuple[str, ...]
    rows: tuple[ComparedRow, ...]
    notes: tuple[str, ...]
    missing: tuple[str, ...]


def model_label(manifest: Manifest) -> str:
    """Name who answered: the backend, with its model where they differ; empty where nobody was asked.

    Example:
        >>> from scai_irl.results.manifest import new_manifest
        >>> model_label(new_manifest("one", {}, backend="embedded", model="bayes@c9821072a8c2"))
        'embedded bayes'
        >>> model_label(new_manifest("one", {}, backend="embedded", model="bayes@c9821072a8c2, mine@3c5e22d24ac1"))
        'embedded bayes, mine'
    """
    several = (manifest.model or "").split(", ")
    model = ", ".join(one.partition("@")[0].rstrip("/").rpartition("/")[2] for one in several)
    words = dict.fromkeys(filter(None, (manifest.backend, model)))
    return " ".join(words)


def comparison_of(by_folder: Sequence[FolderFindings]) -> Comparison | None:
    """Compare findings with the rows of SCAI (2023) that they name; None if none names one.

    Args:
        by_folder: Findings, folder by folder.
    """
    lines: list[dict[str, Any]] = [
        {str(key): value for key, value in line.items()} | {"column": part.model or part.folder, "folder": part.folder}
        for part in by_folder
        for line in part.findings.to_dict("records")
        if line["row"]
    ]
    columns = tuple(dict.fromkeys(line["column"] for line in lines))
    named = dict.fromkeys(line["row"] for line in lines)
    names = [name for name in RECORDED_ROWS if name in named] + [name for name in named if name not in RECORDED_ROWS]
    of_row = {name: [line for line in lines if line["row"] == name] for name in names}
    notes = tuple(dict.fromkeys(str(line["why"]) for name in names for line in of_row[name] if line["why"]))
    rows = tuple(_row(name, of_row[name], columns, notes) for name in names)
    missing = tuple(name for name in RECORDED_ROWS if name not in named)
    return Comparison(columns, rows, notes, missing) if rows else None


def _row(name: str, lines: list[dict[str, Any]], columns: tuple[str, ...], notes: tuple[str, ...]) -> ComparedRow:
    row = RECORDED_ROWS.get(name)
    recorded, gap, without = (row.gap, *_recorded(row)) if row else (math.nan, number(math.nan), "")
    cells = []
    for column in columns:
        of_column = [line for line in lines if line["column"] == column]
        several = len({line["folder"] for line in of_column}) > 1
        cells.append(tuple(_compared_number(line, recorded, several=several) for line in of_column))
    notes_of_row = {str(line["why"]) for line in lines}
    numbers = tuple(at for at, note in enumerate(notes, 1) if note in notes_of_row)
    return ComparedRow(name, gap, without, tuple(cells), numbers)


def _recorded(row: RecordedRow) -> tuple[str, str]:
    """The gap that was recorded with its interval, and why there is none."""
    without = "no interval" if math.isnan(row.low) else ""
    reused = "one text reused for all runs" if row.one_text else ""
    return number_with_interval(row.gap, row.low, row.high), ": ".join(filter(None, (without, reused)))


def _compared_number(line: dict[str, Any], gap: float, *, several: bool) -> ComparedNumber:
    value, low, high, recorded = (float(line[name]) for name in ("value", "low", "high", "recorded"))
    case = str(line["case"])
    last = case.rpartition(", ")[2]
    who = last if last in AGENTS else case
    other = not math.isnan(recorded) and not abs(recorded - gap) < _SAME
    return ComparedNumber(
        number_with_interval(value, low, high),
        f"{who}, {line['folder']}" if several else who,
        f"SCAI (2023): {number(recorded)}" if other else "",
    )
