"""A figure of fits to people: what they did, and what each fit says, at each offered share."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS


@captioned
def human_figure(table: pd.DataFrame) -> Figure:
    """What people did (black, 90 % intervals) and what each fitted family predicts (lines with bands).

    Args:
        table: What `experiments.people.fit_tables.fit_table` gives.
    """
    quantities = list(dict.fromkeys(table["quantity"]))
    figure = Figure(figsize=(4.6 * len(quantities), 3.4), layout="constrained")
    panels = figure.subplots(1, len(quantities), squeeze=False)[0]
    for axes, quantity in zip(panels, quantities, strict=True):
        of_quantity = table[table["quantity"] == quantity]
        models = list(of_quantity.groupby(["family", "pooling"], sort=False))
        for number, ((family, pooling), lines) in enumerate(models):
            colour = COLOURS[number % len(COLOURS)]
            style = "-" if pooling == "pooled" else "--"
            axes.plot(lines["share"], lines["fitted"], style, color=colour, lw=1.2, label=f"{family} {pooling}")
            axes.fill_between(lines["share"], lines["fitted_low"], lines["fitted_high"], color=colour, alpha=0.2, lw=0)
        observed = models[0][1]
        bars = [observed["observed"] - observed["observed_low"], observed["observed_high"] - observed["observed"]]
        axes.errorbar(
            observed["share"], observed["observed"], [bar.clip(lower=0) for bar in bars], fmt="o", ms=3, color="black"
        )
        axes.set_xlabel("offered share" if quantity == "rejection rate" else "share of the stake")
        axes.set_ylabel(quantity)
        axes.set_ylim(-0.03, 1.03)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, title="people: dots", fontsize=8, title_fontsize=8, loc="outside right upper")
    return figure
