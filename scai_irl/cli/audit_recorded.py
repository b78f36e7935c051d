"""``scai-irl audit recorded``: recorded runs compared with the exact posterior."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.audit.recorded.recorded_folder import audit_recorded_folder
from scai_irl.report.show import show


@dataclass
class AuditRecorded:
    """Options of ``scai-irl audit recorded``."""

    results: Annotated[Positional[Path], arg(help="Folder from `scai-irl import`.")]


def execute(command: AuditRecorded) -> None:
    """Audit the recorded runs, and print the results."""
    show(audit_recorded_folder(command.results))


OPTIONS = AuditRecorded
