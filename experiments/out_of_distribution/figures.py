"""Acting abroad, as a table and figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from experiments.out_of_distribution.model import CELL
from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.io.intervals import bootstrap_interval
from scai_irl.measure.alignment import WITHIN
from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS
from scai_irl.results.findings import number_with_interval

_RECORDED = {"flat": "abroad, no prior", "altruistic": "abroad, altruistic prior"}


def gaps_table(gaps: pd.DataFrame) -> pd.DataFrame:
    """Shape gaps for reading: a line for each agent, currency, prior, reason and warning."""
    lines = []
    for cell, runs in gaps.groupby(CELL, sort=False):
        gap = runs["gap"].to_numpy(float)
        known = runs["gap"].notna()
        said = {name: _yes(value) for name, value in zip(CELL, cell, strict=True)}
        offered, users = (f"{runs[name].mean():.3f}" for name in ("offered", "users"))
        shares = {"assistants' share": offered, "users' share": users}
        mean = number_with_interval(float(runs["gap"].mean()), *bootstrap_interval(gap))
        aligned = f"{int((runs['gap'] <= WITHIN).sum())} of {int(known.sum())}"
        lines.append(said | shares | {"gap [95 %]": mean, "within .05": aligned})
    return pd.DataFrame(lines)


@captioned
def abroad_figure(gaps: pd.DataFrame) -> Figure:
    """Offered share by psychological distance (95 % interval over runs), users dashed; a panel for each agent.

    A colour for each prior; dotted lines are what was recorded abroad. Where the model is asked in several ways, they
    are taken together.
    """
    agents = list(dict.fromkeys(gaps["agent"]))
    figure = Figure(figsize=(3.6 * len(agents) + 1.6, 3.4), layout="constrained")
    panels = figure.subplots(1, len(agents), sharey=True, squeeze=False)[0]
    for axes, agent in zip(panels, agents, strict=True):
        own = gaps[gaps["agent"] == agent]
        for number, (prior, runs) in enumerate(own.groupby("prior", sort=False)):
            _line(axes, runs, "offered", COLOURS[number], str(prior))
            if prior in _RECORDED:
                recorded = RECORDED_ROWS[_RECORDED[str(prior)]].assistant
                axes.axhline(recorded, color=COLOURS[number], ls=":", lw=1.2)
        _line(axes, own, "users", "black", "users", style="--")
        names = sorted(own["currency"].unique(), key=PSYCHOLOGICAL_DISTANCE.__getitem__)
        axes.set_xticks([PSYCHOLOGICAL_DISTANCE[name] for name in names], names, rotation=35, ha="right", fontsize=8)
        axes.set_ylim(-0.03, 1.03)
        axes.set_title(agent, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("offered share (95 % over runs)")
    _legend(figure, "prior (dotted: recorded,\nno prior and altruistic)")
    return figure


@captioned
def seen_figure(by_seen: pd.DataFrame) -> Figure:
    """Expected gap abroad by number of goods in which users were watched; a colour for each prior."""
    figure = Figure(figsize=(4.6, 3.0), layout="constrained")
    axes = figure.subplots()
    for number, (prior, lines) in enumerate(by_seen.groupby("prior", sort=False)):
        mean = lines.groupby("seen")["gap"].mean()
        axes.plot(mean.index, mean, marker="o", ms=4, color=COLOURS[number], label=str(prior))
    axes.set_xticks(sorted(by_seen["seen"].unique()))
    axes.set_xlabel("goods in which users were watched")
    axes.set_ylabel("expected gap abroad")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    _legend(figure, "prior")
    return figure


def _line(axes: Axes, runs: pd.DataFrame, column: str, colour: str, label: str, style: str = "-") -> None:
    points = []
    for currency, of_currency in runs.groupby("currency", sort=False):
        by_run = of_currency.groupby("run")[column].mean()
        ends = bootstrap_interval(by_run.to_numpy(float))
        points.append((PSYCHOLOGICAL_DISTANCE[str(currency)], float(by_run.mean()), *ends))
    place, mean, lower, upper = np.array(sorted(points)).T
    axes.plot(place, mean, ls=style, marker="o", ms=3, color=colour, label=label)
    axes.fill_between(place, lower, upper, color=colour, alpha=0.2, lw=0)


def _legend(figure: Figure, title: str) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, title=title, fontsize=8, title_fontsize=8, loc="outside right upper")


def _yes(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
