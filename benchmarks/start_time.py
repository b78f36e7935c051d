"""Processor time of a fresh process: ``import scai_irl``, help, and the start of commands.

Run ``python -m benchmarks.start_time``. Each figure is the smallest of five processes, less that of an empty Python.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

_TIMES = 5
_START = "import sys; sys.argv = ['scai-irl', *{words!r}]; from scai_irl.cli.main import main; main()"
_COMMANDS = ("--version", "--help", "run --help", "frobnicate", "run one-group-norm --help", "list")
_PROGRAMS = {"python": "pass", "import scai_irl": "import scai_irl"}
_PROGRAMS |= {f"scai-irl {line}": _START.format(words=line.split()) for line in _COMMANDS}


def processor_seconds(program: str) -> float:
    """Processor time of a Python process that runs a program."""
    before = os.times()
    with tempfile.TemporaryFile() as nowhere:
        subprocess.run([sys.executable, "-c", program], stdout=nowhere, stderr=nowhere, check=False)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Measure, and print a table."""
    empty = 0.0
    for name, program in _PROGRAMS.items():
        least = min(processor_seconds(program) for _ in range(_TIMES))
        print(f"{name:<36} {least - empty:6.2f} s")
        empty = empty or least


if __name__ == "__main__":
    main()
