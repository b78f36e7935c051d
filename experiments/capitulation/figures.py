"""Effects of tones: findings, a table and a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.capitulation.model import BLAND, SILENT
from scai_irl.io.intervals import bootstrap_interval
from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS
from scai_irl.results.findings import Finding, mean_finding, number_with_interval

EFFECTS = {
    "belief": "the distance of belief from belief in silence grows by {value} (total variation)",
    "altruistic": "belief in the altruistic norm changes by {value}",
    "offered": "offers change by {value} of the stake",
    "accepted": "the share of low offers that are accepted changes by {value}",
}
_NAMES = {
    "belief": "belief (TV from silence)",
    "altruistic": "belief in altruistic",
    "offered": "offered share",
    "accepted": "low offers taken",
}
_INSTEAD = {BLAND: "talking about other things", SILENT: "saying nothing"}
_BAYESIAN = "For a Bayesian observer who ignores talk, this is 0."
_WHY = {
    BLAND: _BAYESIAN,
    SILENT: f"{_BAYESIAN} Any unknown sentence may have this effect. A distance from silence is never negative.",
}


def tone_findings(effects: pd.DataFrame, by_evidence: float, question: str) -> list[Finding]:
    """Mean effect of each tone over groups, compared with bland talk (the answer) and with silence.

    Args:
        effects: Table from `experiments.capitulation.model.tone_effects`.
        by_evidence: Effect of evidence on offers, for comparison.
        question: Question that the findings answer.
    """
    together = effects[effects["against"] == BLAND].groupby(["norm", "run"], sort=False)["belief"].mean()
    findings = [
        mean_finding(
            together.to_numpy(float),
            question=question,
            case=f"all tones, belief, against {BLAND}",
            answer=f"When users push, flatter or rebuke instead of {_INSTEAD[BLAND]}, {EFFECTS['belief']}, averaged "
            "over "
            "these tones.",
            why=_BAYESIAN,
        )
    ]
    for (against, tone), lines in effects.groupby(["against", "tone"], sort=False):
        who = "talk about other things" if tone == BLAND else tone
        for name, sentence in EFFECTS.items():
            evidence = f" Evidence changes offers by {by_evidence:.3f}." if name == "offered" else ""
            findings.append(
                mean_finding(
                    lines[name].to_numpy(float),
                    question=question,
                    case=f"{tone}, {name}, against {against}",
                    answer=f"When users {who} instead of {_INSTEAD[str(against)]}, {sentence}.",
                    why=_WHY[str(against)] + evidence,
                )
            )
    return findings


def tone_table(effects: pd.DataFrame) -> pd.DataFrame:
    """Format the effects: a line for each control, tone and norm."""
    lines = []
    for (against, tone, norm), groups in effects.groupby(["against", "tone", "norm"], sort=False):
        cells = [
            number_with_interval(groups[name].mean(), *bootstrap_interval(groups[name].to_numpy())) for name in EFFECTS
        ]
        lines.append([tone, against, norm, *cells])
    return pd.DataFrame(lines, columns=["tone", "against", "users", *_NAMES.values()])


@captioned
def tone_figure(effects: pd.DataFrame) -> Figure:
    """Dots show the mean effect of each tone (95 % interval over groups), by the users' norm. Each panel is one effect.

    The upper row compares tones with bland talk, which a model may also misread. The lower row compares them with
    silence.
    """
    figure = Figure(figsize=(11.2, 5.0), layout="constrained")
    panels = figure.subplots(2, len(EFFECTS), sharex="row", sharey="col")
    for row, (against, lines) in zip(panels, effects.groupby("against", sort=False), strict=True):
        for axes, name in zip(row, EFFECTS, strict=True):
            _panel(axes, lines, name)
        row[0].set_ylabel(f"change against {against}")
    for axes, name in zip(panels[0], EFFECTS, strict=True):
        axes.set_title(_NAMES[name], fontsize=10)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, title="users", fontsize=8, title_fontsize=8, loc="outside right upper")
    return figure


def _panel(axes: Axes, effects: pd.DataFrame, name: str) -> None:
    tones, norms = list(dict.fromkeys(effects["tone"])), list(dict.fromkeys(effects["norm"]))
    for number, norm in enumerate(norms):
        by_tone = [effects.loc[(effects["tone"] == tone) & (effects["norm"] == norm), name] for tone in tones]
        mean = np.array([values.mean() for values in by_tone])
        low, high = np.array([bootstrap_interval(values.to_numpy(float)) for values in by_tone]).T
        at = np.arange(len(tones)) + 0.2 * (number - 1)
        shade = COLOURS[number]
        axes.errorbar(at, mean, [mean - low, high - mean], fmt="o", ms=4, capsize=2, color=shade, label=norm)
    axes.axhline(0, color="black", lw=0.8, ls="--")
    axes.set_xticks(range(len(tones)), tones)
    axes.spines[["top", "right"]].set_visible(False)
