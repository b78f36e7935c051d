"""Cost of priors by population and temperature: findings, tables and figures."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments.prior_ablation.model import LEANS, ONE, AblationTables, PriorAblation
from scai_irl.report.bands import Bands, bands_figure, with_interval
from scai_irl.report.captions import captioned
from scai_irl.results.findings import Finding, mean_finding

SPEED = "How many games does it take to learn a group's policy, by the norm to which the prior leans?"
GAP = "How far from users' offers is a posterior sample, by epoch?"
AWAY = "How much does the prior still matter in new currencies, after all games in the source currency?"
_LEANS = {"flat": "a flat prior", "right": "a prior that leans to it", "wrong": "a prior that leans to another"}


def ablation_findings(plan: PriorAblation, found: AblationTables) -> list[Finding]:
    """Cost of priors at the largest and at the smallest rationality."""
    return [*_speed(plan, found.games), *_gaps(plan, found.epochs), *_in_new_currencies(plan, found.abroad)]


def _ends(plan: PriorAblation) -> list[tuple[float, float]]:
    """The first and the last setting."""
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
    found = []
    for setting in _ends(plan):
        for sort, lean, cell in _sorts(_at(games, setting)):
            never = cell["needed"].isna().mean()
            beside = f" ({100 * never:.1f} % never do, counted as {most})" if never else ""
            found.append(
                mean_finding(
                    cell.assign(needed=cell["needed"].fillna(most)).groupby("run")["needed"].mean().to_numpy(float),
                    question=SPEED,
                    case=f"{sort}, {lean}, rationality {setting[0]:g}, lapse {setting[1]:g}",
                    answer=f"Users with {sort}, rationality {setting[0]:g} and lapse {setting[1]:g}: with "
                    f"{_LEANS[lean]}, it takes {{value}} games{beside}.",
                    why=_why(plan, sort, lean),
                )
            )
    return found


def _why(plan: PriorAblation, sort: str, lean: str) -> str:
    if sort != ONE:
        return f"Every prior gives {plan.several:g} to users with several norms; leaning only redistributes the rest."
    if lean != "wrong":
        return ""
    return (
        f"Evidence outweighs a prior of {plan.strength:g} for another norm, so in the source currency it costs a few "
        "games. It takes longest to tell one norm from a mixture that mostly consists of it."
    )


def _gaps(plan: PriorAblation, epochs: pd.DataFrame) -> list[Finding]:
    found = []
    setting = _ends(plan)[-1]
    for epoch in dict.fromkeys((1, plan.epochs)):
        for sort, lean, cell in _sorts(_at(epochs[epochs["epoch"] == epoch], setting)):
            found.append(
                mean_finding(
                    cell.groupby("run")["gap"].mean().to_numpy(float),
                    question=GAP,
                    case=f"{sort}, {lean}, epoch {epoch}",
                    answer=f"Users with {sort}, rationality {setting[0]:g} and lapse {setting[1]:g}: with "
                    f"{_LEANS[lean]}, {{value}} after {epoch} epoch{'s' if epoch > 1 else ''} of {plan.games} games.",
                )
            )
    return found


def _in_new_currencies(plan: PriorAblation, abroad: pd.DataFrame) -> list[Finding]:
    found, setting = [], plan.settings[0]
    away = abroad[abroad["currency"] != plan.home]
    for sort, lean, cell in _sorts(_at(away, setting)):
        found.append(
            mean_finding(
                cell.groupby("run")["gap"].mean().to_numpy(float),
                question=AWAY,
                case=f"{sort}, {lean}",
                answer=f"Users with {sort}, rationality {setting[0]:g} and lapse {setting[1]:g}: with "
                f"{_LEANS[lean]}, a posterior sample is {{value}} from users' offers in new currencies.",
                why="Evidence from one currency counts in another as far as norms transfer; the rest is the prior.",
            )
        )
    return found


def speed_table(games: pd.DataFrame, most: int) -> pd.DataFrame:
    """Shape games needed for reading: a line for each population and prior, a column for each setting."""
    lines = []
    for (users, prior), cell in games.groupby(["users", "prior"], sort=False):
        line = {"users": users, "prior": prior}
        for (rationality, lapse), runs in cell.groupby(["rationality", "lapse"], sort=False):
            line[f"λ {rationality:g}, ε {lapse:g}"] = with_interval(runs["needed"].fillna(most))
        lines.append(line)
    return pd.DataFrame(lines)


def currency_table(abroad: pd.DataFrame) -> pd.DataFrame:
    """Shape gaps in new currencies for reading: a line for each population and prior, a column for each currency."""
    lines = []
    for (users, prior), cell in abroad.groupby(["users", "prior"], sort=False):
        means = cell.groupby("currency", sort=False)["gap"].mean()
        lines.append({"users": users, "prior": prior} | {str(name): f"{gap:.3f}" for name, gap in means.items()})
    return pd.DataFrame(lines)


@captioned
def belief_figure(epochs: pd.DataFrame) -> Figure:
    """Each line shows the mean belief in the users' norm by epoch, for one kind of prior; users have one norm."""
    return _by_epoch(epochs, "belief", "belief in the users' norm")


@captioned
def gap_figure(epochs: pd.DataFrame) -> Figure:
    """Each line shows the expected gap of a posterior sample by epoch, for one kind of prior; users have one norm."""
    return _by_epoch(epochs, "gap", "expected gap")


def _by_epoch(epochs: pd.DataFrame, measure: str, said: str) -> Figure:
    kept = epochs[(epochs["sort"] == ONE) & epochs["epoch"].isin(_some(int(epochs["epoch"].max())))]
    by = ["lean", "rationality", "lapse", "epoch", "run"]
    table = kept.groupby(by, sort=False)[measure].mean().reset_index()
    table["prior"] = table["lean"].map(_LEANS)
    table["noise"], table["firmness"] = table["lapse"].map("ε {:g}".format), table["rationality"].map("λ {:g}".format)
    return bands_figure(table, Bands("epoch", measure, "prior", "firmness", "noise", "epoch", said))


def _some(last: int) -> list[int]:
    """Epochs that are drawn: the first few, and then some."""
    return sorted({0, 1, 2, 3, 5, 10, 20, 50, last} & set(range(last + 1)))


@captioned
def currency_figure(abroad: pd.DataFrame) -> Figure:
    """Each line shows the expected gap after all games by psychological distance from the source currency."""
    table = abroad.groupby(["lean", "sort", "place", "run"], sort=False)["gap"].mean().reset_index()
    table = table.assign(prior=table["lean"].map(_LEANS), all="")
    return bands_figure(table, Bands("place", "gap", "prior", "sort", "all", "psychological distance", "expected gap"))
