"""The audit of recorded runs, as a command: tables, posteriors and a figure beside what was imported."""

from __future__ import annotations

from pathlib import Path

from inference import arviz_compat as arviz_seam
from scai_irl.audit.recorded.recorded_audit import AuditSetting, audit_recorded, audit_steps, summary_table
from scai_irl.audit.recorded.recorded_figure import recorded_figure
from scai_irl.audit.recorded.recorded_findings import recorded_findings
from scai_irl.io.errors import InputError
from scai_irl.io.files import write_bytes, write_table
from scai_irl.io.progress import progress
from scai_irl.report.figures import save_figure
from scai_irl.report.tables import save_table
from scai_irl.results.findings import save_findings
from scai_irl.results.folder import reopened
from scai_irl.results.results import POSTERIOR, Results, load

_NEEDED = {"proposer_policy", "responder_policy", "offered_share", "accepted", "run", "epoch"}


def audit_recorded_folder(folder: Path, setting: AuditSetting | None = None) -> Results:
    """Audit a results folder made by an importer, and keep the audit in it.

    Args:
        folder: Results folder with recorded interactions.
        setting: Hypotheses and intervals.

    Raises:
        InputError: If the folder is no such folder, or cannot be written to.
    """
    imported = load(folder)
    interactions = imported.tables.get("interactions")
    if interactions is None or not imported.manifest.experiment.startswith("import-"):
        mend = "give a folder made by `scai-irl import`"
        raise InputError(str(folder), f"holds {imported.manifest.experiment} and no recorded runs", mend)
    lacking = sorted(_NEEDED - set(interactions))
    if lacking:
        raise InputError(str(folder), f"its interactions lack the column {lacking[0]}", "import the runs again")
    with reopened(folder):
        with progress(f"audit {folder.name}", audit_steps(interactions)) as advance:
            audit = audit_recorded(interactions, setting, advance)
        write_table(folder / "audit_beliefs.parquet", audit.beliefs)
        write_table(folder / "audit_by_run.parquet", audit.by_run)
        write_table(folder / "audit.parquet", audit.summary)
        write_bytes(folder / POSTERIOR, arviz_seam.to_netcdf(audit.posterior))
        save_table(folder, "audit", summary_table(audit.summary))
        save_figure(recorded_figure(audit), folder, "audit")
        save_findings(folder, recorded_findings(audit.by_run))
    return load(folder)
