"""The currency suite, as findings, tables and figures."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments.currency_suite.variation import ABRUPT, AS_ASSUMED, ONE_NORM
from scai_irl.report.bands import Bands, bands_figure, with_interval
from scai_irl.report.captions import captioned
from scai_irl.results.findings import Finding, mean_finding

COVERAGE = "Does the 90 % predictive interval hold the users' offers in goods never seen?"
MORE = "What is it worth to have seen more goods, in goods that are new to all?"
WORDS = "How far from users are assistants that follow words, in goods never seen?"
GOAL = 0.85

_VARY = {
    AS_ASSUMED: "norms vary as the hierarchy assumes",
    ONE_NORM: "norms are the same everywhere",
    ABRUPT: "norms change abruptly",
}
_WHY = {
    AS_ASSUMED: "Well specified; shares come in steps, so a closed interval holds a little more than it says.",
    ONE_NORM: "Misspecified: the posterior learns only by and by that norms are carried far, so it is too careful.",
    ABRUPT: "Misspecified: goods seen before the change agree, so the posterior learns that norms are carried far, and "
    "is the surer the more of them it has seen.",
}


def suite_findings(predicted: pd.DataFrame, acted: pd.DataFrame) -> list[Finding]:
    """Say how often intervals hold what users do, what more goods are worth, and how far words are off.

    Args:
        predicted: What `experiments.currency_suite.model.predictions` gives, for every number of goods.
        acted: What `experiments.currency_suite.verbal_transfer.acted_in_words` gives.
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
                answer=f"Where {_VARY[str(way)]} and users were watched in {_goods(seen)}, it holds their mean "
                "offer in {value} of the others.",
                why=f"{_WHY[str(way)]} Intervals are {by_society['width'].mean():.2f} of the stake wide; their middle "
                f"is {by_society['error'].mean():.2f} off; {by_society['single'].mean():.2f} of single offers are "
                "inside the interval for one.",
                goal=f"at least {GOAL}" if way == AS_ASSUMED else "",
            )
        )
    return found


def new_to_all(predicted: pd.DataFrame) -> pd.DataFrame:
    """Lines about goods that were not seen even by those who have seen most, a line for each society."""
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
                    answer=f"Where {_VARY[str(way)]}, {_goods(int(most))} instead of {least} change the {said} by "
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
                answer=f"Where {_VARY[str(way)]}, {agent} assistants are {{value}} away.",
                why=f"The mean of the posterior's prediction is {error:.3f} away. A draw from a posterior adds its own "
                "spread to that, and a text from home takes norms to be the same everywhere.",
            )
        )
    return found


def suite_table(predicted: pd.DataFrame) -> pd.DataFrame:
    """Shape predictions for reading: a line for each way and number of goods seen."""
    lines = []
    for (way, seen), cell in predicted[~predicted["known"]].groupby(["way", "seen"], sort=False):
        by_society = cell.groupby("society")[["covered", "single", "width", "error"]].mean()
        line = {"norms": way, "goods seen": seen, "goods not seen": cell["good"].nunique()}
        names = {"covered": "covered", "single": "single offers inside", "width": "width", "error": "error"}
        lines.append(line | {said: with_interval(by_society[name]) for name, said in names.items()})
    return pd.DataFrame(lines)


def goods_table(predicted: pd.DataFrame, acted: pd.DataFrame) -> pd.DataFrame:
    """Shape what happens in each good for reading, where least was seen: prediction beside words."""
    first = predicted[predicted["seen"] == predicted["seen"].min()]
    gaps = acted.pivot_table(index=["way", "good"], columns="agent", values="gap", sort=False)
    lines = []
    for (way, good, place), cell in first.groupby(["way", "good", "place"], sort=False):
        line = {"norms": way, "good": good, "distance": f"{place:g}", "seen": "yes" if cell["known"].all() else "no"}
        line |= {said: f"{cell[name].mean():.2f}" for name, said in (("covered", "covered"), ("width", "width"))}
        line["error of the prediction"] = f"{cell['error'].mean():.3f}"
        lines.append(line | {f"gap, {agent}": f"{gaps.loc[(way, good), agent]:.3f}" for agent in gaps.columns})
    return pd.DataFrame(lines)


@captioned
def coverage_figure(predicted: pd.DataFrame) -> Figure:
    """Coverage (goal dotted), width and error by number of goods seen, in goods new to all; a line for each way."""
    far = new_to_all(predicted).melt(["way", "seen", "society"], ["covered", "width", "error"], "measure")
    names = {"covered": "covered by 90 %", "width": "width of the interval", "error": "error of the prediction"}
    shown = Bands("seen", "value", "way", "measure", "all", "goods in which users were watched", "share", alike=False)
    figure = bands_figure(far.assign(measure=far["measure"].map(names), all=""), shown)
    figure.axes[0].axhline(GOAL, color="0.4", ls=":", lw=1)
    return figure


@captioned
def words_figure(predicted: pd.DataFrame, acted: pd.DataFrame) -> Figure:
    """Distance from users' offers by good: of the numerical prediction's mean and of both ways of following words."""
    first = predicted[predicted["seen"] == predicted["seen"].min()]
    numeric = first.assign(agent="posterior's mean", gap=first["error"])
    columns = ["agent", "way", "society", "place", "gap"]
    both = pd.concat([numeric[columns], acted[columns]], ignore_index=True).assign(all="")
    return bands_figure(
        both, Bands("place", "gap", "agent", "way", "all", "psychological distance of the good", "gap of mean offers")
    )


def _goods(number: int) -> str:
    return f"{number} good{'s' if number > 1 else ''}"
