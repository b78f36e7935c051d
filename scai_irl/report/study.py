"""Results of a study in memory, and their results folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from inference import arviz_compat
from scai_irl.io.files import write_bytes, write_table
from scai_irl.report.drawing import save_figure
from scai_irl.report.tables import save_table
from scai_irl.results.findings import Finding, save_findings
from scai_irl.results.manifest import Displayed, Manifest
from scai_irl.results.results import POSTERIOR


@dataclass(frozen=True)
class Study:
    """Results of a study in memory.

    Attributes:
        findings: Findings, the most important first.
        tables: Tables of numbers, by name; stored as Parquet.
        shown: Formatted tables, by name; stored as CSV, Markdown and LaTeX.
        figures: Figures by name.
        displayed: Formatted tables that the terminal prints.
        remarks: Sentences that the terminal prints below the tables, such as warnings.
        posterior: The posterior as an ArviZ object, if there is one.
        counts: Counts for the manifest, by name.
        backend: Backend that the study opened itself, if the configuration names none.
        model: Models of that backend.
    """

    findings: Sequence[Finding] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    shown: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    displayed: Sequence[Displayed] = ()
    remarks: Sequence[str] = ()
    posterior: Any = None
    counts: Mapping[str, int] = field(default_factory=dict)
    backend: str | None = None
    model: str | None = None


def keep(folder: Path, manifest: Manifest, study: Study) -> None:
    """Write a study into a results folder, and finish the folder's manifest."""
    for name, table in study.tables.items():
        write_table(folder / f"{name}.parquet", table)
    for name, table in study.shown.items():
        save_table(folder, name, table)
    for name, figure in study.figures.items():
        save_figure(figure, folder, name)
    if study.posterior is not None:
        write_bytes(folder / POSTERIOR, arviz_compat.to_netcdf(study.posterior))
    save_findings(folder, study.findings)
    manifest.displayed = [*manifest.displayed, *study.displayed]
    manifest.remarks = [*manifest.remarks, *study.remarks]
    manifest.counts = {**manifest.counts, **study.counts}
    manifest.backend = study.backend or manifest.backend
    manifest.model = study.model or manifest.model
    manifest.finish(folder)
