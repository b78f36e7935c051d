"""Cost of priors by population and temperature: findings, tables and figures."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments.prior_ablation.model import LEANS, ONE, AblationTables, PriorAblation
from scai_irl.report.bands import Bands, bands_figure, with_interval
from scai_irl.report.captions import captioned
from scai_irl.results.findings import Finding, mean_finding

SPEED = "How many interactions are needed to learn a group's policy under each prior?"
GAP = "How far is a posterior sample from users' offers after each epoch?"
AWAY = "How much does the prior matter in new currencies, after all interactions in the source currency?"
_LEANS = {
    "flat": "a flat prior",
    "right": "a prior that leans to their norm",
    "wrong": "a prior that leans to another norm",
}


def ablation_findings(plan: PriorAblation, tables: AblationTables) -> list[Finding]:
    """Findings on the cost of priors, at the largest and at the smallest rationality."""
    return [*_speed(plan, tables.games), *_gaps(plan, tables.epochs), *_in_new_currencies(plan, tables.by_currency)]


def _ends(plan: PriorAblation) -> list[tuple[float, float]]:
    """First and last setting of (λ, ε)."""
    return list(dict.fromkeys((plan.settings[0], plan.settings[-1])))


def _at(table: pd.DataFrame, setting: tuple[float, float]) -> pd.DataFrame:
    return table[(table["rationality"] == setting[0]) & (table["lapse"] == setting[1])]


def _sorts(table: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    return [
        (str(sort), lean, cell)
        for sort, of_sort in table.groupby("sort", sort=False)
        for lean in LEANS
        if len(cell := of_sort[of_sort["lean"] == lean])
    ]


def _speed(plan: PriorAblation, games: pd.DataFrame) -> list[Finding]:
    most = plan.epochs * plan.games
    findings = []
    for setting in _ends(plan):
        for sort, lean, cell in _sorts(_at(games, setting)):
            never = cell["needed"].isna().mean()
            remark = f" ({100 * never:.1f} % of runs never reach it and count as {most})" if never else ""
            findings.append(
                mean_finding(
                    cell.assign(needed=cell["needed"].fillna(most)).groupby("run")["needed"].mean().to_numpy(float),
                    question=SPEED,
                    case=f"{sort}, {lean}, rationality {setting[0]:g}, lapse {setting[1]:g}",
                    answer=f"Users with {sort}, rationality {setting[0]:g} and lapse {setting[1]:g}: with "
                    f"{_LEANS[lean]}, belief exceeds .9 after {{value}} interactions{remark}.",
                    why=_why(plan, sort, lean),
                )
            )
    return findings


def _why(plan: PriorAblation, sort: str, lean: str) -> str:
    if sort != ONE:
        return (
            f"Every prior gives probability {plan.several:g} to mixtures; a lean only changes how the rest is divided."
        )
    if lean != "wrong":
        return ""
    return (
        f"Evidence soon outweighs a prior of {plan.strength:g} for another norm, so the cost in the source currency is "
        "small. Most interactions are needed to distinguish a norm from a mixture that mostly consists of it."
    )


def _gaps(plan: PriorAblation, epochs: pd.DataFrame) -> list[Finding]:
    findings = []
    setting = _ends(plan)[-1]
    for epoch in dict.fromkeys((1, plan.epochs)):
        for sort, lean, cell in _sorts(_at(epochs[epochs["epoch"] == epoch], setting)):
            findings.append(
                mean_finding(
                    cell.groupby("run")["gap"].mean().to_numpy(float),
                    question=GAP,
                    case=f"{sort}, {lean}, epoch {epoch}",
                    answer=f"Users with {sort}, rationality {setting[0]:g} and lapse {setting[1]:g}: with "
                    f"{_LEANS[lean]}, the expected gap is {{value}} after {epoch} epoch{'s' if epoch > 1 else ''}.",
                )
            )
    return findings


def _in_new_currencies(plan: PriorAblation, by_currency: pd.DataFrame) -> list[Finding]:
    findings, setting = [], plan.settings[0]
    away = by_currency[by_currency["currency"] != plan.home]
    for sort, lean, cell in _sorts(_at(away, setting)):
        findings.append(
            mean_finding(
                cell.groupby("run")["gap"].mean().to_numpy(float),
                question=AWAY,
                case=f"{sort}, {lean}",
                answer=f"Users with {sort}, rationality {setting[0]:g} and lapse {setting[1]:g}: with "
                f"{_LEANS[lean]}, the expected gap in new currencies is {{value}}.",
                why="Evidence from one currency counts in another only as far as norms transfer; beyond that the "
                "prior decides.",
            )
        )
    return findings


def speed_table(games: pd.DataFrame, most: int) -> pd.DataFrame:
    """Format the interactions needed: a line for each population and prior, a column for each setting."""
    lines = []
    for (users, prior), cell in games.groupby(["users", "prior"], sort=False):
        line = {"users": users, "prior": prior}
        for (rationality, lapse), runs in cell.groupby(["rationality", "lapse"], sort=False):
            line[f"λ {rationality:g}, ε {lapse:g}"] = with_interval(runs["needed"].fillna(most))
        lines.append(line)
    return pd.DataFrame(lines)


def currency_table(by_currency: pd.DataFrame) -> pd.DataFrame:
    """Format gaps in new currencies: a line for each population and prior, a column for each currency."""
    lines = []
    for (users, prior), cell in by_currency.groupby(["users", "prior"], sort=False):
        means = cell.groupby("currency", sort=False)["gap"].mean()
        lines.append({"users": users, "prior": prior} | {str(name): f"{gap:.3f}" for name, gap in means.items()})
    return pd.DataFrame(lines)


@captioned
def belief_figure(epochs: pd.DataFrame) -> Figure:
    """Each line shows the mean belief in the users' norm by epoch, for one kind of prior. Users have one norm."""
    return _by_epoch(epochs, "belief", "belief in the users' norm")


@captioned
def gap_figure(epochs: pd.DataFrame) -> Figure:
    """Each line shows the expected gap of a posterior sample by epoch, for one kind of prior. Users have one norm."""
    return _by_epoch(epochs, "gap", "expected gap")


def _by_epoch(epochs: pd.DataFrame, measure: str, label: str) -> Figure:
    one_norm = epochs[(epochs["sort"] == ONE) & epochs["epoch"].isin(_some(int(epochs["epoch"].max())))]
    by = ["lean", "rationality", "lapse", "epoch", "run"]
    table = one_norm.groupby(by, sort=False)[measure].mean().reset_index()
    table["prior"] = table["lean"].map(_LEANS)
    table["noise"], table["firmness"] = table["lapse"].map("ε {:g}".format), table["rationality"].map("λ {:g}".format)
    return bands_figure(table, Bands("epoch", measure, "prior", "firmness", "noise", "epoch", label))


def _some(last: int) -> list[int]:
    """Epochs that the figure shows: the first few, then fewer and fewer."""
    return sorted({0, 1, 2, 3, 5, 10, 20, 50, last} & set(range(last + 1)))


@captioned
def currency_figure(by_currency: pd.DataFrame) -> Figure:
    """Each line shows the expected gap by psychological distance from the source currency, for one kind of prior."""
    table = by_currency.groupby(["lean", "sort", "place", "run"], sort=False)["gap"].mean().reset_index()
    table = table.assign(prior=table["lean"].map(_LEANS), all="")
    return bands_figure(table, Bands("place", "gap", "prior", "sort", "all", "psychological distance", "expected gap"))
