"""Preferences inferred with and without sorting of answers: findings, tables and figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.response_types.model import FACE_VALUE, SLIPS, SORTED
from scai_irl.report.bands import Bands, bands_figure, with_interval
from scai_irl.report.captions import captioned
from scai_irl.results.findings import Finding, mean_finding, number_with_interval, share_finding

_ERROR = "How large is the error of an inferred preference if some answers express no preference?"
_INSIDE = "Do 90 % intervals contain the preference?"
_SORTED = "Are items sorted by type?"
_WHY = {
    FACE_VALUE: "Every accepted small offer counts as low envy, even if a coin or the frame decided it.",
    SLIPS: "A lapse partly explains coins. But coins and frames affect whole items, and slips do not.",
    SORTED: "Repetitions of an item reveal its type, and only genuine items inform the preference.",
}
_AT = "share of genuine items"


def response_findings(estimates: pd.DataFrame, placed: pd.DataFrame) -> list[Finding]:
    """Findings on errors with the most and the fewest genuine items, and on the sorting of items.

    Args:
        estimates: First table from `experiments.response_types.model.infer_envy`.
        placed: Second table from it.
    """
    findings: list[Finding] = []
    for measure in ("RMSE", "bias", "inside"):
        for share in dict.fromkeys((estimates["genuine"].max(), estimates["genuine"].min())):
            people = estimates[estimates["genuine"] == share]
            for way, runs in people.groupby("way", sort=False):
                findings.append(_estimated(measure, f"{100 * share:g} %", str(way), runs))
    for share, items in placed.groupby("genuine", sort=False):
        where = f"{100 * float(str(share)):g} %"
        answer = f"If {where} of items are genuine, {{value}} of items are sorted correctly."
        about = {"question": _SORTED, "case": f"{where} genuine", "answer": answer, "why": _WHY[SORTED]}
        findings.append(mean_finding(_right(items), **about))
    return findings


def _estimated(measure: str, share: str, way: str, runs: pd.DataFrame) -> Finding:
    about: dict[str, Any] = {"case": f"{share} genuine, {way}, {measure}", "why": _WHY[way]}
    where = f"If {share} of items are genuine, {way}"
    error = runs["error"].to_numpy(float)
    if measure == "RMSE":
        answer = f"{where}: the error of the smallest accepted share is {{value}} (root mean square)."
        return _root(mean_finding(error**2, question=_ERROR, answer=answer, **about))
    if measure == "bias":
        answer = f"{where}: its bias is {{value}}."
        return mean_finding(error, question=_ERROR, answer=answer, **about)
    answer = f"{where}: {{value}} of 90 % intervals contain it."
    return share_finding(runs["inside"].to_numpy(float), question=_INSIDE, answer=answer, goal="0.9", **about)


def response_table(estimates: pd.DataFrame) -> pd.DataFrame:
    """Format estimates: a line for each share of genuine items and each way."""
    lines = []
    for (share, way), runs in estimates.groupby(["genuine", "way"], sort=False):
        squares = mean_finding(runs["error"].to_numpy(float) ** 2, question="?", case="", answer="{value}")
        rmse = _root(squares)
        cells = [with_interval(runs["error"]), number_with_interval(rmse.value, rmse.low, rmse.high)]
        lines.append([share, way, *cells, with_interval(runs["inside"]), f"{runs['width'].mean():.3f}"])
    names = [_AT, "inferred from", "bias [95 %]", "RMSE [95 %]", "in 90 % intervals [95 %]", "their width"]
    return pd.DataFrame(lines, columns=names)


def sorting_table(placed: pd.DataFrame) -> pd.DataFrame:
    """Format the sorting of items: a line for each share of genuine items, a column for each type."""
    lines = []
    for share, items in placed.groupby("genuine", sort=False):
        line: dict[str, object] = {_AT: share, "all items [95 %]": with_interval(pd.Series(_right(items)))}
        line |= {f"{kind} [95 %]": with_interval(own["right"]) for kind, own in items.groupby("type", sort=False)}
        lines.append(line)
    return pd.DataFrame(lines).fillna("–")


@captioned
def response_figure(estimates: pd.DataFrame) -> Figure:
    """Each line shows the absolute error, bias or coverage of one way, by the share of genuine items."""
    titles = {"absolute": "absolute error", "error": "bias", "inside": "in 90 % intervals"}
    return _panels(estimates.assign(absolute=estimates["error"].abs()), titles, "way")


@captioned
def sorting_figure(placed: pd.DataFrame) -> Figure:
    """Each line shows the share of correctly sorted items of one type, by the share of genuine items."""
    return _panels(placed, {"right": "rightly sorted"}, "type")


def _panels(table: pd.DataFrame, titles: dict[str, str], lines: str) -> Figure:
    long = table.melt(["genuine", lines], list(titles), "measure", "value")
    long = long.assign(measure=long["measure"].map(titles), row="", percent=100 * long["genuine"])
    up = "share of the stake; of intervals" if lines == "way" else "share of items"
    shown = Bands("percent", "value", lines, "measure", "row", f"{_AT} (%)", up, alike=False)
    return bands_figure(long, shown)


def _right(items: pd.DataFrame) -> Float[np.ndarray, "person"]:
    """Share of each person's items that are sorted correctly, over all types."""
    weighted = (items["right"] * items["items"]).groupby(items["person"]).sum()
    return np.asarray(weighted / items.groupby("person")["items"].sum(), float)


def _root(squares: Finding) -> Finding:
    """Finding on a root mean square, from the finding on the mean square."""
    value, low, high = (float(np.sqrt(number)) for number in (squares.value, squares.low, squares.high))
    return replace(squares, value=value, low=low, high=high)
