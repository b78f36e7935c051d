"""``scai-irl reproduce``: run a list of experiments, each in its own folder, and write one report.

A module in ``experiments`` makes a `Reproduction`, and the entry-point group ``scai_irl.reproductions`` names it. A
second start resumes: finished experiments are only loaded.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from scai_irl.backends.registry import SERVED
from scai_irl.experiment.config import check
from scai_irl.experiment.definition import find_experiments
from scai_irl.io.errors import InputError, printable
from scai_irl.report.html.write_report import write_report

_GROUP = "scai_irl.reproductions"
REPORT = "report.html"
_CRASHED = 1


@dataclass(frozen=True)
class Step:
    """One experiment of a reproduction.

    Attributes:
        name: Name of the step and of its folder.
        experiment: Name of the experiment.
        options: Options of the experiment, by field.
        seconds: Seconds on two cores without GPU, for the estimate; not used if a server is asked.
    """

    name: str
    experiment: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def served(self) -> bool:
        """Whether the step asks a server, on which its time depends."""
        return self.options.get("backend") == SERVED


@dataclass(frozen=True)
class Failure:
    """A step that failed.

    Attributes:
        name: The step.
        problem: The problem, in a line.
        crashed: Whether an error of the program is likely, because the input is not the cause.
    """

    name: str
    problem: str
    crashed: bool


@dataclass(frozen=True)
class Reproduction:
    """A list of experiments.

    Attributes:
        name: Name on the command line.
        summary: One line for ``--help``.
        presets: The steps of each preset.
        times: Source of the times of a preset, if they were not measured.
    """

    name: str
    summary: str
    presets: Mapping[str, Sequence[Step]]
    times: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Reproduce:
    """Run every experiment of a list and write one report of all. Resumes after an interruption."""

    what: Annotated[Positional[str], arg(help="List of experiments: paper.")]
    preset: Annotated[str, arg(help="small, full or cluster.")] = "small"
    out: Annotated[Path | None, arg(help="Folder of all results; results/WHAT-PRESET unless given.")] = None
    seed: Annotated[int, arg(help="Root seed of all random numbers.")] = 0
    data: Annotated[Path | None, arg(help="Folder with runs of SCAI (2023) and people's choices, if any.")] = None
    only: Annotated[tuple[str, ...], arg(help="Steps to run; all unless given.")] = ()
    url: Annotated[
        tuple[str, ...], arg(help="Servers of the model, for steps that ask a server (preset cluster).")
    ] = ()
    model: Annotated[str, arg(help="Name of the served model; not needed if a server has only one.")] = ""
    concurrency: Annotated[int | None, arg(help="Requests in flight at each server.")] = None
    dry_run: Annotated[bool, arg(help="List the steps with their times without running them.")] = False


def find_reproductions() -> dict[str, Reproduction]:
    """Find the reproductions of all installed distributions."""
    return {entry.name: entry.load() for entry in sorted(entry_points(group=_GROUP), key=lambda entry: entry.name)}


def reproduce(command: Reproduce) -> None:
    """Run a reproduction.

    Raises:
        InputError: If there is no such reproduction, preset or step; or, at the end, if steps failed because of input.
        SystemExit: With code 1, at the end, if a step failed for another reason.
    """
    reproductions = find_reproductions()
    if command.what not in reproductions:
        raise InputError("what", f"there is no {command.what!r}", f"give one of {', '.join(reproductions)}")
    chosen = reproductions[command.what]
    if command.preset not in chosen.presets:
        raise InputError("preset", f"there is no {command.preset!r}", f"give one of {', '.join(chosen.presets)}")
    steps = with_server(_chosen(chosen.presets[command.preset], command.only), command)
    for line in estimate_lines(steps, chosen.times.get(command.preset, "")):
        print(line)
    if command.dry_run:
        return
    out = command.out or Path("results") / f"{chosen.name}-{command.preset}"
    folders, failed = run_steps(steps, out, command.seed, command.data)
    if folders:
        summaries = {name: experiment.summary for name, experiment in find_experiments().items()}
        write_report(folders, out / REPORT, chosen.summary, summaries, {one.name: one.problem for one in failed})
        print(f"report: {out / REPORT}")
    if failed:
        names = ", ".join(one.name for one in failed)
        error = InputError(names, f"{len(failed)} of {len(steps)} steps failed", "correct them, and run the same again")
        if not any(one.crashed for one in failed):
            raise error
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(_CRASHED)


def with_server(steps: Sequence[Step], command: Reproduce) -> list[Step]:
    """Add the address and the model of a server to steps that ask one.

    Raises:
        InputError: If these are given and no step asks a server.
    """
    given: dict[str, Any] = {"url": command.url, "model": command.model, "concurrency": command.concurrency}
    given = {name: value for name, value in given.items() if value not in ((), "", None)}
    if given and not any(step.served for step in steps):
        raise InputError(next(iter(given)), "none of these steps asks a server", "leave it out, or take another preset")
    return [replace(step, options={**step.options, **given}) if step.served else step for step in steps]


def estimate_lines(steps: Sequence[Step], times: str = "") -> list[str]:
    """Lines with the time of each step and of all steps, except those that ask a server.

    Args:
        steps: The steps.
        times: Source of the times, if they were not measured.
    """
    wide = max(len(step.name) for step in steps)
    lines = [f"  {step.name:<{wide}}  {_seconds(step)}  {step.experiment}" for step in steps]
    own = [step.seconds for step in steps if not step.served]
    served = len(steps) - len(own)
    here = f"about {_minutes(sum(own))} on two cores without GPU" + (f" ({times})" if times else "")
    if not served:
        return [*lines, f"{len(steps)} steps, {here}"]
    return [
        *lines,
        f"{len(own)} steps, {here if own else 'no time'}",
        f"{served} steps ask a server, which determines their time: scai-irl run EXPERIMENT --backend {SERVED} "
        "--dry-run --speed SLOWEST FASTEST tells calls, tokens and time",
    ]


def run_steps(steps: Sequence[Step], out: Path, seed: int, data: Path | None) -> tuple[list[Path], list[Failure]]:
    """Run steps one after the other; if one fails, report it and continue with the others.

    Args:
        steps: The steps.
        out: Folder that contains the steps' folders.
        seed: Root seed of all steps.
        data: Folder with data; the value ``data:NAME`` of an option stands for the file NAME in it.

    Returns:
        Folders of steps with results, and failures.
    """
    experiments = find_experiments()
    folders: list[Path] = []
    failed: list[Failure] = []
    for number, step in enumerate(steps, start=1):
        started = time.monotonic()
        options = _with_data(step.options, data)
        if options is None:
            _say(f"[{number}/{len(steps)}] {step.name}: skipped, because it needs --data")
            continue
        experiment = experiments[step.experiment]
        try:
            config = check(experiment.config, {**options, "seed": seed, "out": out / step.name})
            results = experiment.run(config)
        except Exception as problem:  # no error may cost the hours that other steps took
            crashed = not isinstance(problem, InputError)
            message = f"{type(problem).__name__}: {problem}" if crashed else str(problem)
            if crashed:
                traceback.print_exc()
            _say(f"[{number}/{len(steps)}] {step.name}: {message}")
            failed.append(Failure(step.name, message, crashed))
            continue
        folders.append(results.path)
        _say(f"[{number}/{len(steps)}] {step.name}: {time.monotonic() - started:.0f} s")
    return folders, failed


def _chosen(steps: Sequence[Step], only: Sequence[str]) -> Sequence[Step]:
    names = [step.name for step in steps]
    for name in only:
        if name not in names:
            raise InputError("only", f"there is no step {name!r}", f"give some of {', '.join(names)}")
    return [step for step in steps if not only or step.name in only]


def _with_data(options: Mapping[str, Any], data: Path | None) -> dict[str, Any] | None:
    """Replace ``data:NAME`` by paths; None if there are no data."""
    replaced = dict(options)
    for name, value in options.items():
        if isinstance(value, str) and value.startswith("data:"):
            if data is None:
                return None
            replaced[name] = data / value.removeprefix("data:")
    return replaced


def _seconds(step: Step) -> str:
    return " served" if step.served else f"{step.seconds:5.0f} s"


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


OPTIONS, execute = Reproduce, reproduce
