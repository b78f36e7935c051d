"""Time limits in Slurm's format: ``90`` and ``90:00`` are minutes; ``1-0`` is a day."""

from __future__ import annotations

import re

from scai_irl.io.errors import InputError

_FORMS = (
    re.compile(r"(?P<days>\d+)-(?P<hours>\d+)(:(?P<minutes>\d+)(:(?P<seconds>\d+))?)?", re.ASCII),
    re.compile(r"(?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>\d+)", re.ASCII),
    re.compile(r"(?P<minutes>\d+)(:(?P<seconds>\d+))?", re.ASCII),
)
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_LEAST = 300


def read_time(text: str) -> int:
    """Read a time limit, in seconds.

    Args:
        text: Minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes or
            days-hours:minutes:seconds, the forms of ``sbatch --time``.

    Raises:
        InputError: If the text has another form, or the time is too short for a job to start and stop properly.

    Example:
        >>> read_time("04:00:00"), read_time("90"), read_time("2-12")
        (14400, 5400, 216000)
    """
    for form in _FORMS:
        if match := form.fullmatch(text.strip()):
            seconds = sum(int(match[unit] or 0) * _SECONDS[unit] for unit in match.groupdict())
            break
    else:
        hint = "write hours:minutes:seconds, as in 04:00:00, or days-hours, as in 2-12"
        raise InputError("time", f"{text!r} is not a time in Slurm's format", hint)
    if seconds < _LEAST:
        hint = "give five minutes or more; 04:00:00 is four hours, and 04:00 four minutes"
        raise InputError("time", f"{text!r} is {seconds} seconds", hint)
    return seconds


def write_time(seconds: int) -> str:
    """Write a time limit with all its parts, so that minutes cannot be mistaken for hours.

    Example:
        >>> write_time(read_time("90"))
        '0-01:30:00'
    """
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}-{hours:02}:{minutes:02}:{rest:02}"
