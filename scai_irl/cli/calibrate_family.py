"""``scai-irl calibrate``: simulation-based calibration of a method on a family."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.experiment.calibrate import calibrate_family, use_cores
from scai_irl.report.show import show


@dataclass
class Calibrate:
    """Options of ``scai-irl calibrate``."""

    family: Annotated[Positional[str], arg(help="Continuous family; `scai-irl list` names the families.")]
    method: Annotated[
        str | None, arg(help="grid, nuts, smc, laplace, svi or svi-mean-field; chosen by dimension if not given.")
    ] = None
    replications: Annotated[int, arg(help="Simulated truths; 1,000 detect deviations of a few per cent.")] = 1_000
    seed: Annotated[int, arg(help="Root seed of all random numbers.")] = 0
    cores: Annotated[int | None, arg(help="Cores to use in parallel; all if not given.")] = None
    out: Annotated[Path | None, arg(help="Results folder; a new one under results/ if not given.")] = None


def execute(command: Calibrate) -> None:
    """Calibrate, and print the results."""
    use_cores(command.cores or os.cpu_count() or 1)
    show(calibrate_family(command.family, command.method, command.replications, command.seed, command.out))


OPTIONS = Calibrate
