"""Spread of assistants' offers within a run and between runs."""

from __future__ import annotations

import pandas as pd

from scai_irl.io.intervals import bootstrap_interval
from scai_irl.results.findings import Finding, mean_finding


def spread_findings(interactions: pd.DataFrame, question: str) -> list[Finding]:
    """Findings on the SD of offered shares within a run, in the first and last epoch, and on the SD of runs' means.

    Args:
        interactions: Table of interactions between assistants.
        question: Question that the findings answer.
    """
    findings = []
    first, last = interactions["epoch"].min(), interactions["epoch"].max()
    for agent, played in interactions.groupby("agent", sort=False):
        by_run = played.groupby(["epoch", "run"])["offered_share"].agg(["mean", "std"]).reset_index()
        for epoch, when in ((first, "first"), (last, "last")):
            within = by_run.loc[by_run["epoch"] == epoch, "std"].to_numpy(float)
            answer = (
                f"In the {when} epoch, offers of {agent} assistants within a run differ by {{value}} (SD of shares)."
            )
            findings.append(mean_finding(within, question=question, case=f"{agent}, {when} epoch", answer=answer))
        means = by_run.loc[by_run["epoch"] == last, "mean"]
        offset = (means - means.mean()).abs().to_numpy(float)
        low, high = bootstrap_interval(offset)
        answer = (
            f"In the last epoch, the mean offer of {agent} assistants in a run differs by {{value}} from the "
            "mean of all runs."
        )
        findings.append(
            Finding(question, f"{agent}, between runs", answer, float(offset.mean()), low, high, int(means.size))
        )
    return findings
