"""A figure of what assistants and users earn."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.group_norm.earnings import MEASURES, variant
from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS


@captioned
def earnings_figure(earned: pd.DataFrame) -> Figure:
    """Mean of each measure (± 1 SEM over runs) by variant of the assistant; a panel for each group of users."""
    groups = list(dict.fromkeys(earned["users"]))
    figure = Figure(figsize=(3.2 * len(groups) + 1.6, 3.4), layout="constrained")
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axes, users in zip(panels, groups, strict=True):
        variants = earned[earned["users"] == users].groupby(["agent", "strict"], sort=False)
        names = [variant(keys).removesuffix(" assistants") for keys, _ in variants]
        for number, (measure, said) in enumerate(MEASURES.items()):
            at = np.arange(len(names)) + 0.15 * (number - 1.5)
            spread = variants[measure]
            axes.errorbar(
                at, spread.mean(), spread.sem(), ls="", marker="o", ms=4, capsize=2, color=COLOURS[number], label=said
            )
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=8)
        axes.set_title(f"{users} users", fontsize=10)
        axes.set_ylim(-0.03, 1.03)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("share of the stake, or of offers")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, loc="outside right upper")
    return figure
