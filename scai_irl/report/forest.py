"""Forest plots: estimates with intervals, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

BLUE, GREY = "#0072B2", "#999999"


@dataclass(frozen=True)
class ForestRow:
    """A row of a forest plot.

    Attributes:
        label: Name of the estimate.
        value: Estimate.
        low: Lower end of its interval; NaN without one.
        high: Upper end.
    """

    label: str
    value: float
    low: float = float("nan")
    high: float = float("nan")


def draw_forest(axes: Axes, rows: Sequence[ForestRow], colour: str = BLUE, offset: float = 0.0, name: str = "") -> None:
    """Draw estimates from top to bottom, with the labels of the rows on the vertical axis.

    Args:
        axes: Axes to draw in.
        rows: The rows.
        colour: Colour of marks and intervals.
        offset: Distance below the row's line, for a second series.
        name: Entry in the legend; none if empty.
    """
    heights = -np.arange(len(rows)) - offset
    for row, height in zip(rows, heights, strict=True):
        if np.isfinite([row.low, row.high]).all():
            axes.plot([row.low, row.high], [height, height], color=colour, lw=1.4)
    axes.plot([row.value for row in rows], heights, "o", ms=4, color=colour, label=name or None)
    axes.set_yticks(-np.arange(len(rows)), [row.label for row in rows], fontsize=8)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
