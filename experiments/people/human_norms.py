"""Human norms: which social preferences explain people's choices, and do people differ?

Families of social preferences with rationality and lapse are fitted to people's choices, pooled and hierarchically, and
compared by leave-one-out cross-validation. Run it with ``scai-irl run human-norms --data PATH`` or ``python -m
experiments.people human-norms --data PATH``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pandas as pd

from experiments.people.fit_figures import human_figure, human_findings
from experiments.people.fit_tables import REJECTED, comparison_table, estimates_table, fit_table
from experiments.people.fits import FittedPeople, HumanNorms, fit_people
from experiments.people.setup import read_people
from scai_irl.data.human.choices import WARNING_COLUMNS, subjects, typed
from scai_irl.experiment.definition import experiment
from scai_irl.io.errors import InputError
from scai_irl.report.study import Study
from scai_irl.results.manifest import Displayed

_COMPARISONS = {
    "comparison": "cross-validation, leaving out one choice at a time",
    "comparison_of_people": "cross-validation, leaving out one person at a time",
}
_EXPORTED = 250  # draws of each chain: a hierarchy has thousands of coordinates
_SECONDS_BETWEEN_LINES = 2.0


@experiment("human-norms", "social preferences fitted to people, pooled and hierarchical", config=HumanNorms)
def human_norms(config: HumanNorms, model: None) -> Study:
    """Fit every family to people's choices; report errors of the fits and the best predicting family."""
    if not config.families and not config.hierarchical:
        raise InputError("families", "none given", "give at least one, there or with --hierarchical")
    people = read_people(config.data, config.source, config.people, config.seed)
    fits = list(fit_people(people.choices, config, _report_steps(), config.out))
    by_share = fit_table(people.choices, fits, config.seed)
    ranked = comparison_table(fits)
    warnings = _warnings(people.warnings, fits)
    tables = {
        "fit": by_share,
        "estimates": estimates_table(fits),
        "comparison": ranked,
        "comparison_of_people": comparison_table(fits, people=True),
    }
    by_quantity = fits_by_quantity(by_share)
    best = next(fit for fit in fits if fit.name == ranked["model"].iloc[0])
    return Study(
        human_findings(people.choices, by_share, ranked),
        tables={"choices": people.choices, "warnings": warnings, **tables},
        shown={name: _rounded(table) for name, table in (tables | by_quantity).items()},
        figures={"human_fit": human_figure(by_share)},
        displayed=[
            *(Displayed(table=name, title=title) for name, title in _COMPARISONS.items()),
            *(Displayed(table=name, title=name.removeprefix("fit_").replace("_", " ")) for name in by_quantity),
        ],
        remarks=[*_worst(by_share), *(f"warning: {line}" for line in warnings["warning"])],
        posterior=best.posterior.to_arviz(draws=_EXPORTED),
        counts={
            "choices": len(people.choices),
            "people": int(subjects(people.choices).max()) + 1,
            "fits": len(fits),
        },
    )


def fits_by_quantity(by_share: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Format the fit: a table for each quantity, with a line for each share and a column for each model."""
    wide = by_share.assign(model=by_share["family"] + " " + by_share["pooling"])
    shaped = {}
    for quantity, rows in wide.groupby("quantity", sort=False):
        fitted = rows.pivot_table(index="share", columns="model", values="fitted", sort=False)
        fitted.insert(0, "observed", rows.groupby("share")["observed"].first())
        shaped[f"fit_{quantity}".replace(" ", "_")] = fitted.reset_index()
    return shaped


def _worst(by_share: pd.DataFrame) -> list[str]:
    rejected = by_share[by_share["quantity"] == REJECTED]
    models = rejected["family"] + " " + rejected["pooling"]
    worst = rejected.groupby(models, sort=False)["difference"].max()
    return [f"{model}: largest difference in answers {difference:.3f}" for model, difference in worst.items()]


def _warnings(given: pd.DataFrame, fits: list[FittedPeople]) -> pd.DataFrame:
    lines = [{"file": fit.name, "warning": f"{fit.name}: {line}", "count": 1} for fit in fits for line in fit.warnings]
    return pd.concat([given, typed(pd.DataFrame(lines, columns=list(WARNING_COLUMNS)), WARNING_COLUMNS)])


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as text with three digits."""
    shaped = table.copy()
    for name in shaped:
        if shaped[name].dtype.kind == "f":
            shaped[name] = [f"{value:.3f}" for value in shaped[name]]
    return shaped


def _report_steps() -> Callable[[str, int, int], None]:
    """Print the progress of a fit to standard error, at most every two seconds."""
    started = last = time.monotonic()

    def report(model: str, done: int, steps: int) -> None:
        nonlocal last
        moment = time.monotonic()
        if moment - last >= _SECONDS_BETWEEN_LINES:
            last = moment
            print(f"fit {model}: step {done} of {steps} ({moment - started:.0f} s)", file=sys.stderr, flush=True)

    return report
