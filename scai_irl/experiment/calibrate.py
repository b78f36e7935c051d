"""``scai-irl calibrate``: simulation-based calibration of a method for a family, as a results folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import jax
import pandas as pd

from envs.seeds import derive_key
from inference import (
    CALIBRATION_METHODS,
    CONTINUOUS_FAMILIES,
    calibrate,
    calibration_method,
    continuous_family,
    default_method,
)
from inference.samplers.grid import LARGEST_GRID, Grid
from scai_irl.io.errors import InputError
from scai_irl.io.progress import progress
from scai_irl.report.calibration_figures import calibration_figure
from scai_irl.report.study import Study, keep
from scai_irl.results.folder import default_folder, opened
from scai_irl.results.manifest import Displayed
from scai_irl.results.results import Results, load

_NAME = "calibrate"
_STEPS = 10
_COLUMNS = (
    "'ratio' is the largest deviation of a number's ranks, divided by the deviation that the envelope of all numbers "
    "allows. 'correlation' is between posterior means and truths. 'coverage' is that of 90 % intervals."
)
_FEWEST = 20


def calibrate_family(
    family: str,
    method: str | None = None,
    replications: int = 1_000,
    seed: int = 0,
    folder: Path | None = None,
) -> Results:
    """Calibrate a method for a family, and store table, ranks and figure.

    Args:
        family: Name in `inference.CONTINUOUS_FAMILIES`.
        method: Name in `inference.CALIBRATION_METHODS`; None for the family's default.
        replications: Number of true parameters to draw.
        seed: Root seed.
        folder: Results folder; a new one under ``results`` if not given.

    Raises:
        InputError: If there is no such family or method, or the folder cannot be used.
    """
    if family not in CONTINUOUS_FAMILIES:
        raise InputError("family", f"unknown {family!r}", f"give one of {', '.join(CONTINUOUS_FAMILIES)}")
    if replications < _FEWEST:
        raise InputError("replications", f"{replications} are too few", f"give {_FEWEST} or more; 1000 are usual")
    entry = continuous_family(family)
    chosen = method or default_method(entry.family).name
    if chosen not in CALIBRATION_METHODS:
        raise InputError("method", f"unknown {chosen!r}", f"give one of {', '.join(CALIBRATION_METHODS)}")
    if chosen == Grid.name and entry.family.dimension > LARGEST_GRID:
        problem = f"{family} has {entry.family.dimension} parameters, too many for a grid"
        raise InputError("method", problem, "give nuts or smc")
    config = {"family": family, "method": chosen, "replications": replications, "seed": seed}
    out = folder or default_folder(_NAME, config)
    with opened(out, _NAME, config, seed=seed) as manifest:
        if manifest.status == "finished":
            return load(out)
        with progress(f"calibrate {family} by {chosen}", _STEPS) as advance:
            calibration = calibrate(
                entry.family,
                entry.design(),
                calibration_method(chosen, entry.family),
                derive_key(seed, _NAME, family, chosen),
                replications,
                on_steps=lambda done, _: advance(f"{done} posteriors"),
            )
        outside = int((~calibration.table["inside"]).sum())
        verdict = (
            f"{outside} of {len(calibration.table)} outside the envelope" if outside else "all inside the 95 % envelope"
        )
        title = f"{family} by {chosen}: ranks of {replications:,} truths"
        study = Study(
            tables={"calibration": calibration.table, "ranks": pd.DataFrame(calibration.ranks)},
            shown={"calibration": calibration.table.round(3)},
            figures={"calibration": calibration_figure(calibration.ranks)},
            displayed=[Displayed(table="calibration", title=title, remark=f"{verdict}. {_COLUMNS}")],
            counts={
                "posteriors": replications,
                "numbers ranked": len(calibration.table),
                "numbers outside the envelope": outside,
                "divergent steps": calibration.divergences,
            },
        )
        keep(out, manifest, study)
    return load(out)


def use_cores(cores: int) -> None:
    """Let JAX use several cores in parallel, as devices.

    Nothing changes once JAX has computed anything, as in a notebook. The numbers are the same on any number of devices.
    """
    update: Callable[[str, object], None] = jax.config.update
    if cores > 1:
        with contextlib.suppress(RuntimeError):
            update("jax_num_cpu_devices", cores)
