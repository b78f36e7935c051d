"""A results folder on the terminal."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.console import Console

from experiments.model_organisms.figures import curves_table
from experiments.people.fits_folder import print_fits
from scai_irl.audit.recorded.recorded_audit import summary_table
from scai_irl.audit.scorecard import print_scorecard
from scai_irl.io.errors import printable
from scai_irl.report.tables import final_table, print_table
from scai_irl.results.findings import FINDINGS
from scai_irl.results.results import Results
from scai_irl.sweep.collect import CELLS
from scai_irl.sweep.display import print_sweep

_MOST_FINDINGS = 12
_MOST_NUMBERS = 40  # rows of a calibration's table; its files have all
_WIDE = 190  # columns when the output goes to a file or a pipe


_FILES_ONLY = ["TV excess", "W₁ excess", "TV pooled", "W₁ pooled", "gap, drawn", "answers"]


def show(results: Results) -> None:
    """Print a results folder: its table, what it counts, and where its figures are.

    Args:
        results: What `scai_irl.load` gives.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    manifest = results.manifest
    sweep = CELLS in results.tables
    if sweep:
        print_sweep(results, console)
    if "summary" in results.tables and not sweep:
        summary = results.summary
        title = f"{manifest.experiment}, after epoch {summary['epoch'].max()}"
        print_table(final_table(summary), title, console)
    if "audit" in results.tables:
        _print_audit(results, console)
    if "scorecard" in results.tables:
        print_scorecard(results, console)
    if "calibration" in results.tables:
        _print_calibration(results, console)
    if "curves_summary" in results.tables:
        print_table(curves_table(results.curves_summary), f"{manifest.experiment}, after the last game", console)
    if "comparison_of_people" in results.tables:
        print_fits(results)
    if FINDINGS in results.tables and not sweep:
        _print_findings(results.tables[FINDINGS], console)
    if "unread" in results.tables and len(results.unread):
        console.print(f"{len(results.unread)} entries could not be read:")
        for line in results.unread.head(5).itertuples(index=False):
            console.print(printable(f"  {line.file} {line.where}: {line.reason}"), markup=False)
    counts = ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in manifest.counts.items())
    seed = "" if manifest.seed is None else f", seed {manifest.seed}"
    console.print(f"{manifest.status}{seed}; {counts}", highlight=False, markup=False)
    for figure in results.figures:
        console.print(f"figure: {figure}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"results: {results.path}", soft_wrap=True, highlight=False, markup=False)


def _print_findings(findings: pd.DataFrame, console: Console) -> None:
    asked = ""
    for line in findings.head(_MOST_FINDINGS).to_dict("records"):
        if line["question"] != asked:
            asked = line["question"]
            console.print(printable(str(asked)), style="bold", markup=False, highlight=False)
        beside = "" if np.isnan(line["recorded"]) else f" Recorded in 2023: {line['recorded']:.3f}."
        goal = f" Goal: {line['goal']}." if line["goal"] else ""
        console.print(printable(f"  {line['sentence']}{beside}{goal}"), markup=False, highlight=False, soft_wrap=True)
    if len(findings) > _MOST_FINDINGS:
        console.print(f"  … and {len(findings) - _MOST_FINDINGS} more in {FINDINGS}.parquet", highlight=False)


def _print_calibration(results: Results, console: Console) -> None:
    """Print how far the ranks of each number stray, and how well it is recovered."""
    config = results.manifest.config
    table = results.tables["calibration"].round(3)
    title = f"{config['family']} by {config['method']}: ranks of {config['replications']:,} truths"
    print_table(table.head(_MOST_NUMBERS), title, console)
    outside = table[~table["inside"]]
    verdict = (
        "all inside the 95 % envelope" if outside.empty else f"{len(outside)} of {len(table)} outside the envelope"
    )
    console.print(
        f"{verdict}. 'ratio' is the largest deviation of a number's ranks over what the envelope of all numbers "
        "allows; 'correlation' that of posterior means with truths; 'coverage' that of 90 % intervals.",
        highlight=False,
    )


def _print_audit(results: Results, console: Console) -> None:
    """Print the columns of an audit that fit a terminal; its files have the others."""
    table = summary_table(results.audit).drop(columns=_FILES_ONLY)
    title = f"verbal beside numerical posterior, after epoch {results.audit['epoch'].max()}"
    print_table(table, title, console)
    console.print(
        "Weights of norms are in hundredths. TV and W₁ are distances of a run's verbal from its numerical posterior, "
        "and in brackets of a draw from the numerical one. 'gap, mean' is that of offering the predictive mean.",
        highlight=False,
        markup=False,
    )
