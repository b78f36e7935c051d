"""A majority and a minority, served by one pooled norm or by group norms: findings, a table and a figure."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments.subgroups.pooled_norms import GROUPS, ONE_MIXTURE, ONE_NORM
from scai_irl.report.bands import Bands, bands_figure, with_interval
from scai_irl.report.captions import captioned
from scai_irl.results.findings import Finding, mean_finding

_GAP, _WORTH = "How large is the gap of the worst-served group?", "How satisfied is the worst-served group?"
_WHY = {
    ONE_NORM: "A single norm suits only one group, which is the larger one if sizes differ. The other group is served "
    "worse.",
    ONE_MIXTURE: "A mixture offers everybody the mean of all users, so it is farther from smaller groups.",
    GROUPS: "A user in the correct group gets the correct norm. The rest is uncertainty about users, which is larger "
    "for small groups.",
}


def minority_findings(served: pd.DataFrame) -> list[Finding]:
    """Findings on gap and satisfaction of the worst-served group, for the largest and the smallest minority.

    Args:
        served: Table from `experiments.subgroups.pooled_norms.serve_minorities`.
    """
    worst = worst_groups(served)
    findings = []
    for question, measure, answer in (
        (_GAP, "gap", "With {service}, the gap of the worst-served group is {{value}}"),
        (_WORTH, "satisfaction", "With {service}, the satisfaction of the worst-served group is {{value}}"),
    ):
        for share in (served["minority"].max(), served["minority"].min()):
            ends = worst[worst["minority"] == share]
            for (firmness, service), runs in ends.groupby(["held", "service"], sort=False):
                case = f"minority of {100 * share:g} %, norms {firmness} held"
                findings.append(
                    mean_finding(
                        runs[measure].to_numpy(float),
                        question=question,
                        case=f"{case}, {service}",
                        answer=f"{answer.format(service=service)} ({case}).",
                        why=_WHY[str(service)],
                    )
                )
    return findings


def worst_groups(served: pd.DataFrame) -> pd.DataFrame:
    """Larger gap and smaller satisfaction of a society's two groups, with a line for each society and service."""
    groups = served.groupby(["held", "minority", "service", "society"], sort=False)
    return groups.agg(gap=("gap", "max"), satisfaction=("satisfaction", "min")).reset_index()


def minority_table(served: pd.DataFrame) -> pd.DataFrame:
    """Format gaps and satisfaction: a line for each minority and service, with columns for both groups."""
    lines = []
    for (firmness, share, service), runs in served.groupby(["held", "minority", "service"], sort=False):
        line = {"held": firmness, "minority": f"{100 * float(str(share)):g} %", "service": service}
        for group, own in runs.groupby("group", sort=False):
            line |= {f"gap, {group} [95 %]": with_interval(own["gap"])}
            line |= {f"satisfaction, {group} [95 %]": with_interval(own["satisfaction"])}
        lines.append(line)
    return pd.DataFrame(lines)


@captioned
def minority_figure(served: pd.DataFrame) -> Figure:
    """Each line shows the gap or satisfaction of the worst-served group under one service, by the minority's share."""
    worst = worst_groups(served).assign(percent=lambda table: 100 * table["minority"])
    long = worst.melt(["held", "percent", "service"], ["gap", "satisfaction"], "measure", "value")
    long["measure"] = "worst group's " + long["measure"]
    up = "gap in shares; satisfaction as a ratio"
    return bands_figure(long, Bands("percent", "value", "service", "measure", "held", "minority's share (%)", up))
