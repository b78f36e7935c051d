"""Record the numbers that the project computes, and compare two recordings value by value.

    python tools/same_numbers.py record BEFORE --data DATA     # with the environment of one version of the project
    python tools/same_numbers.py record AFTER --data DATA      # with that of another version
    python tools/same_numbers.py compare BEFORE AFTER

``record`` runs the ``scai-irl`` of the environment whose Python runs this script. A step that is finished is not
run again, so an interrupted recording goes on. ``--only`` names steps (``demo``), or parts of them
(``audits/bayes``, ``fits/ces``, ``paper/currency-suite``).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from compared_folders import IGNORED, UNREAD, Comparison, Difference, Kind, Renames, compare_folders
from recorded_steps import Sources, record, recorded_in
from tyro.conf import Positional, arg


@dataclass
class Record:
    """Run every step and keep its results."""

    out: Annotated[Positional[Path], arg(help="Folder of the recording.")]
    recorded: Annotated[Path | None, arg(help="Recorded runs of SCAI (2023): a folder or an archive.")] = None
    people: Annotated[Path | None, arg(help="Answers of people: ug_data.csv.")] = None
    data: Annotated[Path | None, arg(help="Folder with both, for `scai-irl reproduce`.")] = None
    only: Annotated[tuple[str, ...], arg(help="Steps, or parts of steps; all unless given.")] = ()
    skip_paper: Annotated[bool, arg(help="Leave out the reproduction, which takes longest.")] = False
    jobs: Annotated[int, arg(help="Steps at a time.")] = 1
    fresh: Annotated[bool, arg(help="Remove earlier results of these steps first.")] = False


@dataclass
class Compare:
    """Compare two recordings; the exit code is 1 if they differ."""

    before: Annotated[Positional[Path], arg(help="First recording.")]
    after: Annotated[Positional[Path], arg(help="Second recording.")]
    only: Annotated[tuple[str, ...], arg(help="Steps or parts; all that the second recording has unless given.")] = ()
    tolerance: Annotated[float, arg(help="Largest difference of numbers, absolute or relative.")] = 0.0
    renames: Annotated[Path | None, arg(help="Wanted differences: TOML with files, columns, labels, ignore.")] = None
    allow: Annotated[tuple[Kind, ...], arg(help="Kinds of differences that are counted only.")] = ()
    show: Annotated[int, arg(help="Differences to print for each column.")] = 3


def main() -> None:
    """Do what the command line says."""
    command = tyro.cli(Record | Compare, description=__doc__, config=(tyro.conf.OmitSubcommandPrefixes,))
    raise SystemExit(_record(command) if isinstance(command, Record) else _compare(command))


def _record(command: Record) -> int:
    recorded, people, data = (path and path.resolve() for path in (command.recorded, command.people, command.data))
    sources = Sources(recorded, people, None if command.skip_paper else data)
    return int(not record(command.out, sources, command.only, command.jobs, command.fresh))


def _compare(command: Compare) -> int:
    renames = Renames.read(command.renames)
    total = Comparison()
    for step in command.only or recorded_in(command.after):
        found = compare_folders(command.before / step, command.after / step, command.tolerance, renames)
        print(f"{step}: {_told(found)}")
        _show([one for one in found.differences if one.kind not in command.allow], command.show)
        total.add(found)
    if total.files == 0 and not total.differences:
        print(
            f"error: {command.before} and {command.after} have no file to compare; give two recordings", file=sys.stderr
        )
        return 2
    print(f"all: {_told(total)}")
    for pattern, number in sorted(total.ignored.items()):
        print(f"not compared: {number} values of {pattern} ({IGNORED.get(pattern, 'wanted')})")
    for pattern, reason in UNREAD.items():
        print(f"not read: {pattern} ({reason})")
    left = [step for step in recorded_in(command.before) if step not in recorded_in(command.after)]
    if left and not command.only:
        print(f"in {command.before} only: {', '.join(left)}")
    return int(any(one.kind not in command.allow for one in total.differences))


def _told(found: Comparison) -> str:
    kinds = Counter(one.kind for one in found.differences)
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())) or "none"
    return f"{found.files} files, {found.values:,} values compared; differences: {told}"


def _show(differences: Sequence[Difference], most: int) -> None:
    shown: Counter[tuple[str, str]] = Counter()
    for one in differences:
        shown[one.file, one.column] += 1
        if shown[one.file, one.column] <= most:
            print(f"  {one}")
    for (file, column), number in shown.items():
        if number > most:
            print(f"  {file}: {column}: {number - most} more")


if __name__ == "__main__":
    main()
