"""``scai-irl show``: print a results folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.report.show import show
from scai_irl.results.results import load


@dataclass
class Show:
    """Options of ``scai-irl show``."""

    results: Annotated[Positional[Path], arg(help="Results folder.")]


def execute(command: Show) -> None:
    """Print the folder."""
    show(load(command.results))


OPTIONS = Show
