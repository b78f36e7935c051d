"""A sweep on the terminal: what its cells found, over seeds, and what failed."""

from __future__ import annotations

import pandas as pd
from rich.console import Console

from scai_irl.io.errors import printable
from scai_irl.report.tables import print_table
from scai_irl.results.findings import FINDINGS
from scai_irl.results.results import Results
from scai_irl.sweep.collect import CELLS

_MOST_LINES = 40
_MOST_ERRORS = 5
_OF_CELLS = ("name", "seed", "status", "seconds", "error", "worker")


def print_sweep(results: Results, console: Console) -> None:
    """Print what the cells of a sweep found, and the errors of those that failed."""
    if FINDINGS in results.tables:
        table = over_seeds(results)
        title = f"{results.manifest.config['experiment']}, means over seeds"
        print_table(table.head(_MOST_LINES), title, console)
        if len(table) > _MOST_LINES:
            console.print(f"… and {len(table) - _MOST_LINES} more lines; the table findings has all", highlight=False)
    for line in error_lines(results.tables[CELLS]):
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def over_seeds(results: Results) -> pd.DataFrame:
    """Shape findings for reading: a line for each of them and each combination of settings.

    Returns:
        The mean over seeds, and the lowest and highest value where there are several.
    """
    findings = results.tables[FINDINGS]
    varied = [name for name in results.tables[CELLS] if name not in _OF_CELLS]
    by = [f"sweep_{name}" if f"sweep_{name}" in findings else name for name in varied]
    lines = []
    for names, of_one in findings.groupby([*by, "question", "case"], sort=False, dropna=False):
        values = of_one["value"]
        spread = f" ({values.min():.3f} to {values.max():.3f})" if len(values) > 1 else ""
        told = dict(zip(varied, names, strict=False))
        lines.append({**told, "case": names[-1], "found": f"{values.mean():.3f}{spread}", "seeds": len(values)})
    return pd.DataFrame(lines)


def error_lines(cells: pd.DataFrame) -> list[str]:
    """Say what failed: each error once, with the number of cells that it stopped and the name of the first."""
    failed = cells[cells["status"] == "failed"]
    lines = []
    for error, some in failed.groupby("error", sort=False):
        lines.append(f"{len(some)} failed, the first of them {some['name'].iloc[0]}: {error}")
    rest = len(lines) - _MOST_ERRORS
    return [*lines[:_MOST_ERRORS], *([f"… and {rest} other errors; the table cells has all"] if rest > 0 else [])]
