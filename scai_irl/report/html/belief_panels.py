"""Small multiples of the posterior by epoch: a panel for each condition, a line for each norm and run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from scai_irl.measure.alignment import design_columns
from scai_irl.results.results import Results

MOST_NORMS = 6
"""Number of norms with a colour; if there are more, those with the largest weights are drawn."""
AT_A_GLANCE = 12
"""Number of panels that are shown before unfolding."""

_MOST_RUNS = 40
_LEFT, _RIGHT, _TOP, _BOTTOM = 26.0, 212.0, 8.0, 112.0
_OF_LOOP = "Each point is the posterior after an epoch; epoch 0 is the prior."
_OF_AUDIT = "Each numerical point is the posterior before an epoch; each verbal point describes the acts in it."
_NEEDED = {"condition", "run", "epoch", "norm", "weight"}


@dataclass(frozen=True)
class NormLine:
    """A norm's lines in a panel, as SVG paths; y decreases with the weight.

    Attributes:
        norm: Its name.
        colour: Number of its colour and mark.
        runs: A thin line for each run.
        mean: The mean over runs.
        marks: Points of the mean.
        truth: Coordinate of the true weight; None if unknown.
        verbal: Mean of the verbal posterior; empty if there is none.
    """

    norm: str
    colour: int
    runs: str
    mean: str
    marks: tuple[tuple[float, float], ...]
    truth: float | None
    verbal: str


@dataclass(frozen=True)
class Panel:
    """Panel of a condition: its name, its lines, the epochs on its axis, and a description in words."""

    condition: str
    lines: tuple[NormLine, ...]
    ticks: tuple[tuple[float, str], ...]
    description: str


@dataclass(frozen=True)
class Panels:
    """All panels, norms in the order of their colours, and a note."""

    panels: tuple[Panel, ...]
    norms: tuple[str, ...]
    verbal: bool
    note: str


def beliefs_of(results: Results) -> pd.DataFrame:
    """Weights of norms by run and epoch, from the epoch loop or an audit of recorded runs; empty if there are none.

    In the loop's table, beliefs are those *after* the epoch (0: the prior). In an audit's table, beliefs are those *in*
    the epoch, from earlier evidence. Both are returned with the column ``acted``: the epoch in which assistants act on
    the belief.
    """
    for name, later in (("beliefs", 1), ("audit_beliefs", 0)):
        table = results.tables.get(name)
        if table is None or not set(table) >= _NEEDED or table["weight"].dtype.kind != "f":
            continue
        if "memory" in table:
            table = table[table["memory"] == "all"]
        by = [*condition_columns(table), "run", "epoch", "norm"]
        if table["epoch"].dtype.kind in "iu" and not table.duplicated(by).any():
            return table.assign(acted=table["epoch"] + later)
    return pd.DataFrame(columns=[*_NEEDED, "acted"])


def condition_columns(table: pd.DataFrame) -> list[str]:
    """Columns that identify a condition; recorded conditions share names between experiments and groups."""
    return [name for name in design_columns(table) if name in {"experiment", "condition", "group"}]


def conditions(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Iterate over the conditions of a table, each with a unique name."""
    by = condition_columns(table)
    ambiguous = bool(table[by].drop_duplicates()["condition"].duplicated().any())
    for _, lines in table.groupby(by, sort=False, dropna=False):
        first = {name: str(lines[name].iloc[0]) for name in by}
        condition = first.pop("condition")
        more = [word for word in first.values() if word not in condition] if ambiguous else []
        yield ", ".join([condition, *more]), lines


def norms_of(table: pd.DataFrame) -> tuple[str, ...]:
    """Norms in the order of the table; if there are many, those with the largest weights."""
    names = list(dict.fromkeys(table["norm"].astype(str)))
    heaviest = table.groupby(table["norm"].astype(str))["weight"].max().nlargest(MOST_NORMS, keep="first")
    return tuple(name for name in names if name in heaviest.index)


def panels_of(beliefs: pd.DataFrame) -> Panels | None:
    """Draw a panel for each condition; None if there are no beliefs.

    Args:
        beliefs: Table that `beliefs_of` returns.
    """
    if beliefs.empty:
        return None
    norms = norms_of(beliefs)
    panels = tuple(_panel(name, lines, norms) for name, lines in conditions(beliefs))
    runs = int(beliefs["run"].nunique())
    verbal = "verbal" in beliefs
    notes = [_OF_AUDIT if verbal else _OF_LOOP]
    if runs > _MOST_RUNS:
        notes.append(f"Thin lines show the first {_MOST_RUNS} of {runs:,} runs.")
    if beliefs["norm"].nunique() > len(norms):
        notes.append(f"The panels show the {len(norms)} norms of largest weight, of {beliefs['norm'].nunique()}.")
    return Panels(panels, norms, verbal, " ".join(notes))


def weight_as_text(weight: float) -> str:
    """Format a weight; a dash for NaN.

    Example:
        >>> weight_as_text(0.00002), weight_as_text(float("nan"))
        ('0.000', '–')
    """
    return "–" if np.isnan(weight) else f"{weight:.3f}"


def _panel(name: str, lines: pd.DataFrame, norms: Sequence[str]) -> Panel:
    epochs = np.unique(lines["epoch"].to_numpy(int))
    x = _LEFT + (_RIGHT - _LEFT) * (epochs - epochs[0]) / max(int(epochs[-1] - epochs[0]), 1)
    curves, weights_of_norms = [], []
    for colour, norm in enumerate(norms):
        of_norm = lines[lines["norm"] == norm]
        if of_norm.empty:
            continue
        weights = _by_run(of_norm, "weight", epochs)
        mean = _mean(weights)
        verbal = _path(x, _mean(_by_run(of_norm, "verbal", epochs))) if "verbal" in of_norm else ""
        runs = "".join(_path(x, run) for run in weights[:_MOST_RUNS])
        truth = float(of_norm["truth"].mean()) if "truth" in of_norm else float("nan")
        marks = tuple((float(a), float(b)) for a, b in zip(x.round(1), _y(mean), strict=True) if not np.isnan(b))
        at = None if np.isnan(truth) else float(_y(np.array([truth]))[0])
        curves.append(NormLine(norm, colour, runs, _path(x, mean), marks, at, verbal))
        weights_of_norms.append(f"{norm} {', '.join(weight_as_text(weight) for weight in mean)}")
    steps = {0, len(epochs) - 1} if len(epochs) > 12 else set(range(len(epochs)))
    ticks = tuple((round(float(x[place]), 1), str(epochs[place])) for place in sorted(steps))
    description = f"Mean weights in epochs {epochs[0]} to {epochs[-1]}: {'; '.join(weights_of_norms)}."
    return Panel(name, tuple(curves), ticks, description)


def _by_run(lines: pd.DataFrame, column: str, epochs: np.ndarray) -> Float[np.ndarray, "run epoch"]:
    by_run = lines.pivot(index="run", columns="epoch", values=column).reindex(columns=epochs)
    return np.asarray(by_run, float)


def _mean(weights: Float[np.ndarray, "run epoch"]) -> Float[np.ndarray, "epoch"]:
    runs = (~np.isnan(weights)).sum(axis=0)
    return np.where(runs > 0, np.nansum(weights, axis=0) / np.maximum(runs, 1), np.nan)


def _y(weights: Float[np.ndarray, "epoch"]) -> Float[np.ndarray, "epoch"]:
    return np.asarray((_BOTTOM - (_BOTTOM - _TOP) * np.clip(weights, 0, 1)).round(1))


def _path(x: Float[np.ndarray, "epoch"], weights: Float[np.ndarray, "epoch"]) -> str:
    """Join points to a path, with gaps at unknown weights."""
    steps, lifted = [], True
    for across, down in zip(x, _y(weights), strict=True):
        if np.isnan(down):
            lifted = True
            continue
        steps.append(f"{'M' if lifted else 'L'}{across:.1f} {down:g}")
        lifted = False
    return "".join(steps)
