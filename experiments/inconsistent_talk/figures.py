"""Speed of learning from inconsistent talk: findings, a table and a figure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.inconsistent_talk.model import MODEL
from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS
from scai_irl.results.findings import Finding, mean_finding, number_with_interval

_KEYS = ["way", "degree", "observer"]
_PAIRED = ["norm", "run"]


def speed_findings(needed: pd.DataFrame, most: int, question: str, asked_at: Sequence[int]) -> list[Finding]:
    """Findings on the model's cost of inconsistent talk, and on interactions needed at the smallest and largest degree.

    Args:
        needed: Table from `experiments.inconsistent_talk.model.games_needed`.
        most: Number of interactions with which a run counts that never believes the truth.
        question: Question that the findings answer.
        asked_at: Numbers of interactions after which observers are asked.
    """
    findings = _costs(needed, most, question)
    why = _grid(asked_at)
    for (way, degree, observer), runs in needed.groupby(_KEYS, sort=False):
        if degree not in (needed["degree"].min(), needed["degree"].max()):
            continue
        never = int(runs["needed"].isna().sum())
        remark = f" ({never} of {len(runs)} groups never learn it and count as {most})" if never else ""
        percent = f"{degree:.0%}".removesuffix("%")
        answer = f"If {percent} % of talk is {way}, {_named(str(observer))} needs {{value}} interactions{remark}."
        values, case = runs["needed"].fillna(most).to_numpy(float), f"{way}, {degree:g}, {observer}"
        findings.append(mean_finding(values, question=question, case=case, answer=answer, why=why))
    return findings


def _costs(needed: pd.DataFrame, most: int, question: str) -> list[Finding]:
    """Findings on the additional interactions that the last observer needs at the largest degree, paired by group."""
    least, odd, who = needed["degree"].min(), needed["degree"].max(), needed["observer"].iloc[-1]
    if least == odd:
        return []
    findings = []
    for way, lines in needed[needed["observer"] == who].fillna({"needed": most}).groupby("way", sort=False):
        by_degree = lines.pivot_table(index=_PAIRED, columns="degree", values="needed", sort=False)
        answer = (
            f"With a share of {way} talk of {odd:g} instead of {least:g}, {_named(who)} needs {{value}} more "
            "interactions."
        )
        findings.append(
            mean_finding(
                (by_degree[odd] - by_degree[least]).to_numpy(float),
                question=question,
                case=f"{way}, {odd:g} instead of {least:g}, {who}",
                answer=answer,
                why=f"Groups that never learn count as {most}.",
            )
        )
    return findings


def _named(observer: str) -> str:
    """Name an observer in a sentence: a model by its name, a Bayesian by its treatment of talk."""
    return f"the {observer}," if observer == MODEL else f"a Bayesian that {observer}"


def _grid(asked_at: Sequence[int]) -> str:
    """Sentence on the numbers of interactions after which observers are asked; empty if it is after each one."""
    if all(after - before == 1 for before, after in itertools.pairwise(asked_at)):
        return ""
    return f"All observers are asked after the same numbers of interactions: {', '.join(map(str, asked_at))}."


def speed_table(needed: pd.DataFrame, most: int) -> pd.DataFrame:
    """Format interactions needed: a line for each way and degree, a column for each observer."""
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
    """Each line shows the interactions that an observer needs (± 1 SEM over groups), by the share of inconsistent talk.

    All observers are asked after the same numbers of interactions.
    """
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
    panels[0].set_ylabel("interactions until belief in the norm is .9")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, title="observer (± 1 SEM)", fontsize=8, title_fontsize=8, loc="outside right upper")
    return figure
