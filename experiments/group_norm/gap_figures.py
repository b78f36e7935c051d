"""Figures of sweeps: a gap across the values of one setting, a colour for each value of another."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.group_norm.gaps_by_setting import runs_in_last_epoch
from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS


@captioned
def sweep_figure(alignment: pd.DataFrame, across: str, colour: str, measure: str = "gap") -> Figure:
    """Gap in the last epoch (± 1 SEM over runs); a panel for each agent.

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
    """Gap by epoch (mean over conditions and runs, ± 1 SEM over runs); a panel for each agent.

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
