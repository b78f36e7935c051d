"""``scai-irl import scai2023``: recorded runs of SCAI (2023) as a results folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.data.scai2023.import_runs import import_scai2023
from scai_irl.report.show import show


@dataclass
class Scai2023:
    """Options of ``scai-irl import scai2023``."""

    path: Annotated[Positional[Path], arg(help="Folder or archive with the recorded runs.")]
    out: Annotated[Path, arg(help="Results folder to make.")]


def execute(command: Scai2023) -> None:
    """Import the file, and print the results."""
    show(import_scai2023(command.path, command.out))


OPTIONS = Scai2023
