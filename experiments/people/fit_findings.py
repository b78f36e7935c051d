"""What fits to people found: how far off each is at its worst, and how much better the best predicts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float

from experiments.people.fit_tables import OFFERED, REJECTED
from scai_irl.data.human.choices import subjects
from scai_irl.results.findings import Finding

WORST = "How far are fitted social preferences from what people do, where they are farthest off?"
PREDICTS = "Which family predicts choices that it was not fitted to best?"
_RESAMPLES = 2000
_ROUNDING = 1e-5
_Z = 1.96


def human_findings(choices: pd.DataFrame, fit: pd.DataFrame, comparison: pd.DataFrame) -> list[Finding]:
    """Largest error of each fit, the best fit first, and what the others fall behind it by.

    Args:
        choices: Table with the columns `scai_irl.data.human.choices.CHOICE_COLUMNS`.
        fit: What `experiments.people.fit_tables.fit_table` gives.
        comparison: What `experiments.people.fit_tables.comparison_table` gives, of choices left out.
    """
    named = fit.assign(model=fit["family"] + " " + fit["pooling"])
    found = []
    for model in comparison["model"]:
        for quantity, lines in named[named["model"] == model].groupby("quantity", sort=False):
            found.append(_largest(choices, str(model), str(quantity), lines))
    best, people = str(comparison["model"].iloc[0]), int(subjects(choices).max()) + 1
    others = comparison.iloc[1:]
    for model, behind, error in zip(
        others["model"], others["elpd_diff"].to_numpy(float), others["se_diff"].to_numpy(float), strict=True
    ):
        found.append(
            Finding(
                PREDICTS,
                f"{best} beside {model}",
                f"{best} gives choices left out a log density that is higher by {{value}} than {model} does.",
                float(behind),
                float(behind - _Z * error),
                float(behind + _Z * error),
                people,
                why="Summed over choices (PSIS-LOO), ± 1.96 standard errors; below 4 or around 0 it means little.",
            )
        )
    return found


def _largest(choices: pd.DataFrame, model: str, quantity: str, lines: pd.DataFrame) -> Finding:
    """The largest error over offered shares, with an interval over people; the fit is kept."""
    worst = lines.iloc[int(lines["difference"].to_numpy(float).argmax())]
    error, share = float(worst["fitted"] - worst["observed"]), float(worst["share"])
    resampled = _observed_again(choices, quantity, share)
    low, high = np.quantile(np.sign(error) * (float(worst["fitted"]) - resampled), [0.025, 0.975])
    of = "rejection rate" if quantity == REJECTED else f"share of {quantity}"
    return Finding(
        WORST,
        f"{model}, {quantity}",
        f"At its worst, {model} is {{value}} off: {of} at {share:g} of the stake.",
        abs(error),
        float(low),
        float(high),
        int(subjects(choices).max()) + 1,
        why=f"The largest of {len(lines)} errors, so chance has a part in it; people are resampled, the fit is kept.",
    )


def _observed_again(choices: pd.DataFrame, quantity: str, share: float) -> Float[np.ndarray, "resample"]:
    """What would be observed there of as many people drawn anew from these (a bootstrap over people, Efron 1979)."""
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
    asked, yes = np.bincount(which), np.bincount(which, counts[there].to_numpy(float))
    picked = np.random.default_rng(0).integers(asked.size, size=(_RESAMPLES, asked.size))
    return np.asarray(yes[picked].sum(axis=1) / asked[picked].sum(axis=1))
