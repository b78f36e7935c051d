"""Errors of fits to people, and the advantage of the best family: findings and a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from experiments.people.fit_tables import OFFERED, REJECTED
from scai_irl.data.human.choices import subjects
from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS
from scai_irl.results.findings import Finding

WORST = "How large is the largest error of fitted social preferences?"
PREDICTS = "Which family best predicts choices that were left out of the fit?"
_RESAMPLES = 2000
_ROUNDING = 1e-5
_Z = 1.96


def human_findings(choices: pd.DataFrame, fit: pd.DataFrame, comparison: pd.DataFrame) -> list[Finding]:
    """Findings on each fit's largest error, the best fit first, and on differences from the best fit.

    Args:
        choices: Table with the columns `scai_irl.data.human.choices.CHOICE_COLUMNS`.
        fit: Table from `experiments.people.fit_tables.fit_table`.
        comparison: Table from `experiments.people.fit_tables.comparison_table`, leaving out choices.
    """
    named = fit.assign(model=fit["family"] + " " + fit["pooling"])
    findings = []
    for model in comparison["model"]:
        for quantity, lines in named[named["model"] == model].groupby("quantity", sort=False):
            findings.append(_largest(choices, str(model), str(quantity), lines))
    best, people = str(comparison["model"].iloc[0]), int(subjects(choices).max()) + 1
    others = comparison.iloc[1:]
    for model, behind, error in zip(
        others["model"], others["elpd_diff"].to_numpy(float), others["se_diff"].to_numpy(float), strict=True
    ):
        findings.append(
            Finding(
                PREDICTS,
                f"{best} compared with {model}",
                f"The log density of left-out choices is {{value}} higher under {best} than under {model}.",
                float(behind),
                float(behind - _Z * error),
                float(behind + _Z * error),
                people,
                why="Sum over choices (PSIS-LOO), ± 1.96 standard errors. A difference below 4, or with an interval "
                "around 0, means little.",
            )
        )
    return findings


def _largest(choices: pd.DataFrame, model: str, quantity: str, lines: pd.DataFrame) -> Finding:
    """Finding on the largest error over offered shares, with a bootstrap interval over people and the fit fixed."""
    worst = lines.iloc[int(lines["difference"].to_numpy(float).argmax())]
    error, share = float(worst["fitted"] - worst["observed"]), float(worst["share"])
    resampled = _observed_again(choices, quantity, share)
    low, high = np.quantile(np.sign(error) * (float(worst["fitted"]) - resampled), [0.025, 0.975])
    of = "rejection rate" if quantity == REJECTED else f"share of {quantity}"
    return Finding(
        WORST,
        f"{model}, {quantity}",
        f"The largest error of {model} is {{value}}: {of} at {share:g} of the stake.",
        abs(error),
        float(low),
        float(high),
        int(subjects(choices).max()) + 1,
        why=f"The largest of {len(lines)} errors, so it is partly chance. The interval resamples people and keeps the "
        "fit.",
    )


def _observed_again(choices: pd.DataFrame, quantity: str, share: float) -> Float[np.ndarray, "resample"]:
    """Observed quantity in bootstrap resamples of the people (Efron 1979)."""
    if quantity == REJECTED:
        there = choices["accepted"].notna() & np.isclose(choices["offered_share"], share)
        counts = ~choices["accepted"].fillna(value=True).astype(bool)
    elif quantity == OFFERED:
        there = choices["offer"].notna() & choices["accepted"].isna()
        counts = choices["offered_share"] <= share + _ROUNDING
    else:
        there = choices["minimum"].notna()
        counts = choices["minimum"].astype(float) / choices["stake"] <= share + _ROUNDING
    person = subjects(choices)[there.to_numpy(bool)]
    which = np.unique(person, return_inverse=True)[1]
    asked_times, yes = np.bincount(which), np.bincount(which, counts[there].to_numpy(float))
    picked = np.random.default_rng(0).integers(asked_times.size, size=(_RESAMPLES, asked_times.size))
    return np.asarray(yes[picked].sum(axis=1) / asked_times[picked].sum(axis=1))


@captioned
def human_figure(table: pd.DataFrame) -> Figure:
    """Each line shows predictions of a fitted family by offered share, with 90 % bands. Dots: people (90 %).

    Args:
        table: Table from `experiments.people.fit_tables.fit_table`.
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
