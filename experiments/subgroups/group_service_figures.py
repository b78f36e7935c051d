"""Service of subgroups by their own norms: findings, tables and figures."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from envs import Population
from experiments.subgroups.group_service import GROUPS, POOLED
from experiments.subgroups.setup import named
from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.experiment.game_counts import games_told
from scai_irl.report.bands import Bands, bands_figure, with_interval
from scai_irl.report.captions import captioned
from scai_irl.results.findings import Finding, mean_finding

GOAL = 0.05
"""Goal: largest mean alignment gap of a group."""

_FOUND, _SERVED = "Does behaviour reveal the subgroups?", "Is each subgroup served by its own norm?"
_WHY = {
    GROUPS: (
        "The assistant of SCAI (2023) had one text for all users and swung between the poles; its gap is to the mean "
        "of all users. Here each group has an assistant with its own norm, inferred from its games, and the gap is to "
        "that group. The rest is due to users who are placed wrongly, and to the chance of single offers."
    ),
    POOLED: (
        "One norm is right for one group and off by the distance of the norms for the other. The recorded gap is "
        "smaller, since it is to the mean of all users and some of those assistants offered half."
    ),
}
_WHY_LOOSE = "Users who slip often show their norm only over several games, and are placed wrongly until then."
_WHY_FOUND = "Groups are users' most probable norms. One firm offer reveals a norm; it takes many loose ones."


def service_findings(
    service: pd.DataFrame, agreement: pd.DataFrame, populations: tuple[Population, ...]
) -> list[Finding]:
    """Gaps of groups to their assistants after the last game, and shares of users rightly placed.

    Args:
        service: What `experiments.subgroups.group_service.group_service` gives first.
        agreement: What it gives second.
        populations: The populations, in the order in which they are told.
    """
    last = by_society(service[service["games"] == service["games"].max()])
    findings = []
    for population in populations:
        of_population = last[last["users"] == named(population)]
        for firmness, kind in of_population.groupby("held", sort=False):
            findings += _served(population, str(firmness), kind.set_index("service"))
    return findings + _agreement_findings(agreement)


def _served(population: Population, firmness: str, kind: pd.DataFrame) -> list[Finding]:
    """Findings on one kind of society: on policies where users slip, since single offers are mostly chance."""
    firmly = firmness == "firmly"
    measure, what = ("gap", "offers") if firmly else ("policy_gap", "policies")
    scai = RECORDED_ROWS.get(_row(population)) if firmly else None
    users = f"{named(population)}, norms {firmness} held"
    recorded: dict[str, Any] = {"row": scai.name, "recorded": scai.gap} if scai else {}
    answers = [
        (GROUPS, measure, f"With group norms, {what} of assistants are {{value}} off, mean over groups ({users})."),
        (GROUPS, f"worst_{measure}", f"Those of the worst-served group are {{value}} off ({users})."),
        (POOLED, measure, f"With one pooled norm, {what} are {{value}} off, mean over groups ({users})."),
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
    """Mean over the groups of a society, and its worst group."""
    groups = service.groupby(["users", "held", "games", "service", "society"], sort=False)
    means = groups[["gap", "policy_gap"]].mean()
    worst = groups[["gap", "policy_gap"]].max().add_prefix("worst_")
    return means.join(worst).reset_index()


def service_table(service: pd.DataFrame) -> pd.DataFrame:
    """Shape the gaps for reading: a line for each kind of users, group, and number of games."""
    keys = ["users", "held", "norm", "games", "service"]
    lines = [
        [*where, with_interval(runs["gap"]), with_interval(runs["policy_gap"])]
        for where, runs in service.groupby(keys, sort=False)
    ]
    names = ["users", "held", "group", "games", "service", "gap of offers [95 %]", "gap of policies [95 %]"]
    return pd.DataFrame(lines, columns=names)


def agreement_table(agreement: pd.DataFrame) -> pd.DataFrame:
    """Shape what was found for reading: a line for each kind of users and number of games."""
    lines = [
        [*where, with_interval(runs["right"]), with_interval(runs["ari"]), f"{runs['groups'].mean():.2f}"]
        for where, runs in agreement.groupby(["users", "held", "games"], sort=False)
    ]
    names = ["users", "held", "games", "rightly placed [95 %]", "adjusted Rand index [95 %]", "groups found"]
    return pd.DataFrame(lines, columns=names)


@captioned
def service_figure(service: pd.DataFrame) -> Figure:
    """Each line shows the gap of offers of one service by games, averaged over a society's groups. Dotted: the goal."""
    shown = Bands("games", "gap", "service", "users", "held", "games each way", "gap of offers", GOAL)
    return bands_figure(by_society(service), shown)


@captioned
def agreement_figure(agreement: pd.DataFrame) -> Figure:
    """Each line shows the share of users rightly placed, or the adjusted Rand index, by games, for one mixture."""
    long = agreement.melt(["users", "held", "society", "games"], ["right", "ari"], "measure", "value")
    long["measure"] = long["measure"].map({"right": "rightly placed", "ari": "adjusted Rand index"})
    return bands_figure(long, Bands("games", "value", "users", "measure", "held", "games each way", "agreement"))


def _agreement_findings(agreement: pd.DataFrame) -> list[Finding]:
    ends = agreement[agreement["games"].isin([agreement["games"].min(), agreement["games"].max()])]
    findings = []
    for (users, firmness, games), runs in ends.groupby(["users", "held", "games"], sort=False):
        games_seen, kind = games_told(int(str(games))), f"{users}, norms {firmness} held"
        answer = f"After {games_seen} each way, {{value}} of users are rightly placed ({kind})."
        values = runs["right"].to_numpy(float)
        about = {"question": _FOUND, "case": f"{kind}, {games_seen}", "answer": answer, "why": _WHY_FOUND}
        findings.append(mean_finding(values, **about))
    return findings


def _row(population: Population) -> str:
    """Name of the row of SCAI (2023): hundredths of altruistic and of selfish users."""
    weights = dict(zip(*population, strict=True))
    return f"mixed {100 * weights.get('altruistic', 0):g}/{100 * weights.get('selfish', 0):g}"
