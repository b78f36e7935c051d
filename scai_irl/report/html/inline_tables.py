"""Tables of the report: CSV files of a results folder, and tables from other data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from scai_irl.io.errors import InputError
from scai_irl.report.html.numbers import humanised, is_numeric, shortened

_MOST_ROWS = 200
_AT_A_GLANCE = 15
_SHORT = 26  # number of letters without a line break
_SUFFIXES = (".csv", ".md", ".tex", ".parquet")


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: Its heading.
        numeric: Whether it contains numbers.
        header: Whether its cells are row headers.
        short: Whether its cells are too short for line breaks.
    """

    name: str
    numeric: bool
    header: bool
    short: bool


@dataclass(frozen=True)
class ShownTable:
    """A table of the report.

    Attributes:
        caption: Caption.
        columns: Its columns.
        rows: Its cells.
        left_out: Number of rows that only the files have.
        files: Names of the files with all rows.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0
    files: tuple[str, ...] = ()

    @property
    def long(self) -> bool:
        """Whether the table is folded at first."""
        return len(self.rows) > _AT_A_GLANCE


def shown_table(table: pd.DataFrame, caption: str, most: int = _MOST_ROWS, files: tuple[str, ...] = ()) -> ShownTable:
    """Prepare a table: shorten long numbers, and use the text before the first number as row header.

    Args:
        table: The table.
        caption: Caption.
        most: Maximum number of rows.
        files: Names of the files that hold all of it.

    Example:
        >>> made = shown_table(pd.DataFrame({"norm": ["fair"], "weight": [0.98765]}), "Weights")
        >>> made.rows, [column.header for column in made.columns]
        ((('fair', '0.988'),), [True, False])
    """
    cells = [shortened([_text(value) for value in table.iloc[:most, number]]) for number in range(table.shape[1])]
    plain = not any(map(is_numeric, cells))  # only texts: the first column is the row header
    columns: list[Column] = []
    for name, column in zip(table.columns, cells, strict=True):
        numeric = is_numeric(column)
        leading = all(before.header for before in columns)
        header = not columns or (leading and not numeric and not plain)
        columns.append(Column(str(name), numeric, header, max(map(len, column), default=0) <= _SHORT))
    rows = tuple(zip(*cells, strict=True)) if cells else ()
    return ShownTable(caption, tuple(columns), rows, max(len(table) - most, 0), files)


def tables_of(folder: Path) -> tuple[ShownTable, ...]:
    """Read the tables of a results folder that are formatted for readers.

    Raises:
        InputError: If one cannot be read.
    """
    return tuple(_read(file) for file in sorted(folder.glob("*.csv")))


def _read(file: Path) -> ShownTable:
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as damaged:  # pandas' errors are subclasses of these
        hint = "restore the file, or delete the folder and run again"
        raise InputError(str(file), "not a table that can be read", hint) from damaged
    other_files = tuple(file.stem + suffix for suffix in _SUFFIXES if file.with_suffix(suffix).exists())
    return shown_table(table, humanised(file.stem), files=other_files)


def _text(value: object) -> str:
    return "–" if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124 - NaN alone
