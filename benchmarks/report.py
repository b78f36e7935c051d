"""The table at the end of a benchmark run: task, this project's figure, the rival's figure, and the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

PACKAGES = ("jax", "numpy", "gymnax")


class Measurement(NamedTuple):
    """One program's speed.

    Attributes:
        what: What was computed; rivals share it.
        who: Name of the program; "scai-irl" for ours.
        unit: What is counted, "updates" for instance.
        number: How many of them a round has.
        seconds: The fastest round. Others that use the machine only ever add to it.
        median: The median round.
    """

    what: str
    who: str
    unit: str
    number: int
    seconds: float
    median: float


OURS = "scai-irl"


def table(measurements: Sequence[Measurement]) -> str:
    """Return a table that compares each rival with this project's program for the same task.

    Example:
        >>> ours = Measurement("sum", OURS, "terms", 100, 0.5, 0.6)
        >>> print(table([ours, Measurement("sum", "numpy", "terms", 100, 1.0, 1.1)]))
        what    unit       ours    median  rival      rival's    ratio
        ------  -------  ------  --------  -------  ---------  -------
        sum     terms/s     200   166.667  numpy          100        2
    """
    rows = []
    for what in dict.fromkeys(measured.what for measured in measurements):
        programs = [measured for measured in measurements if measured.what == what]
        rivals = [program for program in programs if program.who != OURS]
        for ours in (program for program in programs if program.who == OURS):
            speed = ours.number / ours.seconds
            start = [what, f"{ours.unit}/s", speed, ours.number / ours.median]
            for rival in rivals:
                theirs = rival.number / rival.seconds
                rows.append([*start, rival.who, theirs, speed / theirs])
            if not rivals:
                rows.append([*start, "-", None, None])
    headers = ("what", "unit", "ours", "median", "rival", "rival's", "ratio")
    return tabulate(rows, headers=headers, tablefmt="simple", floatfmt=".3g" if any_large(rows) else "g")


def any_large(rows: Sequence[Sequence[object]]) -> bool:
    """Return whether a figure needs an exponent."""
    return any(isinstance(cell, float) and cell >= 1e4 for row in rows for cell in row)


def machine() -> str:
    """Describe processor, cores, load and versions in one line."""
    versions = ", ".join(f"{package} {_version(package)}" for package in PACKAGES)
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{_processor()}, {os.cpu_count()} cores{load}; Python {platform.python_version()}, {versions}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
