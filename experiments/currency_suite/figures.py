"""Predictions and offers by currency: findings, tables and figures."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments.currency_suite.variation import ABRUPT, AS_ASSUMED, ONE_NORM
from scai_irl.report.bands import Bands, bands_figure, with_interval
from scai_irl.report.captions import captioned
from scai_irl.results.findings import Finding, mean_finding

COVERAGE = "Does the 90 % predictive interval contain the users' offers in currencies never seen?"
MORE = "How much do predictions in new currencies gain from having seen more currencies?"
WORDS = "How far from users are assistants that follow texts, in currencies never seen?"
GOAL = 0.85

_VARY = {
    AS_ASSUMED: "norms vary as the hierarchy assumes",
    ONE_NORM: "norms are the same in all currencies",
    ABRUPT: "norms change abruptly",
}
_WHY = {
    AS_ASSUMED: "Well specified; shares come in steps, so a closed interval contains a little more than its level.",
    ONE_NORM: "Misspecified: the posterior learns only slowly that norms transfer far, so its intervals are too wide.",
    ABRUPT: "Misspecified: currencies before the change agree, so the posterior learns that norms transfer far, and "
    "becomes the more certain the more of them it has seen.",
}


def suite_findings(predicted: pd.DataFrame, acted: pd.DataFrame) -> list[Finding]:
    """Coverage of intervals, gain from more currencies, and gaps of assistants that follow texts.

    Args:
        predicted: What `experiments.currency_suite.model.predictions` gives, for every number of goods.
        acted: What `experiments.currency_suite.verbal_transfer.act_on_texts` gives.
    """
    return [*_coverage(predicted), *_more(predicted), *_words(acted, predicted)]


def _coverage(predicted: pd.DataFrame) -> list[Finding]:
    found = []
    for (way, number), cell in predicted[~predicted["known"]].groupby(["way", "seen"], sort=False):
        by_society, seen = cell.groupby("society")[["covered", "width", "error", "single"]].mean(), int(str(number))
        found.append(
            mean_finding(
                by_society["covered"].to_numpy(float),
                question=COVERAGE,
                case=f"{way}, {seen} seen",
                answer=f"Where {_VARY[str(way)]} and users were watched in {_currencies(seen)}, it contains "
                "their mean offer in {value} of the others.",
                why=f"{_WHY[str(way)]} Intervals are {by_society['width'].mean():.2f} of the stake wide; their middle "
                f"is {by_society['error'].mean():.2f} off; {by_society['single'].mean():.2f} of single offers are "
                "inside the interval for one.",
                goal=f"at least {GOAL}" if way == AS_ASSUMED else "",
            )
        )
    return found


def new_to_all(predicted: pd.DataFrame) -> pd.DataFrame:
    """Means over the currencies that no observer has seen, a line for each society."""
    farthest = predicted.groupby("good")["known"].transform("max")
    kept = predicted[~farthest.astype(bool)]
    numbers = ["covered", "width", "error"]
    return kept.groupby(["way", "seen", "society"], sort=False)[numbers].mean().reset_index()


def _more(predicted: pd.DataFrame) -> list[Finding]:
    found, far = [], new_to_all(predicted)
    least, most = far["seen"].min(), far["seen"].max()
    if least == most:
        return []
    for way, lines in far.groupby("way", sort=False):
        for name, said in (("width", "width of the interval"), ("error", "error of the prediction")):
            table = lines.pivot_table(index="society", columns="seen", values=name)
            found.append(
                mean_finding(
                    (table[most] - table[least]).to_numpy(float),
                    question=MORE,
                    case=f"{way}, {name}",
                    answer=f"Where {_VARY[str(way)]}, {_currencies(int(most))} instead of {least} change the {said} by "
                    "{value}.",
                    why=_WHY[str(way)] if way != AS_ASSUMED else "",
                )
            )
    return found


def _words(acted: pd.DataFrame, predicted: pd.DataFrame) -> list[Finding]:
    found = []
    numeric = predicted[(predicted["seen"] == predicted["seen"].min()) & ~predicted["known"]]
    for (way, agent), cell in acted[~acted["known"]].groupby(["way", "agent"], sort=False):
        error = numeric[numeric["way"] == way]["error"].mean()
        found.append(
            mean_finding(
                cell.groupby("society")["gap"].mean().to_numpy(float),
                question=WORDS,
                case=f"{way}, {agent}",
                answer=f"Where {_VARY[str(way)]}, {agent} assistants are {{value}} from users' offers.",
                why=f"The mean of the posterior's prediction is {error:.3f} away. A posterior sample adds its own "
                "spread, and a text from the source currency assumes one norm for all currencies.",
            )
        )
    return found


def suite_table(predicted: pd.DataFrame) -> pd.DataFrame:
    """Shape predictions for reading: a line for each way and number of currencies seen."""
    lines = []
    for (way, seen), cell in predicted[~predicted["known"]].groupby(["way", "seen"], sort=False):
        by_society = cell.groupby("society")[["covered", "single", "width", "error"]].mean()
        line = {"norms": way, "currencies seen": seen, "currencies not seen": cell["good"].nunique()}
        names = {"covered": "covered", "single": "single offers inside", "width": "width", "error": "error"}
        lines.append(line | {said: with_interval(by_society[name]) for name, said in names.items()})
    return pd.DataFrame(lines)


def currency_table(predicted: pd.DataFrame, acted: pd.DataFrame) -> pd.DataFrame:
    """Shape predictions and gaps in each currency for reading, with the fewest currencies seen."""
    first = predicted[predicted["seen"] == predicted["seen"].min()]
    gaps = acted.pivot_table(index=["way", "good"], columns="agent", values="gap", sort=False)
    lines = []
    for (way, good, place), cell in first.groupby(["way", "good", "place"], sort=False):
        line = {
            "norms": way,
            "currency": good,
            "distance": f"{place:g}",
            "seen": "yes" if cell["known"].all() else "no",
        }
        line |= {said: f"{cell[name].mean():.2f}" for name, said in (("covered", "covered"), ("width", "width"))}
        line["error of the prediction"] = f"{cell['error'].mean():.3f}"
        lines.append(line | {f"gap, {agent}": f"{gaps.loc[(way, good), agent]:.3f}" for agent in gaps.columns})
    return pd.DataFrame(lines)


@captioned
def coverage_figure(predicted: pd.DataFrame) -> Figure:
    """Each line shows coverage, width or error in new currencies by number of currencies seen. Dotted: the goal."""
    far = new_to_all(predicted).melt(["way", "seen", "society"], ["covered", "width", "error"], "measure")
    names = {"covered": "covered by 90 %", "width": "width of the interval", "error": "error of the prediction"}
    shown = Bands(
        "seen", "value", "way", "measure", "all", "currencies in which users were watched", "share", alike=False
    )
    figure = bands_figure(far.assign(measure=far["measure"].map(names), all=""), shown)
    figure.axes[0].axhline(GOAL, color="0.4", ls=":", lw=1)
    return figure


@captioned
def text_figure(predicted: pd.DataFrame, acted: pd.DataFrame) -> Figure:
    """Each line shows the gap of the posterior's mean, or of assistants with texts, by psychological distance."""
    first = predicted[predicted["seen"] == predicted["seen"].min()]
    numeric = first.assign(agent="posterior's mean", gap=first["error"])
    columns = ["agent", "way", "society", "place", "gap"]
    both = pd.concat([numeric[columns], acted[columns]], ignore_index=True).assign(all="")
    return bands_figure(
        both, Bands("place", "gap", "agent", "way", "all", "psychological distance", "gap of mean offers")
    )


def _currencies(number: int) -> str:
    return f"{number} currenc{'ies' if number > 1 else 'y'}"
