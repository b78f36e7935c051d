"""Time limits: every form that Slurm documents, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_irl.io.errors import InputError
from scai_irl.sweep.slurm.times import read_time, write_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30 * 60),
        ("30:15", 30 * 60 + 15),
        ("04:00:00", 4 * 3600),
        ("2-12", 60 * 3600),
        ("2-12:30", 60 * 3600 + 30 * 60),
        ("1-00:00:01", 86_401),
        (" 90 ", 5400),
        ("00:600", 600),
    ],
)
def test_a_time_is_read_as_slurm_reads_it(text: str, seconds: int) -> None:
    assert read_time(text) == seconds


@given(st.integers(300, 10**8))
def test_what_is_written_reads_the_same(seconds: int) -> None:
    assert read_time(write_time(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "4h", "1:2:3:4", "-5", "1-", "1-2:3:4:5", "04:00:00 ; reboot", "1.5", "٣٠٠"])
def test_what_slurm_cannot_read_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a time in Slurm's format"):
        read_time(text)


def test_minutes_that_were_meant_to_be_hours_are_refused() -> None:
    with pytest.raises(InputError, match="04:00:00 is four hours, and 04:00 four minutes"):
        read_time("04:00")
