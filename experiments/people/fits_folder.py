"""The fits to people as a results folder: tables, a posterior and a figure."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.people.fit_figure import human_figure
from experiments.people.fit_findings import human_findings
from experiments.people.fit_tables import REJECTED, comparison_table, estimates_table, fit_table
from experiments.people.fits import FitPlan, FittedPeople, fit_people
from scai_irl.data.human.choices import WARNING_COLUMNS, HumanChoices, subjects, typed
from scai_irl.data.human.import_choices import IMPORT, get_source, say
from scai_irl.io.errors import InputError
from scai_irl.report.study import Study, keep
from scai_irl.results.folder import opened
from scai_irl.results.manifest import Displayed
from scai_irl.results.results import Results, load

_COMPARISONS = {
    "comparison": "cross-validation, leaving out one choice at a time",
    "comparison_of_people": "cross-validation, leaving out one person at a time",
}
_EXPORTED = 250  # draws of each chain: a hierarchy has thousands of coordinates
_SECONDS_BETWEEN_LINES = 2.0


def read_people(data: Path, source: str, people: int | None, seed: int) -> HumanChoices:
    """Read choices from a folder made by ``scai-irl import human``, or from a data file.

    Args:
        data: Folder or file.
        source: Data set that a file is of.
        people: How many people to draw at random; all if None.
        seed: Root seed of that draw.

    Raises:
        InputError: If it cannot be read.
    """
    found = _read(data, source)
    if people is None:
        return found
    person = subjects(found.choices)
    there = int(person.max()) + 1
    if people > there:
        raise InputError("people", f"{people} are more than the {there} in the data", "give fewer, or leave it out")
    chosen = np.random.default_rng(seed).choice(there, size=people, replace=False)
    kept = found.choices[np.isin(person, chosen)].reset_index(drop=True)
    return HumanChoices(kept, found.unread, found.warnings)


def _read(data: Path, source: str) -> HumanChoices:
    if not data.is_dir():
        found = get_source(source)(data)
        say(found)
        return found
    imported = load(data)
    if imported.manifest.experiment != IMPORT or "choices" not in imported.tables:
        mend = "give a folder made by `scai-irl import human`, or a data file"
        raise InputError("data", f"{data} holds {imported.manifest.experiment} and no choices of people", mend)
    return HumanChoices(imported.choices, imported.unread, imported.warnings)


def fit_folder(
    folder: Path, experiment: str, config: dict[str, Any], read: Callable[[], HumanChoices], plan: FitPlan
) -> Results:
    """Fit people's choices and keep all of it in a results folder; a finished folder is given as it is.

    Args:
        folder: Results folder.
        experiment: Name of the experiment.
        config: Its configuration.
        read: Reads the choices.
        plan: What to fit.

    Raises:
        InputError: If the data or the folder cannot be used.
    """
    people = read()
    with opened(folder, experiment, config, seed=plan.seed) as manifest:
        if manifest.status == "finished":
            return load(folder)
        fits = list(fit_people(people.choices, plan, _told(), folder))
        by_share = fit_table(people.choices, fits, plan.seed)
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
        study = Study(
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
        keep(folder, manifest, study)
        for checkpoint in folder.glob("*.npz"):
            checkpoint.unlink()
    return load(folder)


def fits_by_quantity(by_share: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Shape the fit for reading: for each quantity a table with a line for each share and a column for each model."""
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
    said = [{"file": fit.name, "warning": f"{fit.name}: {line}", "count": 1} for fit in fits for line in fit.warnings]
    return pd.concat([given, typed(pd.DataFrame(said, columns=list(WARNING_COLUMNS)), WARNING_COLUMNS)])


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as text with three digits."""
    shaped = table.copy()
    for name in shaped:
        if shaped[name].dtype.kind == "f":
            shaped[name] = [f"{value:.3f}" for value in shaped[name]]
    return shaped


def _told() -> Callable[[str, int, int], None]:
    """Report how far a fit is, at most every two seconds, on standard error."""
    started = last = time.monotonic()

    def tell(model: str, done: int, steps: int) -> None:
        nonlocal last
        moment = time.monotonic()
        if moment - last >= _SECONDS_BETWEEN_LINES:
            last = moment
            print(f"fit {model}: step {done} of {steps} ({moment - started:.0f} s)", file=sys.stderr, flush=True)

    return tell
