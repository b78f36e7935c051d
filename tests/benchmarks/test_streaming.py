"""Posteriors of many runs over ten thousand hypotheses stay within the memory that the documentation promises."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT
from tests.scai_irl.program import environment

_PIECE = 32_768


@pytest.mark.slow
def test_a_hundred_thousand_runs_over_ten_thousand_hypotheses_stay_under_two_gigabytes() -> None:
    """The table would take 7.9 GB. The first chunk already reaches the peak, so a million runs need no more memory."""
    # A process inherits the peak of its parent, so a shell starts it.
    done = subprocess.run(
        [
            "sh",
            "-c",
            '"$0" -m benchmarks.streaming --hypotheses 10000 --runs "$1"; exit $?',
            sys.executable,
            f"{3 * _PIECE}",
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = re.findall(r"^ *([\d,]+) runs .* peak +([\d.]+) MB$", done.stdout, re.MULTILINE)
    assert [int(runs.replace(",", "")) for runs, _ in lines] == [_PIECE, 2 * _PIECE, 3 * _PIECE]
    first, *_, last = (float(peak) for _, peak in lines)
    assert first <= last < 2_000
    assert last - first < 100
