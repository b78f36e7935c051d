"""Findings of the audit of recorded runs, for each kind of group."""

from __future__ import annotations

import pandas as pd

from scai_irl.results.findings import Finding, mean_finding

DISTANCE = "How far is the assistants' verbal posterior from the exact posterior?"
EXCESS = "Is it farther away than a single sample from the exact posterior?"
_KINDS = {
    "one norm": "In groups of one norm",
    "mixed": "In mixed groups",
    "manners": "In groups of one norm with rude or sycophantic talk",
}
_WHY = "A single posterior sample is one norm even if the posterior is a mixture; its mean distance is {:.3f}."


def recorded_findings(by_run: pd.DataFrame) -> list[Finding]:
    """Findings on mean distances in the last epoch by kind of group, and on their excess over posterior sampling.

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
                answer=f"{prefix}, the distance between verbal and exact posterior is {{value}} (total variation).",
                why=remark,
            )
        )
        more.append(
            mean_finding(
                runs["tv_excess"].to_numpy(float),
                question=EXCESS,
                case=f"{kind}, TV beyond a sample's",
                answer=f"{prefix}, the distance exceeds that of a single posterior sample by {{value}}.",
                why=remark,
            )
        )
    return [*sorted(far, key=lambda finding: -finding.value), *sorted(more, key=lambda finding: -finding.value)]
