"""Tables for the terminal and for papers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from scai_irl.io.errors import InputError, printable
from scai_irl.io.files import write_text
from scai_irl.measure.alignment import design_columns
from scai_irl.report.latex import plain_latex

_BORDER = 3  # a line and two spaces
_LONG_TEXT = 30


def final_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Format the last epoch of an alignment summary: a line for each condition.

    ``gap`` is the mean alignment gap of a run. ``W₁`` is the distance between all assistants' and all users' offered
    shares. ``expected gap`` compares the policies behind the offers, and ``response gap`` the answers to offers.
    ``regret`` is the group's loss from an offer, under its own norm. Tokens are those of the last epoch.
    """
    last = summary[summary["epoch"] == summary["epoch"].max()]
    # If users and agent identify the condition, its name would only repeat them.
    said_already = {"experiment", "condition"} if "users" in last else {"experiment"}
    names = [name for name in design_columns(last) if name not in said_already]
    shaped = last[names].copy()
    shaped["users' share"] = _number(last["users_share"])
    shaped["assistants' share"] = _number(last["assistant_share"])
    shaped["gap [95 %]"] = [
        "–" if np.isnan(gap) else f"{gap:.3f} [{low:.3f}, {high:.3f}]"
        for gap, low, high in zip(last["gap"], last["gap_low"], last["gap_high"], strict=True)
    ]
    pairs = zip(last["aligned"], last["runs"], strict=True)
    shaped["within .05"] = [f"{aligned} of {runs}" for aligned, runs in pairs]
    shaped["W₁"] = _number(last["distribution_gap"])
    for name in ("expected_gap", "response_gap", "regret"):
        if name in last:
            shaped[name.replace("_", " ")] = _number(last[name])
    if "tokens" in last:
        shaped["tokens a run"] = [f"{tokens:,.0f}" for tokens in last["tokens"]]
    return pd.DataFrame(shaped.reset_index(drop=True))


def print_table(table: pd.DataFrame, title: str, console: Console) -> None:
    """Print a table to the terminal; if it is too wide, in parts that repeat the columns that name its lines."""
    for number, part in enumerate(_parts(table, console.width)):
        named = f"{title} (continued)" if number else title
        rich_table = Table(title=Text(printable(named)), title_justify="left")
        # Text and not str, so that brackets in names or in a model's texts are no markup.
        for column in part:
            rich_table.add_column(Text(str(column)), justify="left" if _is_text(part[column]) else "right")
        for line in part.itertuples(index=False):
            rich_table.add_row(*(Text(printable(str(value))) for value in line))
        console.print(rich_table)


def _parts(table: pd.DataFrame, width: int) -> list[pd.DataFrame]:
    """Split the columns of a table into parts that fit a width."""
    names = list(table.columns)
    text = [_is_text(table[name]) for name in names]
    first = text.index(True) if any(text) else 0
    end = next((place for place in range(first, len(names)) if not text[place]), len(names))
    repeated = names[:end] if 0 < end < len(names) else names[:1]
    widths = {name: _width(table[name]) for name in names}
    parts: list[list[str]] = [[]]
    for name in names[len(repeated) :]:
        if parts[-1] and 1 + sum(widths[other] for other in (*repeated, *parts[-1], name)) > width:
            parts.append([])
        parts[-1].append(name)
    return [table[[*repeated, *part]] for part in parts]


def _width(column: pd.Series[str]) -> int:
    """Width of a printed column with its border; long texts are wrapped."""
    longest = max(map(len, (str(column.name), *map(str, column))))
    return _BORDER + (min(longest, _LONG_TEXT) if _is_text(column) else longest)


def save_table(folder: Path, name: str, table: pd.DataFrame) -> None:
    """Write a table as CSV, Markdown and LaTeX (in ASCII) into a results folder."""
    write_text(folder / f"{name}.csv", table.to_csv(index=False))
    for suffix, style in (("md", "github"), ("tex", "latex_booktabs")):
        text = tabulate(table.to_numpy().tolist(), headers=list(table.columns), tablefmt=style, disable_numparse=True)
        write_text(folder / f"{name}.{suffix}", (plain_latex(text) if suffix == "tex" else text) + "\n")


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read a formatted table; every cell is a text.

    Raises:
        InputError: If the file is missing or damaged.
    """
    file = folder / f"{name}.csv"
    try:
        return pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as damaged:
        raise InputError(str(file), "not a table that can be read", "run the same command again") from damaged


def _number(values: pd.Series[float]) -> list[str]:
    return ["–" if np.isnan(value) else f"{value:.3f}" for value in values]


def _is_text(column: pd.Series[str]) -> bool:
    return not all(str(value).lstrip("-−")[:1].isdigit() or str(value) == "–" for value in column)
