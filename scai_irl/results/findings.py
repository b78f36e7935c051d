"""What an experiment found: questions, answers in a sentence, and the numbers in them with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from scai_irl.io.intervals import bootstrap_interval, share_interval
from scai_irl.io.files import write_table

FINDINGS = "findings"
"""Name of the table."""

_NONE = float("nan")


@dataclass(frozen=True)
class Finding:
    """One number that an experiment found, and the sentence that it stands in.

    Attributes:
        question: What was asked, ending in a question mark; findings of the same question stand together.
        case: Which case it is about, such as ``5v5 fair, thompson``.
        answer: A sentence about that case with ``{value}`` in the place of the number and its interval.
        value: The number.
        low: Lower end of its 95 % interval.
        high: Upper end.
        runs: Independent runs, groups or people behind it.
        row: Row of the predecessor's table that it stands beside, as `scai_irl.data.scai2023.published` names them.
        recorded: What the predecessor's recorded runs have there; NaN where there is no such number.
        why: What explains the number, or the difference from what was recorded.
        goal: What it was to be, such as ``at most 0.05``; empty without one.
    """

    question: str
    case: str
    answer: str
    value: float
    low: float = _NONE
    high: float = _NONE
    runs: int = 0
    row: str = ""
    recorded: float = _NONE
    why: str = ""
    goal: str = ""

    def __post_init__(self) -> None:
        """Check that there is a place for the number."""
        if "{value}" not in self.answer:
            raise ValueError(f"answer: no {{value}} in {self.answer!r}")

    @property
    def sentence(self) -> str:
        """The answer with its number.

        Example:
            >>> Finding("How far off?", "fair", "Assistants are {value} off.", 0.012, 0.01, 0.014, 20).sentence
            'Assistants are 0.012 [0.010, 0.014] off.'
        """
        return self.answer.format(value=number_with_interval(self.value, self.low, self.high))


def mean_finding(values: Float[np.ndarray, "run"], **said: Any) -> Finding:
    """A finding that is a mean over runs, with the bootstrap interval of `bootstrap_interval`; NaN runs do not count.

    Args:
        values: A number for each run.
        said: Everything else, by name.

    Example:
        >>> mean_finding(np.array([0.1, 0.3, np.nan]), question="?", case="", answer="{value}").runs
        2
    """
    return _averaged(values, bootstrap_interval, said)


def share_finding(values: Float[np.ndarray, "run"], **said: Any) -> Finding:
    """A finding that is a share of runs, with the interval of `share_interval`, which is wide even if all are alike.

    Args:
        values: 1 or 0 for each run; NaN runs do not count.
        said: Everything else, by name.

    Example:
        >>> share_finding(np.ones(20), question="?", case="", answer="{value}").sentence
        '1.000 [0.839, 1.000]'
    """
    return _averaged(values, share_interval, said)


def _averaged(
    values: Float[np.ndarray, "run"],
    interval: Callable[[Float[np.ndarray, "run"]], tuple[float, float]],
    said: Mapping[str, Any],
) -> Finding:
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    low, high = interval(known)
    return Finding(value=float(known.mean()) if known.size else _NONE, low=low, high=high, runs=int(known.size), **said)


def number_with_interval(value: float, low: float, high: float) -> str:
    """Write a number with its interval; a dash where there is none.

    Example:
        >>> number_with_interval(0.5, float("nan"), float("nan"))
        '0.500'
    """
    if math.isnan(value):
        return "–"
    return f"{value:.3f}" if math.isnan(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def findings_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """A line for each finding, with its sentence."""
    lines = [asdict(finding) | {"sentence": finding.sentence} for finding in findings]
    return pd.DataFrame(lines)


def save_findings(folder: Path, findings: Sequence[Finding]) -> None:
    """Keep findings in a results folder, where there are any."""
    if findings:
        write_table(folder / f"{FINDINGS}.parquet", findings_table(findings))
