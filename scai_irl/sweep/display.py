"""A sweep on the terminal: the findings of its cells, averaged over seeds, and the errors of those that failed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scai_irl.report.tables import save_table
from scai_irl.results.findings import FINDINGS
from scai_irl.results.manifest import Displayed

OVER_SEEDS = "findings_over_seeds"
"""Name of the table of findings, averaged over seeds."""

_MOST_ERRORS = 5
_OF_CELLS = ("name", "seed", "status", "seconds", "error", "worker")


def display(folder: Path, experiment: str, cells: pd.DataFrame) -> tuple[list[Displayed], list[str]]:
    """Write the table of findings over seeds into the sweep's folder, and list what ``scai-irl show`` prints.

    Args:
        folder: Folder of the sweep.
        experiment: Name of the sweep's experiment.
        cells: Table of cells.

    Returns:
        Tables and sentences to print.
    """
    file = folder / f"{FINDINGS}.parquet"
    if not file.exists():
        return [], error_lines(cells)
    save_table(folder, OVER_SEEDS, over_seeds(pd.read_parquet(file), cells))
    return [Displayed(table=OVER_SEEDS, title=f"{experiment}, means over seeds")], error_lines(cells)


def over_seeds(findings: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Average findings over seeds, with one row for each finding and combination of settings.

    Args:
        findings: Findings of all cells.
        cells: Table of cells.

    Returns:
        The mean over seeds, and the lowest and highest value if there are several.
    """
    varied = [name for name in cells if name not in _OF_CELLS]
    by = [f"sweep_{name}" if f"sweep_{name}" in findings else name for name in varied]
    lines = []
    for names, of_one in findings.groupby([*by, "question", "case"], sort=False, dropna=False):
        values = of_one["value"]
        spread = f" ({values.min():.3f} to {values.max():.3f})" if len(values) > 1 else ""
        settings = dict(zip(varied, names, strict=False))
        lines.append({**settings, "case": names[-1], "found": f"{values.mean():.3f}{spread}", "seeds": len(values)})
    return pd.DataFrame(lines)


def error_lines(cells: pd.DataFrame) -> list[str]:
    """List the errors of failed cells: each error once, with the number of cells and the name of the first."""
    failed = cells[cells["status"] == "failed"]
    lines = []
    for error, some in failed.groupby("error", sort=False):
        lines.append(f"{len(some)} failed, the first of them {some['name'].iloc[0]}: {error}")
    rest = len(lines) - _MOST_ERRORS
    return [*lines[:_MOST_ERRORS], *([f"… and {rest} other errors; the table cells has all"] if rest > 0 else [])]
