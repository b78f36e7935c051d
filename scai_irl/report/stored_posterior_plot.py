"""Plots of posteriors from a results folder, which are ArviZ objects without policies."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from inference import arviz_compat
from scai_irl.report.drawing import COLOURS
from scai_irl.report.forest import ForestRow, draw_forest

MOST_ROWS = 30
_TAILS = (0.05, 0.95)
_POSTERIOR, _CONSTANT = "posterior", "constant_data"
_HYPOTHESIS = "hypothesis"


def plot_stored(exported: Any, run: int) -> Figure:
    """Plot the posteriors of one run after its last epoch, with a row for each condition.

    Named norms are drawn as bars of their weights, other hypotheses by their parameters with 90 % intervals.

    Args:
        exported: ArviZ object.
        run: Index of the run.
    """
    constant = getattr(exported, _CONSTANT, xr.Dataset())
    if len(_norms(constant)) > 1:
        return _weights_figure(constant, run)
    rows = _rows(_last(arviz_compat.group(exported, _POSTERIOR), run), _fixed(constant))
    figure = Figure(figsize=(6.5, height(len(rows))), layout="constrained")
    draw_forest(figure.add_subplot(), rows)
    figure.axes[0].set_xlabel("posterior mean, 90 % interval")
    return figure


def height(rows: int) -> float:
    """Height in inches of a figure with a number of rows."""
    return max(2.8, 0.22 * rows + 0.8)


def estimate_row(label: str, mean: float, low: float, high: float) -> ForestRow:
    """Row with its numbers in the label, because parameters of different size share an axis."""
    return ForestRow(f"{label}  {mean:.3g} [{low:.3g}, {high:.3g}]", mean, low, high)


def _last(dataset: xr.Dataset, run: int) -> xr.Dataset:
    """Select one run, and the last epoch."""
    places = {"epoch": -1, "run": run}
    return dataset.isel({name: place for name, place in places.items() if name in dataset.dims})


def _norms(constant: Any) -> list[str]:
    """Names of the norms among the hypotheses."""
    if "hypothesis_norm" not in constant.coords:
        return []
    return list(dict.fromkeys(constant["hypothesis_norm"].to_numpy().tolist()))


def _fixed(constant: Any) -> set[str]:
    """Parameters that all hypotheses share, and the number of the hypothesis."""
    values = {name.removeprefix("hypothesis_"): constant[name].to_numpy() for name in map(str, constant.data_vars)}
    fixed = {name for name, value in values.items() if value.ndim == 1 and np.ptp(value) == 0}
    return {_HYPOTHESIS} | fixed if "probability" in values else set()


def _rows(draws: xr.Dataset, fixed: set[str]) -> list[ForestRow]:
    """Make rows for the first coordinates of every parameter that is not fixed."""
    rows: list[ForestRow] = []
    for name, values in draws.drop_vars(fixed & set(map(str, draws.data_vars))).data_vars.items():
        means = values.mean(("chain", "draw"))
        ends = values.quantile(_TAILS, ("chain", "draw")).transpose(..., "quantile").to_numpy()
        for index in list(np.ndindex(means.shape))[: MOST_ROWS - len(rows)]:
            place = _label(means, index)
            low, high = ends[index]
            rows.append(
                estimate_row(f"{name}[{place}]" if place else str(name), float(means.to_numpy()[index]), low, high)
            )
    return rows


def _label(values: xr.DataArray, index: tuple[int, ...]) -> str:
    return ", ".join(str(values[dim].to_numpy()[at]) for dim, at in zip(values.dims, index, strict=True))


def _weights_figure(constant: Any, run: int) -> Figure:
    chosen = _last(constant, run)
    probability = chosen["probability"].transpose(..., _HYPOTHESIS)
    norm = chosen["hypothesis_norm"].to_numpy()
    places = list(np.ndindex(probability.shape[:-1]))[:MOST_ROWS]
    labels = [_label(probability[..., 0], place) or f"run {run}" for place in places]
    weights = np.stack([probability.to_numpy()[place] for place in places])
    figure = Figure(figsize=(6.5, height(len(places))), layout="constrained")
    axes = figure.add_subplot()
    left = np.zeros(len(places))
    for number, name in enumerate(_norms(constant)):
        width = weights[:, norm == name].sum(axis=1)
        axes.barh(-np.arange(len(places)), width, left=left, color=COLOURS[number % len(COLOURS)], label=name)
        left += width
    axes.set_yticks(-np.arange(len(places)), labels, fontsize=8)
    axes.set_xlim(0, 1)
    axes.set_xlabel("weight given the evidence")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=4, fontsize=8)
    return figure
