"""Gaps of SCAI (2023) by row, compared with each model's gaps in the same condition."""

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

_SAME = 5e-4  # numbers are stored with three digits


@dataclass(frozen=True)
class FolderFindings:
    """Findings of one folder, with the model that answered and the folder's name."""

    model: str
    folder: str
    findings: pd.DataFrame


@dataclass(frozen=True)
class ComparedNumber:
    """Number of a model: value with interval, name, and the number of SCAI (2023) if it differs from the row's gap."""

    value: str
    who: str
    recorded: str


@dataclass(frozen=True)
class ComparedRow:
    """Row: condition, gap of SCAI (2023), reason for a missing interval, numbers of this project, and notes."""

    name: str
    recorded: str
    no_interval: str
    cells: tuple[tuple[ComparedNumber, ...], ...]
    notes: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """Table: columns, rows, notes that explain differences, and rows of SCAI (2023) without a counterpart."""

    columns: tuple[str, ...]
    rows: tuple[ComparedRow, ...]
    notes: tuple[str, ...]
    missing: tuple[str, ...]


def model_label(manifest: Manifest) -> str:
    """Name the backend, with its model if the names differ; empty if no model was asked.

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
    """Compare findings with the rows of SCAI (2023) that they name; None if they name none.

    Args:
        by_folder: Findings of each folder.
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
    """Gap of SCAI (2023) with its interval, and the reason if the interval is missing."""
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
