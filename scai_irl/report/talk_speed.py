"""Speed of learning from inconsistent talk: a table and a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scai_irl.records.findings import Finding, mean_finding, number_with_interval
from scai_irl.report.captions import captioned
from scai_irl.report.figures import COLOURS

_KEYS = ["way", "degree", "observer"]


def speed_findings(needed: pd.DataFrame, most: int, question: str) -> list[Finding]:
    """Mean games that observers need, at the largest degree of each way.

    Args:
        needed: What `scai_irl.compare.talk_speed.games_needed` gives.
        most: What runs count as in which the truth is never believed: all games.
        question: What was asked.
    """
    found = []
    for (way, degree, observer), runs in needed.groupby(_KEYS, sort=False):
        if degree not in (needed["degree"].min(), needed["degree"].max()):
            continue
        never = int(runs["needed"].isna().sum())
        beside = f" ({never} of {len(runs)} groups never, counted as {most})" if never else ""
        percent = f"{degree:.0%}".removesuffix("%")
        answer = f"Where {percent} % of talk is {way}, who {observer} needs {{value}} games{beside}."
        answer = answer.replace("who model", "the model")
        values = runs["needed"].fillna(most).to_numpy(float)
        found.append(mean_finding(values, question=question, case=f"{way}, {degree:g}, {observer}", answer=answer))
    return found


def speed_table(needed: pd.DataFrame, most: int) -> pd.DataFrame:
    """Shape games needed for reading: a line for each way and degree, a column for each observer."""
    lines = []
    for (way, degree), cells in needed.groupby(["way", "degree"], sort=False):
        line = {"way": way, "share of odd talk": f"{degree:g}"}
        for observer, runs in cells.groupby("observer", sort=False):
            mean = mean_finding(runs["needed"].fillna(most).to_numpy(float), question="?", case="", answer="{value}")
            line[str(observer)] = number_with_interval(mean.value, mean.low, mean.high)
        lines.append(line)
    return pd.DataFrame(lines)


@captioned
def speed_figure(needed: pd.DataFrame, most: int) -> Figure:
    """Games needed (± 1 SEM over groups) across the share of odd talk; a panel for each way."""
    ways = list(dict.fromkeys(needed["way"]))
    figure = Figure(figsize=(3.4 * len(ways) + 1.8, 3.2), layout="constrained")
    panels = figure.subplots(1, len(ways), sharey=True, squeeze=False)[0]
    for axes, way in zip(panels, ways, strict=True):
        of_way = needed[needed["way"] == way].assign(needed=lambda table: table["needed"].fillna(most))
        for number, (observer, lines) in enumerate(of_way.groupby("observer", sort=False)):
            at = lines.groupby("degree")["needed"].agg(["mean", "sem"])
            shade = COLOURS[number % len(COLOURS)]
            axes.errorbar(
                at.index, at["mean"], at["sem"], marker="o", ms=4, capsize=2, color=shade, label=str(observer)
            )
        axes.set_title(f"{way} talk", fontsize=10)
        axes.set_xlabel("share of odd talk")
        axes.set_xticks(np.unique(needed["degree"]))
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("games until belief in the norm is .9")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, title="observer (± 1 SEM)", fontsize=8, title_fontsize=8, loc="outside right upper")
    return figure
