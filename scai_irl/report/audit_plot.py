"""Figure of a score card: a model's distances and weights, compared with a Bayesian's."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scai_irl.io.errors import InputError
from scai_irl.report.captions import captioned
from scai_irl.report.forest import BLUE, GREY, ForestRow, draw_forest
from scai_irl.results.results import Results

_PANELS = {"TV": "total variation distance", "weight": "weight"}
_NEEDED = ("measure", "channel", "value", "low", "high", "ideal", "ideal_low", "ideal_high")


@captioned
def plot_audit(audit: Results | pd.DataFrame) -> Figure:
    """Each mark shows a total variation distance or a weight, with its 95 % interval, of a model or of a Bayesian.

    Args:
        audit: Results of `scai_irl.audit`, or their table ``scorecard``.

    Returns:
        A figure; ``figure.savefig("audit.png")`` writes it.

    Raises:
        InputError: If there is no score card, or it has none of these measures.

    Example:
        >>> import pandas as pd
        >>> import scai_irl as si
        >>> numbers = {"value": [0.1], "low": [0.0], "high": [0.2], "ideal": [0.0], "ideal_low": [0.0]}
        >>> card = {"measure": ["TV to the exact posterior"], "channel": ["token"], **numbers, "ideal_high": [0.0]}
        >>> len(si.plot_audit(pd.DataFrame(card)).axes)
        1
    """
    card = audit if isinstance(audit, pd.DataFrame) else audit.tables.get("scorecard")
    if card is None or not set(_NEEDED) <= set(card):
        raise InputError("audit", "there is no score card", "give results of an audit of a model")
    known = card[card["value"].notna()]
    panels = {name: known[known["measure"].str.contains(name, regex=False)] for name in _PANELS}
    filled = {name: rows for name, rows in panels.items() if len(rows)}
    if not filled:
        raise InputError("audit", "the score card has no distance and no weight", "audit the model with a channel")
    heights = [len(rows) + 2 for rows in filled.values()]
    figure = Figure(figsize=(7.5, 0.24 * sum(heights) + 0.4), layout="constrained")
    axes = figure.subplots(len(filled), 1, height_ratios=heights, squeeze=False)[:, 0]
    for panel, (name, rows) in zip(axes, filled.items(), strict=True):
        _panel(panel, rows, _PANELS[name])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, loc="outside upper right", ncols=2)
    return figure


def _panel(axes: Axes, card: pd.DataFrame, across: str) -> None:
    labels = [f"{measure}, {channel}" for measure, channel in zip(card["measure"], card["channel"], strict=True)]
    model, bayesian = (
        [ForestRow(*row) for row in zip(labels, card[value], card[low], card[high], strict=True)]
        for value, low, high in (("value", "low", "high"), ("ideal", "ideal_low", "ideal_high"))
    )
    draw_forest(axes, bayesian, GREY, 0.2, "a Bayesian")
    draw_forest(axes, model, BLUE, -0.1, "the model")
    axes.set_xlabel(f"{across} (95 % intervals)", fontsize=8)
