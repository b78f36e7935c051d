"""Gaps over the settings of a sweep: as findings, and as a table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd

from scai_irl.measure.alignment import WITHIN
from scai_irl.results.findings import Finding, mean_finding, number_with_interval

Settings = Sequence[str]
"""Columns of a table of gaps that tell its settings apart."""


def runs_in_last_epoch(alignment: pd.DataFrame, by: Settings, measure: str = "gap") -> pd.DataFrame:
    """A line for each run of each setting: its mean over conditions in the last epoch.

    Args:
        alignment: What `scai_irl.measure.alignment.alignment_by_run` gives, with the columns `by`.
        by: Columns of the settings.
        measure: Column to average.
    """
    last = alignment[alignment["epoch"] == alignment["epoch"].max()]
    return pd.DataFrame(last.groupby([*by, "agent", "run"], sort=False)[measure].mean().reset_index())


def gaps_by(alignment: pd.DataFrame, by: Settings, question: str, measure: str = "gap") -> list[Finding]:
    """The mean gap of each setting and agent in the last epoch, over runs (conditions are averaged within a run)."""
    found = []
    for keys, runs in runs_in_last_epoch(alignment, by, measure).groupby([*by, "agent"], sort=False):
        case = case_of(by, keys)
        answer = f"With {case}, assistants end {{value}} from what users offer."
        found.append(mean_finding(runs[measure].to_numpy(float), question=question, case=case, answer=answer))
    return found


def sweep_table(alignment: pd.DataFrame, by: Settings, measure: str = "gap") -> pd.DataFrame:
    """Shape the last epoch's gaps for reading, a line for each setting and agent."""
    lines = []
    for keys, runs in runs_in_last_epoch(alignment, by, measure).groupby([*by, "agent"], sort=False):
        values = runs[measure].to_numpy(float)
        mean = mean_finding(values, question="?", case="", answer="{value}")
        told = number_with_interval(mean.value, mean.low, mean.high)
        lines.append([*keys, told, f"{int((values <= WITHIN).sum())} of {mean.runs}"])
    return pd.DataFrame(lines, columns=[*by, "agent", "gap [95 %]", "within .05"])


def case_of(by: Settings, keys: tuple[Hashable, ...]) -> str:
    """Name a setting and agent: ``users' λ 20.0, thompson``."""
    return ", ".join([*(f"{name} {key}" for name, key in zip(by, keys[:-1], strict=True)), str(keys[-1])])
