"""Gaps over the values of a setting: findings, a table and figures."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scai_irl.measure.alignment import WITHIN
from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS
from scai_irl.results.findings import Finding, mean_finding, number_with_interval

Settings = Sequence[str]
"""Columns of a table of gaps that identify a setting."""


def runs_in_last_epoch(alignment: pd.DataFrame, by: Settings, measure: str = "gap") -> pd.DataFrame:
    """Mean over conditions in the last epoch, with a line for each run of each setting.

    Args:
        alignment: Table from `scai_irl.measure.alignment.alignment_by_run`, with the columns `by`.
        by: Columns of the settings.
        measure: Column to average.
    """
    last = alignment[alignment["epoch"] == alignment["epoch"].max()]
    return pd.DataFrame(last.groupby([*by, "agent", "run"], sort=False)[measure].mean().reset_index())


def gaps_by(alignment: pd.DataFrame, by: Settings, question: str, measure: str = "gap") -> list[Finding]:
    """Findings on the mean gap of each setting and agent in the last epoch; conditions are averaged within a run."""
    findings = []
    for keys, runs in runs_in_last_epoch(alignment, by, measure).groupby([*by, "agent"], sort=False):
        case = case_of(by, keys)
        answer = f"With {case}, assistants are {{value}} from users' offers in the last epoch."
        findings.append(mean_finding(runs[measure].to_numpy(float), question=question, case=case, answer=answer))
    return findings


def sweep_table(alignment: pd.DataFrame, by: Settings, measure: str = "gap") -> pd.DataFrame:
    """Format gaps of the last epoch: a line for each setting and agent."""
    lines = []
    for keys, runs in runs_in_last_epoch(alignment, by, measure).groupby([*by, "agent"], sort=False):
        values = runs[measure].to_numpy(float)
        mean = mean_finding(values, question="?", case="", answer="{value}")
        gap = number_with_interval(mean.value, mean.low, mean.high)
        lines.append([*keys, gap, f"{int((values <= WITHIN).sum())} of {mean.runs}"])
    return pd.DataFrame(lines, columns=[*by, "agent", "gap [95 %]", "within .05"])


def case_of(by: Settings, keys: tuple[Hashable, ...]) -> str:
    """Name a setting and agent, such as ``users' λ 20.0, thompson``."""
    return ", ".join([*(f"{name} {key}" for name, key in zip(by, keys[:-1], strict=True)), str(keys[-1])])


@captioned
def sweep_figure(alignment: pd.DataFrame, across: str, colour: str, measure: str = "gap") -> Figure:
    """Each line shows the gap in the last epoch (± 1 SEM over runs) for one value of a setting. A panel is an agent.

    Args:
        alignment: Gaps by run and epoch, with a column for each setting.
        across: Setting on the horizontal axis.
        colour: Setting that lines are for.
        measure: Column to draw.
    """
    runs = runs_in_last_epoch(alignment, [across, colour], measure)
    agents = list(dict.fromkeys(runs["agent"]))
    figure = Figure(figsize=(3.6 * len(agents) + 1.2, 3.2), layout="constrained")
    panels = figure.subplots(1, len(agents), sharey=True, squeeze=False)[0]
    for axes, agent in zip(panels, agents, strict=True):
        of_agent = runs[runs["agent"] == agent]
        for number, (value, lines) in enumerate(of_agent.groupby(colour, sort=False)):
            at = lines.groupby(across, sort=False)[measure].agg(["mean", "sem"])
            places = [str(place) for place in at.index]
            shade = COLOURS[number % len(COLOURS)]
            axes.errorbar(places, at["mean"], at["sem"], marker="o", ms=4, capsize=2, color=shade, label=str(value))
        axes.set_title(agent, fontsize=10)
        axes.set_xlabel(across)
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(measure.replace("_", " ") + " in the last epoch")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, title=colour, fontsize=8, title_fontsize=8, loc="outside right upper")
    return figure


@captioned
def epochs_figure(alignment: pd.DataFrame, colour: str, measure: str = "gap") -> Figure:
    """Each line shows the mean gap by epoch (± 1 SEM over runs) for one value of a setting. A panel is an agent.

    Args:
        alignment: Gaps by run and epoch, with a column for the setting.
        colour: Setting that lines are for.
        measure: Column to draw.
    """
    runs = alignment.groupby([colour, "agent", "epoch", "run"], sort=False)[measure].mean().reset_index()
    agents = list(dict.fromkeys(runs["agent"]))
    figure = Figure(figsize=(3.4 * len(agents) + 1.2, 3.0), layout="constrained")
    panels = figure.subplots(1, len(agents), sharey=True, squeeze=False)[0]
    for axes, agent in zip(panels, agents, strict=True):
        of_agent = runs[runs["agent"] == agent]
        for number, (value, lines) in enumerate(of_agent.groupby(colour, sort=False)):
            at = lines.groupby("epoch")[measure].agg(["mean", "sem"])
            shade = COLOURS[number % len(COLOURS)]
            axes.plot(at.index, at["mean"], marker="o", ms=3, color=shade, label=str(value))
            axes.fill_between(at.index, at["mean"] - at["sem"], at["mean"] + at["sem"], color=shade, alpha=0.2, lw=0)
        axes.set_title(agent, fontsize=10)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(f"alignment {measure.replace('_', ' ')}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, title=colour, fontsize=8, title_fontsize=8, loc="outside right upper")
    return figure
