"""``scai-irl import human heffner``: the choices of Heffner & FeldmanHall (2022) as a results folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.data.human.import_choices import import_human
from scai_irl.report.show import show


@dataclass
class Heffner:
    """Options of ``scai-irl import human heffner``."""

    path: Annotated[Positional[Path], arg(help="Data file, ug_data.csv.")]
    out: Annotated[Path, arg(help="Results folder to make.")]


def execute(command: Heffner) -> None:
    """Import the file, and print the results."""
    show(import_human(command.path, command.out, "heffner"))


OPTIONS = Heffner
