"""Findings of an experiment: questions, answers in a sentence, and numbers with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from scai_irl.io.files import write_table
from scai_irl.io.intervals import bootstrap_interval, share_interval

FINDINGS = "findings"
"""Name of the table."""

_NONE = float("nan")


@dataclass(frozen=True)
class Finding:
    """A number that answers a question of an experiment, and its sentence.

    Attributes:
        question: Question, ending in a question mark; findings with the same question are shown together.
        case: Case that the answer is about, such as ``5v5 fair, thompson``.
        answer: A sentence about that case with ``{value}`` for the number and its interval.
        value: The number.
        low: Lower end of its 95 % interval.
        high: Upper end.
        runs: Number of independent runs, groups or people.
        row: Row of the SCAI (2023) table that it is compared with (see `scai_irl.data.scai2023.published`).
        recorded: Number of SCAI (2023) in that row; NaN without one.
        why: Explanation of the number, or of its difference from SCAI (2023).
        goal: Bound that the number should satisfy, such as ``at most 0.05``; empty without one.
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
        """Check that the answer contains ``{value}``."""
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


def mean_finding(values: Float[np.ndarray, "run"], **attributes: Any) -> Finding:
    """Make a finding of a mean over runs, with its 95 % bootstrap interval; runs with NaN do not count.

    Args:
        values: A number for each run.
        attributes: Other attributes, by name.

    Example:
        >>> mean_finding(np.array([0.1, 0.3, np.nan]), question="?", case="", answer="{value}").runs
        2
    """
    return _averaged(values, bootstrap_interval, attributes)


def share_finding(values: Float[np.ndarray, "run"], **attributes: Any) -> Finding:
    """Make a finding of a share of runs, with its `share_interval`, which has a width even if all runs agree.

    Args:
        values: 1 or 0 for each run; runs with NaN do not count.
        attributes: Other attributes, by name.

    Example:
        >>> share_finding(np.ones(20), question="?", case="", answer="{value}").sentence
        '1.000 [0.839, 1.000]'
    """
    return _averaged(values, share_interval, attributes)


def _averaged(
    values: Float[np.ndarray, "run"],
    interval: Callable[[Float[np.ndarray, "run"]], tuple[float, float]],
    attributes: Mapping[str, Any],
) -> Finding:
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    low, high = interval(known)
    return Finding(
        value=float(known.mean()) if known.size else _NONE, low=low, high=high, runs=int(known.size), **attributes
    )


def number_with_interval(value: float, low: float, high: float) -> str:
    """Format a number with its interval; a dash for NaN.

    Example:
        >>> number_with_interval(0.5, float("nan"), float("nan"))
        '0.500'
    """
    if math.isnan(value):
        return "–"
    return f"{value:.3f}" if math.isnan(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def findings_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Make a table with one row for each finding."""
    lines = [asdict(finding) | {"sentence": finding.sentence} for finding in findings]
    return pd.DataFrame(lines)


def save_findings(folder: Path, findings: Sequence[Finding]) -> None:
    """Write findings into a results folder, if there are any."""
    if findings:
        write_table(folder / f"{FINDINGS}.parquet", findings_table(findings))
