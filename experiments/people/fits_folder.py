"""The fits to people as a results folder: tables, a posterior and a figure."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from experiments.people.fit_figure import human_figure
from experiments.people.fit_findings import human_findings
from experiments.people.fit_tables import REJECTED, comparison_table, estimates_table, fit_table
from experiments.people.fits import FitPlan, FittedPeople, fit_people
from inference import arviz_compat as arviz_seam
from scai_irl.data.human.choices import WARNING_COLUMNS, HumanChoices, subjects, typed
from scai_irl.data.human.import_choices import IMPORT, get_source, say
from scai_irl.io.errors import InputError, printable
from scai_irl.io.files import write_bytes, write_table
from scai_irl.report.figures import save_figure
from scai_irl.report.tables import print_table, save_table
from scai_irl.results.findings import save_findings
from scai_irl.results.folder import opened
from scai_irl.results.manifest import now
from scai_irl.results.results import POSTERIOR, Results, load

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
        write_table(folder / "choices.parquet", people.choices)
        write_table(folder / "warnings.parquet", _warnings(people.warnings, fits))
        tables = {
            "fit": by_share,
            "estimates": estimates_table(fits),
            "comparison": ranked,
            "comparison_of_people": comparison_table(fits, people=True),
        }
        for name, table in tables.items():
            write_table(folder / f"{name}.parquet", table)
            save_table(folder, name, _rounded(table))
        best = next(fit for fit in fits if fit.name == ranked["model"].iloc[0])
        write_bytes(folder / POSTERIOR, arviz_seam.to_netcdf(best.posterior.to_arviz(draws=_EXPORTED)))
        save_figure(human_figure(by_share), folder, "human_fit")
        save_findings(folder, human_findings(people.choices, by_share, ranked))
        for checkpoint in folder.glob("*.npz"):
            checkpoint.unlink()
        manifest.counts = {
            "choices": len(people.choices),
            "people": int(subjects(people.choices).max()) + 1,
            "fits": len(fits),
        }
        manifest.status = "finished"
        manifest.finished = now()
        manifest.write(folder)
    return load(folder)


def print_fits(results: Results) -> None:
    """Print the comparison, the fit and the warnings."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    for name, left_out in (("comparison", "choice"), ("comparison_of_people", "person")):
        title = f"cross-validation, leaving out one {left_out} at a time"
        print_table(_rounded(results.tables[name].drop(columns="warnings")), title, console)
    wide = results.fit.assign(model=results.fit["family"] + " " + results.fit["pooling"])
    for quantity, rows in wide.groupby("quantity", sort=False):
        fitted = rows.pivot_table(index="share", columns="model", values="fitted", sort=False)
        fitted.insert(0, "observed", rows.groupby("share")["observed"].first())
        print_table(_rounded(fitted.reset_index()), str(quantity), console)
        if quantity == REJECTED:
            worst = rows.groupby("model", sort=False)["difference"].max()
            for model, difference in worst.items():
                console.print(f"{model}: largest difference {difference:.3f}", markup=False, highlight=False)
    for line in results.warnings["warning"]:
        console.print(printable(f"warning: {line}"), markup=False, highlight=False)


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
