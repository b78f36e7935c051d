"""``scai-irl reproduce``: run a list of experiments, each in a folder of its own, and tell them all in one report.

A script in ``experiments`` makes a `Reproduction`; the entry-point group ``scai_irl.reproductions`` names it. Started
again, it goes on where it was stopped: what is finished is only read.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from scai_irl.config import check
from scai_irl.errors import InputError, printable
from scai_irl.experiment import find_experiments
from scai_irl.report.html.command import write_report

_GROUP = "scai_irl.reproductions"
REPORT = "report.html"


@dataclass(frozen=True)
class Step:
    """One experiment of a reproduction.

    Attributes:
        name: Name of its folder.
        experiment: Name of the experiment.
        options: Its options, by field.
        seconds: What it took when it was measured, on two cores without GPU; for the estimate.
    """

    name: str
    experiment: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class Reproduction:
    """A list of experiments.

    Attributes:
        name: Name on the command line.
        summary: One line for ``--help``.
        presets: The steps of each preset.
    """

    name: str
    summary: str
    presets: Mapping[str, Sequence[Step]]


@dataclass
class Reproduce:
    """Run every experiment of a list, and build one report of all. Goes on where it was stopped."""

    what: Annotated[Positional[str], arg(help="List of experiments: paper.")]
    preset: Annotated[str, arg(help="small, full or cluster.")] = "small"
    out: Annotated[Path | None, arg(help="Folder of all results; results/WHAT-PRESET unless given.")] = None
    seed: Annotated[int, arg(help="Root of all randomness.")] = 0
    data: Annotated[Path | None, arg(help="Folder with recorded runs and people's choices, where there is one.")] = None
    only: Annotated[tuple[str, ...], arg(help="Steps to run; all unless given.")] = ()
    dry_run: Annotated[bool, arg(help="List the steps with their times, and run none.")] = False


def find_reproductions() -> dict[str, Reproduction]:
    """Find the reproductions of all installed distributions."""
    return {entry.name: entry.load() for entry in sorted(entry_points(group=_GROUP), key=lambda entry: entry.name)}


def reproduce(command: Reproduce) -> None:
    """Run a reproduction.

    Raises:
        InputError: If there is no such reproduction, preset or step; or, at the end, if a step failed.
    """
    found = find_reproductions()
    if command.what not in found:
        raise InputError("what", f"there is no {command.what!r}", f"give one of {', '.join(found)}")
    chosen = found[command.what]
    if command.preset not in chosen.presets:
        raise InputError("preset", f"there is no {command.preset!r}", f"give one of {', '.join(chosen.presets)}")
    steps = _chosen(chosen.presets[command.preset], command.only)
    for line in estimate_lines(steps):
        print(line)
    if command.dry_run:
        return
    out = command.out or Path("results") / f"{chosen.name}-{command.preset}"
    folders, failed = run_steps(steps, out, command.seed, command.data)
    if folders:
        summaries = {name: experiment.summary for name, experiment in find_experiments().items()}
        write_report(folders, out / REPORT, chosen.summary, summaries)
        print(f"report: {out / REPORT}")
    if failed:
        names = ", ".join(failed)
        raise InputError(names, f"{len(failed)} of {len(steps)} steps failed", "mend them, and run the same again")


def estimate_lines(steps: Sequence[Step]) -> list[str]:
    """Say how long each step took when it was measured, and all of them together."""
    wide = max(len(step.name) for step in steps)
    lines = [f"  {step.name:<{wide}}  {step.seconds:5.0f} s  {step.experiment}" for step in steps]
    total = sum(step.seconds for step in steps)
    return [*lines, f"{len(steps)} steps, about {_minutes(total)} on two cores without GPU"]


def run_steps(steps: Sequence[Step], out: Path, seed: int, data: Path | None) -> tuple[list[Path], list[str]]:
    """Run steps one after the other; one that fails is named, and the others go on.

    Args:
        steps: The steps.
        out: Folder of their folders.
        seed: Root seed of all.
        data: Folder with data; the value ``data:NAME`` of an option stands for the file NAME in it.

    Returns:
        Folders of those that have results, and names of those that failed.
    """
    experiments = find_experiments()
    folders: list[Path] = []
    failed: list[str] = []
    for number, step in enumerate(steps, start=1):
        started = time.monotonic()
        options = _with_data(step.options, data)
        if options is None:
            _say(f"[{number}/{len(steps)}] {step.name}: left out, since it needs --data")
            continue
        experiment = experiments[step.experiment]
        try:
            config = check(experiment.config, {**options, "seed": seed, "out": out / step.name})
            results = experiment.run(config)
        except InputError as problem:
            _say(f"[{number}/{len(steps)}] {step.name}: {problem}")
            failed.append(step.name)
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
    """Put paths in the place of ``data:NAME``; None if there are no data."""
    made = dict(options)
    for name, value in options.items():
        if isinstance(value, str) and value.startswith("data:"):
            if data is None:
                return None
            made[name] = data / value.removeprefix("data:")
    return made


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
