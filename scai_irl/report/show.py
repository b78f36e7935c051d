"""Print a results folder to the terminal, as described in its manifest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from rich.console import Console

from scai_irl.io.errors import printable
from scai_irl.report.tables import print_table, read_table
from scai_irl.results.findings import FINDINGS
from scai_irl.results.manifest import Displayed, Manifest
from scai_irl.results.results import Results

_MOST_FINDINGS = 12
_MOST_LINES = 100
_WIDE = 190  # columns when the output goes to a file or a pipe


def show(results: Results) -> None:
    """Print a results folder: findings, tables, remarks, counts and the location of figures.

    The manifest names the tables to print. If an old manifest names none, all formatted tables are printed.

    Args:
        results: The results folder.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    manifest = results.manifest
    if FINDINGS in results.tables and not any(one.table.startswith(FINDINGS) for one in manifest.displayed):
        _print_findings(results.tables[FINDINGS], console)
    for displayed in manifest.displayed or _shaped(results):
        _print_displayed(results, displayed, console)
    _print_lines(manifest.remarks, console)
    if "unread" in results.tables and len(results.unread):
        console.print(f"{len(results.unread)} entries could not be read:")
        lines = results.unread.head(5).itertuples(index=False)
        _print_lines([f"  {line.file} {line.where}: {line.reason}" for line in lines], console)
    _print_lines([_status(manifest)], console)
    for figure in results.figures:
        console.print(f"figure: {figure}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"results: {results.path}", soft_wrap=True, highlight=False, markup=False)


def _status(manifest: Manifest) -> str:
    seed = "" if manifest.seed is None else f", seed {manifest.seed}"
    counts = ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in manifest.counts.items())
    if manifest.status == "finished":
        backend = f", {manifest.backend}" if manifest.backend else ""
        return f"finished{seed}{backend}; {counts}" if counts else f"finished{seed}{backend}"
    return f"running or stopped{seed}; after a stop, the same command continues it"


def _shaped(results: Results) -> list[Displayed]:
    """List the formatted tables of a folder."""
    files = sorted(results.path.glob("*.csv"))
    return [Displayed(table=file.stem, title=f"{results.manifest.experiment}: {file.stem}") for file in files]


def _print_displayed(results: Results, displayed: Displayed, console: Console) -> None:
    table = read_table(results.path, displayed.table)
    print_table(table.head(_MOST_LINES), displayed.title, console)
    if len(table) > _MOST_LINES:
        rest = f"… and {len(table) - _MOST_LINES} more lines in {displayed.table}.csv"
        console.print(rest, highlight=False, markup=False)
    _print_lines([displayed.remark] if displayed.remark else [], console)


def _print_lines(lines: Sequence[str], console: Console) -> None:
    for line in lines:
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def _print_findings(findings: pd.DataFrame, console: Console) -> None:
    question = ""
    for line in findings.head(_MOST_FINDINGS).to_dict("records"):
        if line["question"] != question:
            question = line["question"]
            console.print(printable(str(question)), style="bold", markup=False, highlight=False)
        recorded = "" if np.isnan(line["recorded"]) else f" SCAI (2023): {line['recorded']:.3f}."
        goal = f" Goal: {line['goal']}." if line["goal"] else ""
        console.print(printable(f"  {line['sentence']}{recorded}{goal}"), markup=False, highlight=False, soft_wrap=True)
    if len(findings) > _MOST_FINDINGS:
        console.print(f"  … and {len(findings) - _MOST_FINDINGS} more in {FINDINGS}.parquet", highlight=False)
