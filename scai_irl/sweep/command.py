"""``scai-irl sweep``: one experiment for every combination of settings and seeds, here or on a cluster."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from scai_irl.io.errors import InputError
from scai_irl.report.show import show
from scai_irl.results.folder import default_folder
from scai_irl.results.results import Results
from scai_irl.sweep.collect import CELLS, cells_table
from scai_irl.sweep.display import error_lines
from scai_irl.sweep.run_sweep import run_sweep, unfinished
from scai_irl.sweep.sweep_cells import cells_of, known_experiment, uncounted
from scai_irl.sweep.sweep_definition import Sweep, read_sweep
from scai_irl.sweep.sweep_folder import SWEEP, Part

_NAMES_SHOWN = 5


@dataclass
class SweepCommand:
    """Run an experiment for every combination of settings and seeds. Resumes after an interruption."""

    file: Annotated[Positional[Path], arg(help="The sweep, as a TOML file.")]
    engine: Annotated[str, arg(help="Where cells run: local or ray.")] = "local"
    address: Annotated[
        str | None, arg(help="Ray cluster: HOST:PORT, or auto for the cluster of this machine; none: this machine.")
    ] = None
    out: Annotated[Path | None, arg(help="Folder of the sweep; a new one under results/ if not given.")] = None
    workers: Annotated[
        int | None, arg(help="Maximum cells at a time; as many as the resources allow if not given.")
    ] = None
    part: Annotated[str | None, arg(help="I/K: only every K-th cell from the I-th on, as in a job array.")] = None
    set: Annotated[
        tuple[str, ...],
        arg(help="Options that change no number, such as --set 'url=[\"http://one:8000\"]' timeout=60."),
    ] = ()
    dry_run: Annotated[bool, arg(help="Print the number of cells, and run none.")] = False


def sweep(command: SweepCommand) -> None:
    """Run a sweep, and show its results.

    Raises:
        InputError: If the sweep, the engine or the folder cannot be used.
        SystemExit: With code 1 if cells failed.
    """
    checked = with_settings(read_sweep(command.file), command.set)
    part = None if command.part is None else Part.read(command.part)
    if command.workers is not None and command.workers < 1:
        raise InputError("workers", f"{command.workers} is less than 1", "give 1 or more")
    if command.dry_run:
        for line in plan(checked, command.out, part):
            print(line)
        return
    results = run_sweep(
        checked, command.out, engine=command.engine, address=command.address, workers=command.workers, part=part
    )
    show(results)
    _end_badly(checked, part, results)


def with_settings(sweep: Sweep, assignments: Sequence[str]) -> Sweep:
    """Add options to the settings of a sweep that are known only when it runs.

    Args:
        sweep: The sweep.
        assignments: Options as ``KEY=VALUE``; values are written as in TOML, and text needs no quotes.

    Raises:
        InputError: If an option is unknown, or changes results, which only the file may do.
    """
    if not assignments:
        return sweep
    harmless = uncounted(known_experiment(sweep).config) - {"out", "dry_run"}
    settings = dict(sweep.settings)
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or name not in harmless:
            hint = f"put it into the file; only these can be set: {', '.join(sorted(harmless))}"
            raise InputError("set", f"{assignment} is not an option that leaves the results unchanged", hint)
        settings[name] = _value(value)
    return sweep.model_copy(update={"settings": settings})


def plan(sweep: Sweep, out: Path | None, part: Part | None) -> list[str]:
    """Return the number of cells, the number of finished ones, and the names of the first, as lines of text.

    Raises:
        InputError: If the sweep cannot be used.
    """
    config = known_experiment(sweep).config
    cells = cells_of(sweep, config)
    folder = out or default_folder(SWEEP, sweep.written(uncounted(config)))
    mine = cells[part.number :: part.of] if part else cells
    left = len(unfinished(folder, mine))
    of_all = f" of {len(cells):,}" if part else ""
    names = [cell.name for cell in mine[:_NAMES_SHOWN]]
    more = [f"  … and {len(mine) - _NAMES_SHOWN:,} more"] if len(mine) > _NAMES_SHOWN else []
    return [
        f"{len(mine):,}{of_all} cells of {sweep.experiment}, {len(mine) - left:,} finished, in {folder}",
        *(f"  {name}" for name in names),
        *more,
    ]


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _end_badly(checked: Sweep, part: Part | None, results: Results) -> None:
    """End with an error code if cells failed, for a shell or a scheduler."""
    cells = cells_of(checked, known_experiment(checked).config)
    mine = cells[part.number :: part.of] if part else cells
    left = len(unfinished(results.path, mine))
    if left:
        if CELLS not in results.tables:
            for line in error_lines(cells_table(results.path, mine)):
                print(line)
        hint = "correct the errors, then run the same command again"
        print(f"error: {InputError(CELLS, f'{left} of {len(mine)} failed', hint)}", file=sys.stderr)
        raise SystemExit(1)


OPTIONS, execute = SweepCommand, sweep
