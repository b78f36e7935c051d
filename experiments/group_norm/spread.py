"""Spread of assistants' offers within a run, and between runs."""

from __future__ import annotations

import pandas as pd

from scai_irl.io.intervals import bootstrap_interval
from scai_irl.results.findings import Finding, mean_finding


def spread_findings(interactions: pd.DataFrame, question: str) -> list[Finding]:
    """Standard deviation of offered shares within a run in the first and last epoch, and of runs' means at the end.

    Args:
        interactions: Table of interactions between assistants.
        question: Question that the findings answer.
    """
    found = []
    first, last = interactions["epoch"].min(), interactions["epoch"].max()
    for agent, played in interactions.groupby("agent", sort=False):
        by_run = played.groupby(["epoch", "run"])["offered_share"].agg(["mean", "std"]).reset_index()
        for epoch, when in ((first, "first"), (last, "last")):
            within = by_run.loc[by_run["epoch"] == epoch, "std"].to_numpy(float)
            answer = f"In the {when} epoch, offers of {agent} assistants of one run differ by {{value}} (SD of shares)."
            found.append(mean_finding(within, question=question, case=f"{agent}, {when} epoch", answer=answer))
        means = by_run.loc[by_run["epoch"] == last, "mean"]
        offset = (means - means.mean()).abs().to_numpy(float)
        low, high = bootstrap_interval(offset)
        answer = f"At the end, a run of {agent} assistants offers {{value}} more or less than the mean of all runs."
        found.append(
            Finding(question, f"{agent}, between runs", answer, float(offset.mean()), low, high, int(means.size))
        )
    return found
