"""The audit of recorded runs as a command, which adds tables, posteriors and a figure to an imported folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scai_irl.audit.recorded.recorded_audit import AuditSetting, audit_recorded, audit_steps, summary_table
from scai_irl.audit.recorded.recorded_figure import recorded_figure
from scai_irl.audit.recorded.recorded_findings import recorded_findings
from scai_irl.io.errors import InputError
from scai_irl.io.progress import progress
from scai_irl.report.study import Study, keep
from scai_irl.results.folder import reopened
from scai_irl.results.manifest import Displayed, Manifest
from scai_irl.results.results import Results, load

_FILES_ONLY = ["TV excess", "W₁ excess", "TV pooled", "W₁ pooled", "gap, drawn", "answers"]
_REMARK = (
    "Weights of norms are in hundredths. TV and W₁ are distances between a run's verbal and its numerical posterior; "
    "in brackets, the distance that a sample from the numerical posterior has. 'gap, mean' is the gap of an assistant "
    "that offers the predictive mean."
)
_NEEDED = {"proposer_policy", "responder_policy", "offered_share", "accepted", "run", "epoch"}


def audit_recorded_folder(folder: Path, setting: AuditSetting | None = None) -> Results:
    """Audit a results folder that an importer wrote, and save the audit in it.

    Args:
        folder: Results folder with recorded interactions.
        setting: Hypotheses and intervals.

    Raises:
        InputError: If the folder has no recorded runs, or cannot be written to.
    """
    imported = load(folder)
    interactions = imported.tables.get("interactions")
    if interactions is None or not imported.manifest.experiment.startswith("import-"):
        hint = "give a folder made by `scai-irl import`"
        raise InputError(str(folder), f"has results of {imported.manifest.experiment}, not recorded runs", hint)
    lacking = sorted(_NEEDED - set(interactions))
    if lacking:
        raise InputError(str(folder), f"its interactions lack the column {lacking[0]}", "import the runs again")
    with reopened(folder):
        study = recorded_study(interactions, folder.name, setting)
        manifest = Manifest.read(folder)
        manifest.displayed = []
        keep(folder, manifest, study)
    return load(folder)


def recorded_study(interactions: pd.DataFrame, name: str, setting: AuditSetting | None = None) -> Study:
    """Audit recorded interactions: tables, posterior, findings and a figure.

    Args:
        interactions: Interactions of recorded runs.
        name: Name for the line of progress.
        setting: Hypotheses and intervals.
    """
    with progress(f"audit {name}", audit_steps(interactions)) as advance:
        audit = audit_recorded(interactions, setting, advance)
    table = summary_table(audit.summary)
    title = f"verbal and numerical posterior, after epoch {audit.summary['epoch'].max()}"
    return Study(
        recorded_findings(audit.by_run),
        tables={"audit_beliefs": audit.beliefs, "audit_by_run": audit.by_run, "audit": audit.summary},
        shown={"audit": table, "audit_short": table.drop(columns=_FILES_ONLY)},
        figures={"audit": recorded_figure(audit)},
        displayed=[Displayed(table="audit_short", title=title, remark=_REMARK)],
        posterior=audit.posterior,
    )
