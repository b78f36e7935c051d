"""Figures and table cells with means over runs and their 95 % bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scai_irl.io.intervals import bootstrap_interval
from scai_irl.report.drawing import COLOURS
from scai_irl.results.findings import mean_finding, number_with_interval

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_PANEL = (3.1, 2.6)


@dataclass(frozen=True)
class Bands:
    """Layout of a figure; names refer to columns of the table.

    Attributes:
        x: Setting on the horizontal axis, a number, drawn at equal distances.
        y: Measure on the vertical axis.
        lines: Setting that has a line for each value.
        columns: Setting that has a column of panels for each value.
        rows: Setting that has a row of panels for each value.
        across: Label of the horizontal axis.
        up: Label of the vertical axis.
        goal: Number at which a dotted line is drawn; no line if None.
        alike: Whether all panels share the vertical axis.
    """

    x: str
    y: str
    lines: str
    columns: str
    rows: str
    across: str
    up: str
    goal: float | None = None
    alike: bool = True


def bands_figure(table: pd.DataFrame, shown: Bands) -> Figure:
    """Draw means over runs at each setting, with 95 % bootstrap bands."""
    rows, columns = (list(dict.fromkeys(table[name])) for name in (shown.rows, shown.columns))
    size = (_PANEL[0] * len(columns) + 1.6, _PANEL[1] * len(rows) + 0.2)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(rows), len(columns), sharex=True, sharey=shown.alike, squeeze=False)
    names = list(dict.fromkeys(table[shown.lines]))
    for (row, column), axes in np.ndenumerate(panels):
        of_panel = table[(table[shown.rows] == rows[row]) & (table[shown.columns] == columns[column])]
        _panel(axes, of_panel, shown, names, sorted(table[shown.x].unique()))
        if row == 0:
            axes.set_title(str(columns[column]), fontsize=9)
        if row == len(rows) - 1:
            axes.set_xlabel(shown.across, fontsize=9)
        if column == 0:
            axes.set_ylabel(shown.up + (f"\n({rows[row]})" if len(rows) > 1 else ""), fontsize=9)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    title = "means, 95 %\nintervals"
    figure.legend(handles, labels, title=title, fontsize=8, title_fontsize=8, loc="outside right upper")
    return figure


def with_interval(values: pd.Series[float]) -> str:
    """Format a mean over runs with its 95 % interval as a table cell.

    Example:
        >>> with_interval(pd.Series([0.5, 0.5]))
        '0.500 [0.500, 0.500]'
    """
    mean = mean_finding(values.to_numpy(float), question="?", case="", answer="{value}")
    return number_with_interval(mean.value, mean.low, mean.high)


def _panel(axes: Axes, table: pd.DataFrame, shown: Bands, names: Sequence[object], places: Sequence[float]) -> None:
    for number, name in enumerate(names):
        lines = table[table[shown.lines] == name].groupby(shown.x)[shown.y]
        if not len(lines):
            continue
        at = [places.index(place) for place in lines.groups]
        ends = [bootstrap_interval(values.to_numpy(float)) for _, values in lines]
        colour, marker = COLOURS[number % len(COLOURS)], _MARKERS[number % len(_MARKERS)]
        axes.plot(at, lines.mean(), marker=marker, ms=4, lw=1.4, color=colour, label=str(name))
        axes.fill_between(at, [low for low, _ in ends], [high for _, high in ends], color=colour, alpha=0.2, lw=0)
    if shown.goal is not None:
        axes.axhline(shown.goal, color="0.4", ls=":", lw=1)
    axes.set_xticks(range(len(places)), [f"{place:g}" for place in places])
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
