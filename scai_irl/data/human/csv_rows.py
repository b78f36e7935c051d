"""Reader of CSV files of experiments; errors name the file, the column and the line."""

from __future__ import annotations

import gzip
import warnings
import zlib
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from scai_irl.io.errors import InputError

MOST_TRIALS = 1_000_000
_FIRST_LINE = 2  # the header is line 1


_OF_PUBLISHED_FILES = "give the published file; `scai-irl import human csv` reads a file of your own"


def read_text_columns(path: Path, needed: list[str], lacking: str = _OF_PUBLISHED_FILES) -> pd.DataFrame:
    """Read a CSV file, which may be compressed (.gz, .zip, .xz), as text.

    Args:
        path: The file.
        needed: Columns that it must have.
        lacking: Hint if it lacks one of several columns.

    Returns:
        All its columns as text; the index is the line in the file.

    Raises:
        InputError: If the file cannot be read, is empty or lacks a column.
    """
    hint = "give a CSV file with a line of column names"
    separators = "give a CSV file whose columns are separated by commas, with a line of column names"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False, skip_blank_lines=False)
    except FileNotFoundError as missing:
        raise InputError(str(path), "there is no such file", "give the path of the data file") from missing
    except pd.errors.EmptyDataError as empty:
        raise InputError(str(path), "is empty", hint) from empty
    except pd.errors.ParserError as wrong:
        raise InputError(str(path), f"not a CSV file ({str(wrong).splitlines()[0]})", separators) from wrong
    except pd.errors.ParserWarning as wrong:
        raise InputError(str(path), "has lines with more values than column names", separators) from wrong
    except UnicodeDecodeError as wrong:
        raise InputError(str(path), "not text in UTF-8", "save it as CSV with the encoding UTF-8") from wrong
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError) as wrong:
        raise InputError(str(path), "not a CSV file that can be read", hint) from wrong
    except OSError as refused:
        raise InputError(str(path), refused.strerror or "cannot be read", "give a file that can be read") from refused
    for name in needed:
        if name not in table:
            there = ", ".join(map(str, table.columns[:8]))
            better = separators if table.shape[1] == 1 else lacking
            raise InputError(str(path), f"has no column {name!r} (it has {there})", better)
    if table.empty:
        raise InputError(str(path), "has no line below its column names", "give a file with choices")
    table.index = pd.RangeIndex(_FIRST_LINE, _FIRST_LINE + len(table))
    return table.fillna("")


def ones(path: Path, table: pd.DataFrame, column: str, one: str, zero: str) -> pd.Series[bool]:
    """Read a column of ones and zeros, and return where it has ones.

    Args:
        path: The file.
        table: Its columns as text.
        column: Name of the column.
        one: Meaning of 1, for messages.
        zero: Meaning of 0, for messages.

    Raises:
        InputError: If a value is missing, or neither 1 nor 0.
    """
    refuse_missing(path, table, column)
    values = pd.to_numeric(table[column], errors="coerce")
    refuse_first(path, table, column, ~values.isin((0, 1)), f"is neither 1 ({one}) nor 0 ({zero})", "give 1 or 0")
    return values == 1


def numbers(path: Path, table: pd.DataFrame, column: str, low: float, high: float, what: str = "") -> pd.Series[float]:
    """Read a column of numbers within bounds.

    Raises:
        InputError: If a value is missing, not a number or outside the bounds.
    """
    values = pd.to_numeric(table[column], errors="coerce").astype(float)
    refuse_missing(path, table, column)
    refuse_first(path, table, column, ~values.between(-np.inf, np.inf, "neither"), "is no number", "give numbers")
    bounds = what or f"a number from {low:g} to {high:g}"
    refuse_first(path, table, column, (values < low) | (values > high), f"is not {bounds}", f"give {bounds}")
    return values


def whole_numbers(path: Path, table: pd.DataFrame, column: str, low: int, high: int) -> pd.Series[int]:
    """Read a column of whole numbers within bounds.

    Raises:
        InputError: If a value is missing, not a whole number or outside the bounds.
    """
    values = numbers(path, table, column, low, high)
    hint = "give whole units, such as cents in the place of dollars"
    refuse_first(path, table, column, values != values.round(), "is no whole number", hint)
    return values.astype("int64")


def refuse_missing(path: Path, table: pd.DataFrame, column: str) -> None:
    """Raise an error for the first line without a value, if there is one."""
    missing = table[column].str.strip() == ""
    refuse_first(path, table, column, missing, "is missing", "fill it in, or leave out the line")


def refuse_first(path: Path, table: pd.DataFrame, column: str, wrong: pd.Series[bool], problem: str, hint: str) -> None:
    """Raise an error for the first wrong line, if there is one."""
    if wrong.any():
        line = line_of_first(wrong)
        refuse(path, column, line, f"{str(table[column].loc[line])[:40]!r} {problem}", hint)


def refuse(path: Path, column: str, line: int, problem: str, hint: str) -> NoReturn:
    """Raise an error for the value in one column of one line."""
    raise InputError(str(path), f"column {column}, line {line}: {problem}", hint)


def line_of_first(wrong: pd.Series[bool]) -> int:
    """Return the line of the first true entry; the index holds lines."""
    return int(wrong.index[int(wrong.to_numpy().argmax())])
