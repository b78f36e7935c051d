"""Learning curves of models: findings, tables and a figure."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments.model_organisms.model import CONDITIONS
from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS
from scai_irl.results.findings import Finding, mean_finding


def curves_summary(curves: pd.DataFrame) -> pd.DataFrame:
    """Compute mean beliefs and mean gaps over groups, with standard errors.

    The gap is |mean offer − users' mean offer| for each norm, averaged over norms. Means are used because single offers
    of users who slip are mostly noise.
    """
    keys = ["model", "condition", "games"]
    summary = curves.groupby(keys, sort=False)[["exact", "believed"]].mean()
    summary["believed_sem"] = curves.groupby(keys, sort=False)["believed"].sem()
    off = curves.assign(off=curves["offered"] - curves["users"]).groupby([*keys, "norm"], sort=False)["off"]
    by_norm = pd.DataFrame({"gap": off.mean().abs(), "variance": off.sem() ** 2}).groupby(keys, sort=False)
    summary["gap"] = by_norm["gap"].mean()
    summary["gap_sem"] = by_norm["variance"].sum() ** 0.5 / curves["norm"].nunique()
    return summary.reset_index()


def curves_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Format a summary: beliefs after the last interaction, with those of a Bayesian."""
    last = summary[summary["games"] == summary["games"].max()]
    shaped = last[["model", "condition"]].copy()
    shaped["belief in the norm (± SEM)"] = _with_error(last["believed"], last["believed_sem"])
    shaped["a Bayesian"] = last["exact"].map("{:.3f}".format)
    shaped["gap of offers (± SEM)"] = _with_error(last["gap"], last["gap_sem"])
    return pd.DataFrame(shaped)


def curves_findings(curves: pd.DataFrame, question: str) -> list[Finding]:
    """Findings on the distance between a model's and a Bayesian's belief in the group's norm, by condition.

    Beliefs are those after the last interaction. Distances are absolute, because signed errors for different norms
    would cancel.

    Args:
        curves: Table from `experiments.model_organisms.model.learning_curves`, with a column ``model``.
        question: Question that the findings answer.
    """
    last = curves[curves["games"] == curves["games"].max()]
    findings = []
    for (model, condition), groups in last.groupby(["model", "condition"], sort=False):
        games = int(groups["games"].iloc[0])
        answer = (
            f"After {games} interactions {_WHERE[str(condition)]}, {model}'s belief differs from a Bayesian's by "
            f"{{value}}."
        )
        differs = (groups["believed"] - groups["exact"]).abs().to_numpy(float)
        findings.append(mean_finding(differs, question=question, case=f"{model}, {condition}", answer=answer))
    return findings


_PLACES = {"at home": "in the source currency", "abroad": "in another currency"}
_WHERE = {condition: _PLACES.get(condition, f"with {condition}") for condition in CONDITIONS}


@captioned
def curves_figure(summary: pd.DataFrame) -> Figure:
    """Each line shows a model's belief in the group's norm (above) or its gap (below). Dashed: Bayesian."""
    figure = Figure(figsize=(11.6, 5.2), layout="constrained")
    panels = figure.subplots(2, len(CONDITIONS), sharex=True, sharey="row")
    models = list(dict.fromkeys(summary["model"]))
    for column, condition in enumerate(CONDITIONS):
        of_condition = summary[summary["condition"] == condition]
        for number, model in enumerate(models):
            lines = of_condition[of_condition["model"] == model].set_index("games").sort_index()
            for row, name in enumerate(("believed", "gap")):
                axes, colour = panels[row, column], COLOURS[number % len(COLOURS)]
                axes.plot(lines.index, lines[name], marker="o", ms=3, color=colour, label=model)
                low, high = lines[name] - lines[f"{name}_sem"], lines[name] + lines[f"{name}_sem"]
                axes.fill_between(lines.index, low, high, color=colour, alpha=0.2, lw=0)
        exact = of_condition.groupby("games")["exact"].mean()
        panels[0, column].plot(exact.index, exact, color="black", ls="--", lw=1.2, label="a Bayesian")
        panels[0, column].set_title(condition, fontsize=10)
        panels[0, column].set_ylim(-0.03, 1.03)
        panels[1, column].set_xlabel("games watched")
        for axes in panels[:, column]:
            axes.set_xscale("symlog", linthresh=1)
            ticks = sorted(of_condition["games"].unique())
            axes.set_xticks(ticks, [str(games) for games in ticks])
            axes.minorticks_off()
            axes.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set_ylabel("belief in the group's norm")
    panels[1, 0].set_ylabel("gap of offers (share)")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, title="± 1 SEM", fontsize=8, title_fontsize=8, loc="outside right upper")
    return figure


def _with_error(values: pd.Series[float], errors: pd.Series[float]) -> list[str]:
    return [f"{value:.3f} ± {error:.3f}" for value, error in zip(values, errors, strict=True)]
