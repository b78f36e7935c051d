"""Collection of a sweep's results: a table of cells, and the cells' tables with their varied settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scai_irl.io.errors import InputError
from scai_irl.io.files import write_table
from scai_irl.results.findings import FINDINGS
from scai_irl.results.manifest import Manifest
from scai_irl.sweep.display import display
from scai_irl.sweep.sweep_cells import Cell, written
from scai_irl.sweep.sweep_folder import cell_folder, has_finished, load_outcome

CELLS = "cells"
"""Name of the table of cells."""

COLLECTED = ("summary", FINDINGS)
"""Tables of cells that are collected."""

_SEED = "seed"


def collect_cells(folder: Path, cells: Sequence[Cell], manifest: Manifest) -> None:
    """Collect the results of the cells, and write the number of finished cells to the manifest.

    Args:
        folder: Folder of the sweep.
        cells: All its cells.
        manifest: Its manifest.

    Raises:
        InputError: If a table cannot be read or written.
    """
    table = cells_table(folder, cells)
    finished = [cell for cell, status in zip(cells, table["status"], strict=True) if status == "finished"]
    for name in COLLECTED:
        together = put_together(folder, finished, name)
        if together is not None:
            write_table(folder / f"{name}.parquet", together)
    write_table(folder / f"{CELLS}.parquet", table)
    manifest.counts = {f"cells {status}": int(number) for status, number in table["status"].value_counts().items()}
    manifest.displayed, manifest.remarks = display(folder, manifest.config["experiment"], table)
    if len(finished) == len(cells):
        manifest.finish(folder)
    else:
        manifest.write(folder)


def cells_table(folder: Path, cells: Sequence[Cell]) -> pd.DataFrame:
    """Return one row for each cell: its name, varied settings, seed and outcome.

    ``status`` is ``finished``, ``failed`` or ``missing``; ``seconds`` and ``worker`` are those of the last attempt.
    """
    lines = []
    for cell in cells:
        outcome = load_outcome(folder, cell.name)
        if has_finished(folder, cell.name):
            status, error = "finished", ""
        elif outcome is not None and outcome.status != "finished":
            status, error = "failed", outcome.error
        else:
            status, error = "missing", ""
        lines.append(
            {
                "name": cell.name,
                "status": status,
                "seconds": outcome.seconds if outcome else float("nan"),
                "error": error,
                "worker": outcome.worker if outcome else "",
            }
        )
    table = pd.DataFrame(lines)
    return _with_design(table, cells, range(len(cells)), at=1)


def put_together(folder: Path, cells: Sequence[Cell], name: str) -> pd.DataFrame | None:
    """Return one table of all cells, in their order; None if no cell has it.

    Columns of varied settings come first; if the table already has such a column, it is called ``sweep_NAME``.
    """
    tables, numbers = [], []
    for number, cell in enumerate(cells):
        file = cell_folder(folder, cell.name) / f"{name}.parquet"
        if file.exists():
            try:
                table = pd.read_parquet(file)
            except (OSError, ValueError) as damaged:
                hint = "delete the cell's folder and run the sweep again"
                raise InputError(str(file), "not a table that can be read", hint) from damaged
            tables.append(table)
            numbers += [number] * len(table)
    if not tables:
        return None
    return _with_design(pd.concat(tables, ignore_index=True), cells, numbers, at=0)


def _with_design(table: pd.DataFrame, cells: Sequence[Cell], numbers: Sequence[int], at: int) -> pd.DataFrame:
    """Insert the varied settings of the cells as columns.

    Args:
        table: A table.
        cells: The cells.
        numbers: Index of each row's cell.
        at: Position of the first inserted column.
    """
    values: dict[str, list[Any]] = {name: [cell.varied[name] for cell in cells] for name in cells[0].varied}
    values[_SEED] = [cell.seed for cell in cells]
    taken = set(table.columns)
    for place, (name, of_cells) in enumerate(values.items(), start=at):
        column = _column(of_cells)
        table.insert(place, f"sweep_{name}" if name in taken else name, column.iloc[list(numbers)].to_numpy())
    return table


def _column(values: Sequence[Any]) -> pd.Series[Any]:
    """Return values as a column of one type: numbers and truth values unchanged, everything else as text."""
    plain = all(isinstance(value, bool) for value in values) or all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )
    return pd.Series(list(values) if plain else [written(value) for value in values])
