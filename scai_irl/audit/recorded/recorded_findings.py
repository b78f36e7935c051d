"""Findings of the audit of recorded runs, for each kind of group."""

from __future__ import annotations

import pandas as pd

from scai_irl.results.findings import Finding, mean_finding

DISTANCE = "How far is the recorded assistants' verbal posterior from the exact numerical one?"
EXCESS = "Is it farther than a single sample from the numerical posterior is?"
_KINDS = {
    "one norm": "In groups of one norm",
    "mixed": "In mixed groups",
    "manners": "In groups of one norm whose talk has a manner",
}
_WHY = "A single posterior sample, too, is one norm where the posterior is a mixture: on average it is {:.3f} away."


def recorded_findings(by_run: pd.DataFrame) -> list[Finding]:
    """Compute mean distances over runs in the last epoch by kind of group, then their excess over posterior sampling.

    Args:
        by_run: `scai_irl.audit.recorded.recorded_audit.RecordedAudit.by_run`.
    """
    last = by_run[(by_run["memory"] == "all") & (by_run["epoch"] == by_run["epoch"].max())]
    far, more = [], []
    for kind, runs in last.groupby("kind", sort=False):
        prefix = f"{_KINDS.get(str(kind), f'In groups of the kind {kind!r}')}, after epoch {int(runs['epoch'].iloc[0])}"
        remark = _WHY.format(runs["tv_reference"].mean())
        far.append(
            mean_finding(
                runs["tv"].to_numpy(float),
                question=DISTANCE,
                case=f"{kind}, TV",
                answer=f"{prefix}, the verbal posterior is {{value}} from the numerical one (total variation).",
                why=remark,
            )
        )
        more.append(
            mean_finding(
                runs["tv_excess"].to_numpy(float),
                question=EXCESS,
                case=f"{kind}, TV beyond a sample's",
                answer=f"{prefix}, it is {{value}} farther than a single posterior sample.",
                why=remark,
            )
        )
    return [*sorted(far, key=lambda finding: -finding.value), *sorted(more, key=lambda finding: -finding.value)]
