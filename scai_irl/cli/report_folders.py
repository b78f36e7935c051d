"""``scai-irl report``: one HTML report of several results folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.experiment.entries import experiment_entries
from scai_irl.io.errors import printable
from scai_irl.report.html.write_report import write_report


@dataclass
class Report:
    """Options of ``scai-irl report``."""

    results: Annotated[Positional[tuple[Path, ...]], arg(help="Results folders, in the order of their sections.")]
    out: Annotated[Path, arg(help="File to write; replaces an earlier report.")] = Path("report.html")
    title: Annotated[str, arg(help="Title of the page; names the experiments if not given.")] = ""


def execute(command: Report) -> None:
    """Write the report."""
    summaries = {name: entry.summary for name, entry in experiment_entries().items()}
    write_report(command.results, command.out, command.title, summaries)
    print(printable(f"report: {command.out}"))


OPTIONS = Report
