"""The audit of recorded runs, as a command."""

from pathlib import Path

from scai_irl.records.results import Results


def audit_recorded_folder(folder: Path) -> Results:
    """Audit an imported results folder."""
    raise SystemExit(str(folder))
