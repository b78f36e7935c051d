"""The figure of an audit of recorded runs: verbal posteriors compared with numerical ones.

Vermilion shows the behaviour of the language model's assistants, blue the exact posterior, black the truth.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scai_irl.audit.recorded.recorded_audit import RecordedAudit
from scai_irl.audit.recorded.recorded_tables import KINDS
from scai_irl.io.intervals import bootstrap_interval
from scai_irl.measure.alignment import design_columns
from scai_irl.report.captions import captioned

_NUMERICAL, _VERBAL, _TRUTH = "#0072B2", "#D55E00", "#000000"  # Okabe & Ito's colours
_PANEL = (3.3, 2.7)
_SPREAD = (
    0.36  # width, in epochs, over which the points of an epoch are spread, so that points at a pole can be counted
)
_POLE = 0.5  # a verbal posterior leans to the norm that has more than this
_TITLES = ("users share a norm, neutral", "users share a norm, rude or sycophantic", "users of several norms")
_DISTANCES = (("tv", "total variation over norms"), ("w1", "Wasserstein-1 on offered share"))


@captioned
def recorded_figure(audit: RecordedAudit, memory: str = "all") -> Figure:
    """Lines show weights in mixed groups by epoch, then distances by kind. Vermilion: verbal posterior. Blue: exact.

    First row: one panel for each mixed group, with the weight of one of its norms by epoch. It shows the mean of the
    numerical posterior with its mean interval, the users' true composition, the mean verbal posterior over runs, and
    the verbal posterior of every run as a point. A point is hollow if the run's assistants followed a norm that no user
    of the group holds. Lines join the epochs of a run.

    Further rows: one panel for each kind of condition. It shows the distance between the verbal and the numerical
    posterior of a run, and the distance that posterior sampling would have. Means over runs have 95 % bootstrap bands.
    Thin lines are conditions.

    Args:
        audit: Result of `scai_irl.audit.recorded.recorded_audit.audit_recorded`.
        memory: Memory of the numerical posterior.
    """
    by_run = audit.by_run[audit.by_run["memory"] == memory]
    beliefs = audit.beliefs[audit.beliefs["memory"] == memory]
    design = design_columns(beliefs)
    keys = [*design, "run", "epoch"]
    beliefs = beliefs.join(by_run.set_index(keys)[[name for name in ("kind", "users") if name not in design]], on=keys)
    mixed = [group for _, group in beliefs[beliefs["kind"] == KINDS[2]].groupby(design, sort=False)]
    kinds = [kind for kind in KINDS if (by_run["kind"] == kind).any()]
    columns = max(len(mixed), len(kinds))
    rows = len(_DISTANCES) + bool(mixed)
    figure = Figure(figsize=(_PANEL[0] * columns, _PANEL[1] * rows + 0.5), layout="constrained")
    for column, group in enumerate(mixed):
        _weights(figure.add_subplot(rows, columns, column + 1), group, first=column == 0)
    for row, (distance, name) in enumerate(_DISTANCES, start=bool(mixed)):
        for column, kind in enumerate(kinds):
            axes = figure.add_subplot(rows, columns, row * columns + column + 1)
            _distance(axes, by_run[by_run["kind"] == kind], distance, design)
            axes.set_title(_TITLES[KINDS.index(kind)], fontsize=9)
            if column == 0:
                axes.legend(fontsize=7.5, frameon=False, loc="upper right")
                axes.set_ylabel(f"{name}\nfrom the numerical posterior", fontsize=8)
    _legend(figure)
    return figure


def _weights(axes: Axes, group: pd.DataFrame, *, first: bool) -> None:
    norms = list(dict.fromkeys(group["norm"]))
    held_norms = [norm for norm in norms if (group.loc[group["norm"] == norm, "truth"] > 0).any()]
    shown = held_norms[-1]
    lines = group[group["norm"] == shown]
    by_epoch = lines.groupby("epoch")[["weight", "low", "high", "verbal", "truth"]].mean()
    axes.axhline(lines["truth"].mean(), color=_TRUTH, ls="--", lw=1.2, zorder=1)
    axes.fill_between(by_epoch.index, by_epoch["low"], by_epoch["high"], color=_NUMERICAL, alpha=0.18, lw=0)
    axes.plot(by_epoch.index, by_epoch["weight"], color=_NUMERICAL, lw=2.2, marker="o", ms=4, zorder=4)
    table = group.pivot(index=["run", "epoch"], columns="norm", values="verbal").reset_index()
    outside = [norm for norm in norms if norm not in held_norms]
    foreign = (table[outside] > _POLE).any(axis=1) if outside else pd.Series(data=False, index=table.index)
    runs = table["run"].rank(method="dense") - 1
    x = table["epoch"] + _SPREAD * (runs / max(runs.max(), 1) - 0.5)
    for hollow, chosen in ((False, table[~foreign]), (True, table[foreign])):
        axes.scatter(
            x[chosen.index],
            chosen[shown],
            s=15,
            facecolors="none" if hollow else _VERBAL,
            edgecolors=_VERBAL,
            linewidths=0.8,
            alpha=1 if hollow else 0.55,
            zorder=3,
        )
    for _, run in table.assign(where=x).groupby("run"):
        axes.plot(run["where"], run[shown], color=_VERBAL, lw=0.5, alpha=0.22, zorder=2)
    axes.plot(by_epoch.index, by_epoch["verbal"], color=_VERBAL, lw=1.4, ls=":", marker="D", ms=3.5, zorder=4)
    axes.set_ylim(-0.07, 1.07)
    _epochs(axes, by_epoch.index)
    axes.set_title(f"users: {group['users'].iloc[0]}", fontsize=9)
    if first:
        axes.set_ylabel(f"weight of the {shown} norm", fontsize=8)


def _distance(axes: Axes, by_run: pd.DataFrame, distance: str, design: list[str]) -> None:
    for _, condition in by_run.groupby(design, sort=False):
        mean = condition.groupby("epoch")[distance].mean()
        axes.plot(mean.index, mean, color=_VERBAL, lw=0.6, alpha=0.45, zorder=1)
    for name, colour, marker, label in (
        (distance, _VERBAL, "D", "verbal posterior of one run"),
        (f"{distance}_reference", _NUMERICAL, "o", "one sample from the numerical one"),
    ):
        values = by_run.groupby("epoch")[name]
        mean = values.mean()
        low, high = np.array([bootstrap_interval(runs.to_numpy(float)) for _, runs in values]).T
        axes.fill_between(mean.index, low, high, color=colour, alpha=0.22, lw=0)
        axes.plot(mean.index, mean, color=colour, lw=2, marker=marker, ms=4, zorder=3, label=label)
    axes.set_ylim(-0.02, 0.75)
    _epochs(axes, mean.index)


def _epochs(axes: Axes, epochs: pd.Index[int]) -> None:
    axes.set_xticks(epochs)
    axes.set_xlabel("epoch", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(figure: Figure) -> None:
    """Draw one legend from proxies, since some panels lack some of the elements."""
    axes = figure.axes[0]
    proxies = [
        axes.plot([], [], color=_NUMERICAL, lw=2.2, marker="o", ms=4)[0],
        axes.plot([], [], color=_VERBAL, lw=1.4, ls=":", marker="D", ms=3.5)[0],
        axes.plot([], [], color=_VERBAL, ls="", marker="o", ms=4, alpha=0.55)[0],
        axes.plot([], [], color=_VERBAL, ls="", marker="o", ms=4, mfc="none")[0],
        axes.plot([], [], color=_TRUTH, ls="--", lw=1.2)[0],
    ]
    names = [
        "numerical posterior, mean and interval",
        "verbal posterior, mean over runs",
        "verbal posterior of one run",
        "… on a norm that no user has",
        "users' true composition",
    ]
    figure.legend(proxies, names, ncol=3, fontsize=8, frameon=False, loc="outside upper center")
