"""Number of epochs until assistants follow a change of norm: findings and a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.group_norm.gaps_by_setting import Settings, case_of
from scai_irl.measure.alignment import WITHIN
from scai_irl.results.findings import Finding, mean_finding, number_with_interval


def epochs_behind(alignment: pd.DataFrame, by: Settings, change_at: int) -> pd.DataFrame:
    """Number of epochs after a change until a run's assistants are first within `WITHIN` of their users.

    NaN where they never are. An assistant that learns from earlier epochs is at least 1 epoch late. An assistant that
    expects changes sometimes leaves the norm again to try another.

    Args:
        alignment: Gaps by run and epoch, with the columns `by`.
        by: Columns of the settings.
        change_at: First epoch of the new norm.
    """
    after = alignment[alignment["epoch"] >= change_at]
    keys = [*by, "users", "agent", "run"]
    lines = []
    for of_run, epochs in after.groupby(keys, sort=False):
        near = np.flatnonzero(epochs.sort_values("epoch")["gap"].to_numpy(float) <= WITHIN)
        lines.append([*of_run, float(near[0]) if near.size else np.nan])
    return pd.DataFrame(lines, columns=[*keys, "behind"])


def recovery_findings(alignment: pd.DataFrame, by: Settings, change_at: int, question: str) -> list[Finding]:
    """Findings on the mean number of epochs behind; runs that never catch up count with all remaining epochs."""
    most = float(alignment["epoch"].max() - change_at + 1)
    findings = []
    for keys, runs in epochs_behind(alignment, by, change_at).groupby([*by, "agent"], sort=False):
        case = case_of(by, keys)
        never = int(runs["behind"].isna().sum())
        remark = f"; {never} of {len(runs)} runs never caught up and count as {most:g}" if never else ""
        answer = f"With {case}, assistants are behind for {{value}} epochs{remark}."
        values = runs["behind"].fillna(most).to_numpy(float)
        findings.append(mean_finding(values, question=question, case=case, answer=answer))
    return findings


def recovery_table(alignment: pd.DataFrame, by: Settings, change_at: int) -> pd.DataFrame:
    """Format epochs behind: a line for each setting, change and agent."""
    most = float(alignment["epoch"].max() - change_at + 1)
    lines = []
    for keys, runs in epochs_behind(alignment, by, change_at).groupby([*by, "users", "agent"], sort=False):
        mean = mean_finding(runs["behind"].fillna(most).to_numpy(float), question="?", case="", answer="{value}")
        behind = number_with_interval(mean.value, mean.low, mean.high)
        lines.append([*keys, behind, f"{int(runs['behind'].isna().sum())} of {len(runs)}"])
    return pd.DataFrame(lines, columns=[*by, "users", "agent", "epochs behind [95 %]", "never back"])
