"""Run a sweep: send unfinished cells to the engine, and collect the results of all cells."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scai_irl.io.errors import InputError
from scai_irl.io.progress import progress
from scai_irl.results.folder import default_folder
from scai_irl.results.results import Results, load
from scai_irl.sweep.collect import collect_cells
from scai_irl.sweep.engines import Engine, make_engine
from scai_irl.sweep.sweep_cells import Cell, cells_of, known_experiment, uncounted
from scai_irl.sweep.sweep_definition import Sweep
from scai_irl.sweep.sweep_folder import (
    SWEEP,
    Part,
    alone,
    cell_folder,
    has_finished,
    load_outcome,
    part_of_sweep,
    save_outcome,
    whole_sweep,
)
from scai_irl.sweep.work import Task, work
from scai_irl.sweep.worker_settings import WorkerSettings


def run_sweep(
    sweep: Sweep,
    out: Path | None = None,
    *,
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    part: Part | None = None,
) -> Results:
    """Run a sweep, or resume it.

    A finished cell is only read; a killed one resumes. If a cell fails, its error is recorded and the others continue.
    Several workers of the local engine are new processes, so a script calls this under ``if __name__ == "__main__"``.

    Args:
        sweep: The sweep.
        out: Its folder; a new one under ``results`` if not given.
        engine: Name in `scai_irl.sweep.engines.ENGINES`.
        address: Address of the cluster, for engines that have one.
        workers: Most cells at a time.
        part: Part of the cells to run; all if None.

    Returns:
        The sweep's folder: the table ``cells``, and the collected ``summary`` and ``findings``, if there are any.

    Raises:
        InputError: If the sweep, the engine or the folder cannot be used, or the disk is full.
    """
    config = known_experiment(sweep).config
    cells = cells_of(sweep, config)
    written = sweep.written(uncounted(config))
    folder = (out or default_folder(SWEEP, written)).absolute()
    mine = cells[part.number :: part.of] if part else cells
    chosen = make_engine(engine, WorkerSettings(folder, sweep.resources, workers, address))
    if not all(has_finished(folder, cell.name) for cell in mine):
        chosen.check()
    if part is None:
        with whole_sweep(folder, written) as manifest:
            _work(sweep, mine, folder, chosen)
            if manifest.status != "finished":
                collect_cells(folder, cells, manifest)
    else:
        with part_of_sweep(folder, written, part):
            _work(sweep, mine, folder, chosen)
            _collect_if_last(folder, cells, written)
    return load(folder)


def unfinished(folder: Path, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells that have not finished."""
    return [cell for cell in cells if not has_finished(folder, cell.name)]


def _work(sweep: Sweep, cells: Sequence[Cell], folder: Path, engine: Engine) -> None:
    """Run the cells that have not finished.

    Raises:
        InputError: If the disk is full.
    """
    start = Path.cwd()
    tasks = [Task(sweep.experiment, cell, folder, start, sweep.figures) for cell in unfinished(folder, cells)]
    if not tasks:
        return
    failed = 0
    with contextlib.closing(engine.outcomes(work, tasks)) as outcomes, progress(SWEEP, len(tasks)) as advance:
        for outcome in outcomes:
            if outcome.status == "disk":
                hint = "free some space, then run the same command again: finished cells stay"
                raise InputError(str(cell_folder(folder, outcome.name)), f"the disk is full ({outcome.error})", hint)
            if outcome.status == "failed":
                failed += 1
                save_outcome(folder, outcome)
            advance(f"{outcome.name}, {failed} failed" if failed else outcome.name)


def _collect_if_last(folder: Path, cells: Sequence[Cell], written: Mapping[str, Any]) -> None:
    """Collect the results of all cells if no other part is unfinished."""
    if all(load_outcome(folder, cell.name) or has_finished(folder, cell.name) for cell in cells):
        with alone(folder, written) as manifest:
            if manifest.status != "finished":
                collect_cells(folder, cells, manifest)
