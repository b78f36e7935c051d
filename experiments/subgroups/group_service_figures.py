"""Service of subgroups by group norms: findings, tables and figures."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from envs import Population
from experiments.subgroups.group_service import GROUPS, POOLED
from experiments.subgroups.setup import named
from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.experiment.game_counts import interactions_as_text
from scai_irl.report.bands import Bands, bands_figure, with_interval
from scai_irl.report.captions import captioned
from scai_irl.results.findings import Finding, mean_finding

GOAL = 0.05
"""Goal: largest acceptable mean alignment gap of a group."""

_FOUND, _SERVED = "Does behaviour reveal the subgroups?", "Is each subgroup served by its own norm?"
_WHY = {
    GROUPS: (
        "The assistant of SCAI (2023) had one text for all users and switched between the norms; its gap is to the "
        "mean of all users. Here each group has an assistant with its own norm, inferred from behaviour, and the gap "
        "is to that group. The remaining gap is due to users in the wrong group and to random single offers."
    ),
    POOLED: (
        "One norm suits one group; for the other group its gap is the distance between the norms. The gap of SCAI is "
        "smaller, because it is to the mean of all users and some assistants of SCAI offered half."
    ),
}
_WHY_LOOSE = (
    "Users who often slip reveal their norm only over many interactions. Until then they may be in the wrong group."
)
_WHY_FOUND = "Groups are users' most probable norms. One firm offer reveals a norm; many loose offers are needed."


def service_findings(
    service: pd.DataFrame, agreement: pd.DataFrame, populations: tuple[Population, ...]
) -> list[Finding]:
    """Findings on gaps between groups and their assistants after the last interaction, and on the accuracy of groups.

    Args:
        service: First table from `experiments.subgroups.group_service.group_service`.
        agreement: Second table from it.
        populations: The populations, in the order of the findings.
    """
    last = by_society(service[service["games"] == service["games"].max()])
    findings = []
    for population in populations:
        of_population = last[last["users"] == named(population)]
        for firmness, kind in of_population.groupby("held", sort=False):
            findings += _served(population, str(firmness), kind.set_index("service"))
    return findings + _agreement_findings(agreement)


def _served(population: Population, firmness: str, kind: pd.DataFrame) -> list[Finding]:
    """Findings on one kind of society. If users slip, they are on policies, because single offers are mostly random."""
    firmly = firmness == "firmly"
    measure, what = ("gap", "offers") if firmly else ("policy_gap", "policies")
    scai = RECORDED_ROWS.get(_row(population)) if firmly else None
    users = f"{named(population)}, norms {firmness} held"
    recorded: dict[str, Any] = {"row": scai.name, "recorded": scai.gap} if scai else {}
    answers = [
        (
            GROUPS,
            measure,
            f"With group norms, the gap of assistants' {what} is {{value}}, averaged over groups ({users}).",
        ),
        (GROUPS, f"worst_{measure}", f"The gap of the worst-served group is {{value}} ({users})."),
        (
            POOLED,
            measure,
            f"With one pooled norm, the gap of assistants' {what} is {{value}}, averaged over groups ({users}).",
        ),
    ]
    findings = []
    for service, column, answer in answers:
        more = dict(recorded) if column == measure else {}
        more["why"] = _WHY[service] if firmly else _WHY_LOOSE
        if firmly and service == GROUPS:
            more["goal"] = f"at most {GOAL}"
        values = kind.loc[[service], column].to_numpy(float)
        case = f"{users}, {service}" + (", worst group" if column != measure else "")
        findings.append(mean_finding(values, question=_SERVED, case=case, answer=answer, **more))
    return findings


def by_society(service: pd.DataFrame) -> pd.DataFrame:
    """Mean over the groups of a society, and the value of its worst group."""
    groups = service.groupby(["users", "held", "games", "service", "society"], sort=False)
    means = groups[["gap", "policy_gap"]].mean()
    worst = groups[["gap", "policy_gap"]].max().add_prefix("worst_")
    return means.join(worst).reset_index()


def service_table(service: pd.DataFrame) -> pd.DataFrame:
    """Format gaps: a line for each kind of users, group and number of interactions."""
    keys = ["users", "held", "norm", "games", "service"]
    lines = [
        [*where, with_interval(runs["gap"]), with_interval(runs["policy_gap"])]
        for where, runs in service.groupby(keys, sort=False)
    ]
    names = ["users", "held", "group", "games", "service", "gap of offers [95 %]", "gap of policies [95 %]"]
    return pd.DataFrame(lines, columns=names)


def agreement_table(agreement: pd.DataFrame) -> pd.DataFrame:
    """Format the agreement of groups: a line for each kind of users and number of interactions."""
    lines = [
        [*where, with_interval(runs["right"]), with_interval(runs["ari"]), f"{runs['groups'].mean():.2f}"]
        for where, runs in agreement.groupby(["users", "held", "games"], sort=False)
    ]
    names = ["users", "held", "games", "rightly placed [95 %]", "adjusted Rand index [95 %]", "groups found"]
    return pd.DataFrame(lines, columns=names)


@captioned
def service_figure(service: pd.DataFrame) -> Figure:
    """Each line shows the gap of offers under one service, by interactions in each role. Dotted: the goal."""
    shown = Bands("games", "gap", "service", "users", "held", "games each way", "gap of offers", GOAL)
    return bands_figure(by_society(service), shown)


@captioned
def agreement_figure(agreement: pd.DataFrame) -> Figure:
    """Each line shows the share of users in the correct group, or the adjusted Rand index, for one mixture."""
    long = agreement.melt(["users", "held", "society", "games"], ["right", "ari"], "measure", "value")
    long["measure"] = long["measure"].map({"right": "rightly placed", "ari": "adjusted Rand index"})
    return bands_figure(long, Bands("games", "value", "users", "measure", "held", "games each way", "agreement"))


def _agreement_findings(agreement: pd.DataFrame) -> list[Finding]:
    ends = agreement[agreement["games"].isin([agreement["games"].min(), agreement["games"].max()])]
    findings = []
    for (users, firmness, games), runs in ends.groupby(["users", "held", "games"], sort=False):
        games_seen, kind = interactions_as_text(int(str(games))), f"{users}, norms {firmness} held"
        answer = f"After {games_seen} in each role, {{value}} of users are in the correct group ({kind})."
        values = runs["right"].to_numpy(float)
        about = {"question": _FOUND, "case": f"{kind}, {games_seen}", "answer": answer, "why": _WHY_FOUND}
        findings.append(mean_finding(values, **about))
    return findings


def _row(population: Population) -> str:
    """Name of the row of SCAI (2023): hundredths of altruistic and of selfish users."""
    weights = dict(zip(*population, strict=True))
    return f"mixed {100 * weights.get('altruistic', 0):g}/{100 * weights.get('selfish', 0):g}"
