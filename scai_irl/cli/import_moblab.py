"""``scai-irl import human moblab``: the choices of Mei et al. (2024) as a results folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.data.human.import_choices import import_human
from scai_irl.report.show import show


@dataclass
class Moblab:
    """Options of ``scai-irl import human moblab``."""

    path: Annotated[Positional[Path], arg(help="Data file, ultimatum_strategy.csv; may be compressed.")]
    out: Annotated[Path, arg(help="Results folder to make.")]


def execute(command: Moblab) -> None:
    """Import the file, and print the results."""
    show(import_human(command.path, command.out, "moblab"))


OPTIONS = Moblab
