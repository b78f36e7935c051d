"""Figures by epoch, as in SCAI (2023): users and assistants, with bands of one standard error over runs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scai_irl.io.files import written_whole
from scai_irl.report.captions import captioned
from scai_irl.results.results import FIGURES

COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours by Okabe & Ito, which colour-blind readers can distinguish."""

_PANEL = (3.4, 2.9)
_FORMATS = {
    "png": ("Description", ["Software"]),
    "pdf": ("Subject", ["CreationDate", "Producer"]),
    "svg": ("Description", ["Date", "Creator"]),
}
"""Name of the caption field in each format, and fields with the date or the machine, which are left out."""

_left_out = ContextVar("left_out", default=False)


@captioned
def offered_share_figure(summary: pd.DataFrame, agent: str) -> Figure:
    """Each line shows the mean offered share by epoch (± 1 SEM). Solid: assistants. Dashed: users."""
    chosen = summary[summary["agent"] == agent]
    groups = list(dict.fromkeys(chosen["group"]))
    figure = _empty(len(groups))
    for axes, group in zip(figure.axes, groups, strict=True):
        of_group = chosen[chosen["group"] == group]
        for number, (users, lines) in enumerate(of_group.groupby("users", sort=False)):
            colour = COLOURS[number % len(COLOURS)]
            _line(axes, lines, "users", colour, "--", None)
            _line(axes, lines, "assistant", colour, "-", str(users))
        axes.set_ylim(-0.03, 1.03)
        axes.set_title(f"{group}, {agent}", fontsize=10)
    figure.axes[0].set_ylabel("offered share (± 1 SEM)")
    _legend(figure, "users dashed,\nassistants solid")
    return figure


@captioned
def gap_figure(summary: pd.DataFrame) -> Figure:
    """Each line shows an agent's alignment gap by epoch, averaged over populations. Each panel is a group.

    The gap is between policies (``expected_gap``) if these are known, because the gap between a few draws is mostly
    noise if users differ.
    """
    gap = "expected_gap" if "expected_gap" in summary else "gap"
    groups = list(dict.fromkeys(summary["group"]))
    figure = _empty(len(groups))
    for axes, group in zip(figure.axes, groups, strict=True):
        of_group = summary[summary["group"] == group]
        for number, (agent, lines) in enumerate(of_group.groupby("agent", sort=False)):
            mean = lines.groupby("epoch")[gap].mean()
            axes.plot(mean.index, mean, marker="o", ms=3, color=COLOURS[number % len(COLOURS)], label=str(agent))
        axes.set_ylim(bottom=0)
        axes.set_title(group, fontsize=10)
    figure.axes[0].set_ylabel("expected alignment gap" if gap == "expected_gap" else "alignment gap")
    _legend(figure, "agent")
    return figure


@captioned
def belief_figure(beliefs: pd.DataFrame, agent: str) -> Figure:
    """Each line shows a norm's expected weight by epoch (± 1 SEM). Each panel is a condition. Dashed: true weight."""
    chosen = beliefs[beliefs["agent"] == agent]
    conditions = list(dict.fromkeys(chosen["condition"]))
    figure = _empty(len(conditions))
    for axes, condition in zip(figure.axes, conditions, strict=True):
        of_condition = chosen[chosen["condition"] == condition]
        for number, (norm, lines) in enumerate(of_condition.groupby("norm", sort=False)):
            colour = COLOURS[number % len(COLOURS)]
            by_epoch = lines.groupby("epoch")["weight"].agg(["mean", "sem"])
            axes.plot(by_epoch.index, by_epoch["mean"], marker="o", ms=3, color=colour, label=str(norm))
            _band(axes, by_epoch["mean"], by_epoch["sem"], colour)
            axes.axhline(lines["truth"].iloc[0], color=colour, ls="--", lw=1)
        axes.set_ylim(-0.03, 1.03)
        axes.set_title(condition.removesuffix(f" {agent}"), fontsize=8)
    figure.axes[0].set_ylabel("weight of the norm")
    _legend(figure, "truth dashed")
    return figure


def epoch_figures(summary: pd.DataFrame, beliefs: pd.DataFrame) -> dict[str, Figure]:
    """Draw gaps, offered shares and beliefs by epoch; draw nothing inside `without_figures`.

    Args:
        summary: Table that `scai_irl.measure.alignment.alignment_summary` returns.
        beliefs: Table that `scai_irl.loop.belief_tables.beliefs_table` returns.
    """
    if _left_out.get():
        return {}
    agents = list(dict.fromkeys(summary["agent"]))
    shares = {f"offered_share_{agent}": offered_share_figure(summary, agent) for agent in agents}
    return {"alignment_gap": gap_figure(summary), **shares, f"beliefs_{agents[0]}": belief_figure(beliefs, agents[0])}


@contextmanager
def without_figures() -> Iterator[None]:
    """Draw no figures inside this context, to save time."""
    before = _left_out.set(True)
    try:
        yield
    finally:
        _left_out.reset(before)


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as PNG, PDF and SVG, with text as text; the same figure gives the same bytes.

    Its label, set by `scai_irl.report.captions.captioned`, becomes the description in each file. Inside
    `without_figures` nothing is written.
    """
    if _left_out.get():
        return
    for suffix, (caption, left_out) in _FORMATS.items():
        metadata = dict.fromkeys(left_out) | ({caption: figure.get_label()} if figure.get_label() else {})
        image = io.BytesIO()  # Matplotlib reports a full disk by other errors
        with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
            figure.savefig(image, format=suffix, dpi=200, bbox_inches="tight", metadata=metadata)
        with written_whole(folder / FIGURES / f"{name}.{suffix}") as partial:
            partial.write_bytes(image.getvalue())


def _empty(panels: int) -> Figure:
    columns = min(panels, 3)
    rows = -(-panels // columns)
    figure = Figure(figsize=(_PANEL[0] * columns, _PANEL[1] * rows), layout="constrained")
    for number in range(panels):
        axes = figure.add_subplot(rows, columns, number + 1)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _legend(figure: Figure, title: str) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, title=title, fontsize=8, title_fontsize=8, loc="outside right upper")


def _line(axes: Axes, lines: pd.DataFrame, who: str, colour: str, style: str, label: str | None) -> None:
    by_epoch = lines.set_index("epoch")
    mean, sem = by_epoch[f"{who}_share"], by_epoch[f"{who}_sem"]
    axes.plot(mean.index, mean, ls=style, marker="o", ms=3, color=colour, label=label)
    _band(axes, mean, sem, colour)
    axes.set_xticks(mean.index)


def _band(axes: Axes, mean: pd.Series[float], sem: pd.Series[float], colour: str) -> None:
    axes.fill_between(mean.index, mean - sem, mean + sem, color=colour, alpha=0.2, lw=0)
