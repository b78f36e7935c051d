"""Figures of a calibration: histograms of ranks, and their deviations from the uniform distribution."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.checks.envelope import LEVELS, envelope
from scai_irl.report.captions import captioned

_BINS = 20
_PANEL = (2.6, 2.1)
_COLUMNS = 4
_MOST_PANELS = 16
_BINOMIAL = 2.58  # standard deviations that contain 99 % of a normal distribution


@captioned
def calibration_figure(ranks: dict[str, np.ndarray]) -> Figure:
    """Bars show ranks of truths among draws, curves their deviation from uniform. Grey: a calibrated method.

    A calibrated method keeps each bar within grey with probability 99 %, and all curves together with probability 95 %.
    Only the first sixteen numbers are drawn.

    Args:
        ranks: Ranks in (0, 1) by number.
    """
    names = list(ranks)[:_MOST_PANELS]
    pairs_in_row = _COLUMNS // 2
    rows = -(-len(names) // pairs_in_row)
    figure = Figure(figsize=(_PANEL[0] * _COLUMNS, _PANEL[1] * rows), layout="constrained")
    for place, name in enumerate(names):
        row, pair = divmod(place, pairs_in_row)
        first = row * _COLUMNS + 2 * pair + 1
        _histogram(figure.add_subplot(rows, _COLUMNS, first), ranks[name], name)
        _difference(figure.add_subplot(rows, _COLUMNS, first + 1), ranks[name], len(ranks))
    return figure


def _histogram(axes: Axes, rank: np.ndarray, name: str) -> None:
    expected = len(rank) / _BINS
    half = _BINOMIAL * np.sqrt(expected * (1 - 1 / _BINS))
    axes.axhspan(expected - half, expected + half, color="0.88", lw=0)
    axes.hist(rank, bins=np.linspace(0, 1, _BINS + 1).tolist(), color="#0072B2")
    axes.set_title(name, fontsize=8)
    axes.set_xlabel("rank of the truth", fontsize=7)
    _plain(axes)


def _difference(axes: Axes, rank: np.ndarray, numbers: int) -> None:
    allowed = envelope(len(rank), numbers)
    cumulative = np.searchsorted(np.sort(rank), LEVELS, side="right") / len(rank)
    axes.fill_between(LEVELS, -allowed, allowed, color="0.88", lw=0)
    axes.plot(LEVELS, cumulative - LEVELS, color="#D55E00", lw=1.2)
    axes.set_title("distribution − uniform", fontsize=8)
    axes.set_xlabel("level", fontsize=7)
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
