"""Predictions and offers by currency: findings, tables and figures."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments.currency_suite.variation import ABRUPT, AS_ASSUMED, ONE_NORM
from scai_irl.report.bands import Bands, bands_figure, with_interval
from scai_irl.report.captions import captioned
from scai_irl.results.findings import Finding, mean_finding

COVERAGE = "Does the 90 % predictive interval contain the users' mean offer in new currencies?"
MORE = "How much do more observed currencies improve predictions in new currencies?"
WORDS = "How far from users are assistants that follow texts in new currencies?"
GOAL = 0.85

_VARY = {
    AS_ASSUMED: "norms vary as the hierarchy assumes",
    ONE_NORM: "norms are the same in all currencies",
    ABRUPT: "norms change abruptly",
}
_WHY = {
    AS_ASSUMED: "The model is well specified. Shares are discrete, so a closed interval covers slightly more than its "
    "level.",
    ONE_NORM: "The model is misspecified. The posterior learns slowly that norms transfer far, so its intervals are "
    "too wide.",
    ABRUPT: "The model is misspecified. Currencies before the change share a norm, so the posterior learns that norms "
    "transfer far. Its certainty grows with each of these currencies.",
}


def suite_findings(predicted: pd.DataFrame, acted: pd.DataFrame) -> list[Finding]:
    """Findings on coverage of intervals, on the gain from more currencies, and on assistants that follow texts.

    Args:
        predicted: Table from `experiments.currency_suite.model.predictions`, for every number of currencies.
        acted: Table from `experiments.currency_suite.verbal_transfer.act_on_texts`.
    """
    return [*_coverage(predicted), *_more(predicted), *_words(acted, predicted)]


def _coverage(predicted: pd.DataFrame) -> list[Finding]:
    findings = []
    for (way, number), cell in predicted[~predicted["known"]].groupby(["way", "seen"], sort=False):
        by_society, seen = cell.groupby("society")[["covered", "width", "error", "single"]].mean(), int(str(number))
        findings.append(
            mean_finding(
                by_society["covered"].to_numpy(float),
                question=COVERAGE,
                case=f"{way}, {seen} seen",
                answer=f"If {_VARY[str(way)]} and users were observed in {_currencies(seen)}, the interval contains "
                "their mean offer in {value} of the other currencies.",
                why=f"{_WHY[str(way)]} The intervals' mean width is {by_society['width'].mean():.2f} of the stake, "
                f"the error of their centre {by_society['error'].mean():.2f}. The interval for a single offer contains "
                f"{by_society['single'].mean():.2f} of single offers.",
                goal=f"at least {GOAL}" if way == AS_ASSUMED else "",
            )
        )
    return findings


def new_to_all(predicted: pd.DataFrame) -> pd.DataFrame:
    """Means over the currencies that no observer has seen, with a line for each society."""
    farthest = predicted.groupby("good")["known"].transform("max")
    not_seen = predicted[~farthest.astype(bool)]
    numbers = ["covered", "width", "error"]
    return not_seen.groupby(["way", "seen", "society"], sort=False)[numbers].mean().reset_index()


def _more(predicted: pd.DataFrame) -> list[Finding]:
    findings, far = [], new_to_all(predicted)
    least, most = far["seen"].min(), far["seen"].max()
    if least == most:
        return []
    for way, lines in far.groupby("way", sort=False):
        for name, description in (("width", "width of the interval"), ("error", "error of the prediction")):
            table = lines.pivot_table(index="society", columns="seen", values=name)
            findings.append(
                mean_finding(
                    (table[most] - table[least]).to_numpy(float),
                    question=MORE,
                    case=f"{way}, {name}",
                    answer=f"If {_VARY[str(way)]}, {_currencies(int(most))} instead of {least} change the "
                    f"{description} "
                    "by {value}.",
                    why=_WHY[str(way)] if way != AS_ASSUMED else "",
                )
            )
    return findings


def _words(acted: pd.DataFrame, predicted: pd.DataFrame) -> list[Finding]:
    findings = []
    numeric = predicted[(predicted["seen"] == predicted["seen"].min()) & ~predicted["known"]]
    for (way, agent), cell in acted[~acted["known"]].groupby(["way", "agent"], sort=False):
        error = numeric[numeric["way"] == way]["error"].mean()
        findings.append(
            mean_finding(
                cell.groupby("society")["gap"].mean().to_numpy(float),
                question=WORDS,
                case=f"{way}, {agent}",
                answer=f"If {_VARY[str(way)]}, {agent} assistants are {{value}} from users' offers.",
                why=f"The mean of the posterior's prediction is {error:.3f} from users' offers. A posterior sample "
                "adds its own "
                "spread, and a text from the source currency assumes one norm for all currencies.",
            )
        )
    return findings


def suite_table(predicted: pd.DataFrame) -> pd.DataFrame:
    """Format predictions: a line for each kind of variation and number of currencies seen."""
    lines = []
    for (way, seen), cell in predicted[~predicted["known"]].groupby(["way", "seen"], sort=False):
        by_society = cell.groupby("society")[["covered", "single", "width", "error"]].mean()
        line = {"norms": way, "currencies seen": seen, "currencies not seen": cell["good"].nunique()}
        names = {"covered": "covered", "single": "single offers inside", "width": "width", "error": "error"}
        lines.append(line | {title: with_interval(by_society[name]) for name, title in names.items()})
    return pd.DataFrame(lines)


def currency_table(predicted: pd.DataFrame, acted: pd.DataFrame) -> pd.DataFrame:
    """Format predictions and gaps in each currency, after the fewest currencies seen."""
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
        line |= {title: f"{cell[name].mean():.2f}" for name, title in (("covered", "covered"), ("width", "width"))}
        line["error of the prediction"] = f"{cell['error'].mean():.3f}"
        lines.append(line | {f"gap, {agent}": f"{gaps.loc[(way, good), agent]:.3f}" for agent in gaps.columns})
    return pd.DataFrame(lines)


@captioned
def coverage_figure(predicted: pd.DataFrame) -> Figure:
    """Each line shows coverage, width or error in new currencies, by number of currencies seen. Dotted: the goal."""
    far = new_to_all(predicted).melt(["way", "seen", "society"], ["covered", "width", "error"], "measure")
    names = {"covered": "covered by 90 %", "width": "width of the interval", "error": "error of the prediction"}
    shown = Bands(
        "seen", "value", "way", "measure", "all", "currencies in which users were observed", "share", alike=False
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
