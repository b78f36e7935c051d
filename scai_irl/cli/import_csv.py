"""``scai-irl import human csv``: choices in a CSV file as a results folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.data.human.import_choices import import_own
from scai_irl.data.human.own_csv import CsvColumns
from scai_irl.report.show import show


@dataclass
class Csv:
    """Options of ``scai-irl import human csv``."""

    path: Annotated[Positional[Path], arg(help="Data file.")]
    out: Annotated[Path, arg(help="Results folder to make.")]
    subject: Annotated[str, arg(help="Column with the subject's name.")] = "subject"
    stake: Annotated[str, arg(help="Column with the units divided, or one number for all rows.")] = "stake"
    offer: Annotated[str, arg(help="Column with the units given to the responder.")] = "offer"
    accepted: Annotated[str, arg(help="Column with the answer, 1 or 0; empty in rows of proposers.")] = "accepted"
    trial: Annotated[str, arg(help="Column with the subject's trial number; without it, rows are counted.")] = "trial"
    role: Annotated[str, arg(help="Column with proposer or responder; without it, all are responders.")] = "role"
    study: Annotated[str, arg(help="Column with the study's name; without it, the file's name.")] = "study"
    minimum: Annotated[str, arg(help="Column with minimum acceptable offers (strategy method), if any.")] = "minimum"


def execute(command: Csv) -> None:
    """Import the file, and print the results."""
    show(import_own(command.path, command.out, CsvColumns.of(command)))


OPTIONS = Csv
