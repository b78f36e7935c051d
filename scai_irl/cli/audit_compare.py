"""``scai-irl audit compare``: two models' score cards, with paired tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.audit.scorecard import compare_folders


@dataclass
class Compare:
    """Options of ``scai-irl audit compare``."""

    first: Annotated[Positional[Path], arg(help="Folder from `scai-irl audit model`.")]
    second: Annotated[Positional[Path], arg(help="Another such folder, with the same preset and seed.")]


def execute(command: Compare) -> None:
    """Print the comparison."""
    compare_folders(command.first, command.second)


OPTIONS = Compare
