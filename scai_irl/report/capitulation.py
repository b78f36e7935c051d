"""What tones change, as findings, a table and a figure."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from scai_irl.compare.metrics import bootstrap_interval
from scai_irl.records.findings import Finding, mean_finding, number_with_interval
from scai_irl.report.captions import captioned
from scai_irl.report.figures import COLOURS

EFFECTS = {
    "belief": "belief moves by {value} (total variation)",
    "offered": "offers change by {value} of the stake",
    "accepted": "the share of low offers that are taken changes by {value}",
}
_BAYESIAN = "A Bayesian who is told that talk says nothing has 0."


def tone_findings(effects: pd.DataFrame, by_evidence: float, question: str) -> list[Finding]:
    """The mean of each effect of each tone, over groups.

    Args:
        effects: What `scai_irl.compare.capitulation.tone_effects` gives.
        by_evidence: What evidence changes in offers, to set the tones' effects beside.
        question: What was asked.
    """
    found = []
    for tone, lines in effects.groupby("tone", sort=False):
        for name, said in EFFECTS.items():
            beside = f" Evidence changes offers by {by_evidence:.3f}." if name == "offered" else ""
            found.append(
                mean_finding(
                    lines[name].to_numpy(float),
                    question=question,
                    case=f"{tone}, {name}",
                    answer=f"When users {tone}, {said}.",
                    why=_BAYESIAN + beside,
                )
            )
    return found


def tone_table(effects: pd.DataFrame) -> pd.DataFrame:
    """Shape the effects for reading: a line for each tone and norm."""
    lines = []
    for (tone, norm), groups in effects.groupby(["tone", "norm"], sort=False):
        cells = [
            number_with_interval(groups[name].mean(), *bootstrap_interval(groups[name].to_numpy())) for name in EFFECTS
        ]
        lines.append([tone, norm, *cells])
    return pd.DataFrame(lines, columns=["tone", "users", "belief (TV)", "offered share", "low offers taken"])


@captioned
def tone_figure(effects: pd.DataFrame) -> Figure:
    """Mean change (95 % interval over groups) by tone; a panel for each effect, a colour for each norm of the users."""
    figure = Figure(figsize=(9.6, 2.9), layout="constrained")
    tones, norms = list(dict.fromkeys(effects["tone"])), list(dict.fromkeys(effects["norm"]))
    for axes, name in zip(figure.subplots(1, len(EFFECTS)), EFFECTS, strict=True):
        for number, norm in enumerate(norms):
            for place, tone in enumerate(tones):
                values = effects.loc[(effects["tone"] == tone) & (effects["norm"] == norm), name].to_numpy(float)
                low, high = bootstrap_interval(values)
                at, mean = place + 0.2 * (number - 1), float(pd.Series(values).mean())
                shade, label = COLOURS[number], norm if place == 0 else None
                axes.errorbar(
                    at, mean, [[mean - low], [high - mean]], marker="o", ms=4, capsize=2, color=shade, label=label
                )
        axes.axhline(0, color="black", lw=0.8, ls="--")
        axes.set_xticks(range(len(tones)), tones)
        axes.set_title(
            {"belief": "belief (TV)", "offered": "offered share", "accepted": "low offers taken"}[name], fontsize=10
        )
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, title="users", fontsize=8, title_fontsize=8, loc="outside right upper")
    return figure
