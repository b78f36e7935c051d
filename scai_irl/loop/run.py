"""Run an experiment on a group's norm, from whatever epoch it was left at, and keep its results."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from envs.schedule import Schedule
from inference import DiscretePosterior
from inference import arviz_compat as arviz_seam
from scai_irl.io.files import telling_disk_errors, write_bytes, write_table
from scai_irl.io.progress import Advance, progress
from scai_irl.language.instructions import instruction_hashes
from scai_irl.lm.ask import Tally
from scai_irl.lm.budget import Budget
from scai_irl.lm.protocol import Backend
from scai_irl.loop.belief_tables import beliefs_arviz, beliefs_table
from scai_irl.loop.checkpoint import (
    EPOCHS,
    epochs_finished,
    load_belief,
    load_tables,
    load_tally,
    save_epoch,
)
from scai_irl.loop.epoch import play_epoch
from scai_irl.loop.history import History
from scai_irl.loop.setting import Setting
from scai_irl.measure.alignment import alignment_by_run, alignment_summary, with_tokens
from scai_irl.report.drawing import save_figures
from scai_irl.report.study import Study, keep
from scai_irl.report.tables import final_table
from scai_irl.results.findings import Finding
from scai_irl.results.folder import opened
from scai_irl.results.manifest import Displayed
from scai_irl.results.results import POSTERIOR, Results, load
from scai_irl.results.session import counted, kept


def run_setting(
    setting: Setting,
    backend: Backend,
    folder: Path,
    config: dict[str, object],
    budget: Budget | None = None,
    found: Callable[[Results], Sequence[Finding]] = lambda _: (),
) -> Results:
    """Run, or go on with, an experiment.

    Every finished epoch is on disk before the next begins. Started again with the same configuration, an experiment
    that was killed goes on after its last finished epoch and ends with the numbers of one that was not.

    Args:
        setting: The experiment.
        backend: Who translates, and acts for the assistants.
        folder: Results folder.
        config: The configuration that the setting was made from, for the manifest.
        budget: What the language model may be asked; without limits if not given.
        found: Says what the tables show, once all are there.

    Raises:
        InputError: If the folder cannot be used.
    """
    more = {"seed": setting.seed, "backend": backend.name, "prompts": instruction_hashes()}
    with opened(folder, setting.experiment, config, **more) as manifest:
        if manifest.status != "finished":
            with telling_disk_errors(folder):
                (folder / EPOCHS).mkdir(exist_ok=True)
            with (
                counted(manifest, backend, folder),
                kept(backend, folder, budget or Budget()) as asked,
                progress(setting.experiment, len(setting.schedules) * setting.epochs) as advance,
            ):
                for schedule in setting.schedules:
                    _play_group(setting, schedule, asked, folder, advance)
            tally = _gather(setting, folder)
            results = Results(folder, manifest, load(folder).tables)
            save_figures(results)
            title = f"{setting.experiment}, after epoch {setting.epochs}"
            study = Study(
                found(results),
                shown={"summary": final_table(results.summary)},
                displayed=[Displayed(table="summary", title=title)],
                counts=asdict(tally),
            )
            keep(folder, manifest, study)
        shutil.rmtree(folder / EPOCHS, ignore_errors=True)
    return load(folder)


def play_setting(setting: Setting, backend: Backend) -> None:
    """Play an experiment and keep nothing: for its calls alone."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / EPOCHS).mkdir()
        for schedule in setting.schedules:
            _play_group(setting, schedule, backend, Path(folder), lambda _: None)


def _play_group(setting: Setting, schedule: Schedule, backend: Backend, folder: Path, advance: Advance) -> None:
    """Play the epochs of one group that are not finished."""
    finished = epochs_finished(folder, schedule, setting.epochs)
    belief = load_belief(folder, schedule, finished, setting.hypotheses, setting.rows)
    history = History(setting.rows)
    for epoch in range(1, setting.epochs + 1):
        if epoch > finished:
            record = play_epoch(setting, schedule, epoch, belief, backend, history)
            save_epoch(folder, schedule, epoch, record)
            belief = record.posterior
        # Read back even if it was just written, so that an experiment that was resumed has seen the same.
        interactions, verbal_policies, _ = load_tables(folder, schedule, epoch)
        history.add(interactions, verbal_policies)
        advance(f"group {schedule.name}, epoch {epoch}")


def _gather(setting: Setting, folder: Path) -> Tally:
    """Join the epochs into the tables of the results folder."""
    tally = Tally()
    interactions, verbal, beliefs, costs = [], [], [], []
    posteriors: dict[str, list[DiscretePosterior]] = {}
    for schedule in setting.schedules:
        posteriors[schedule.name] = []
        for epoch in range(setting.epochs + 1):
            belief = load_belief(folder, schedule, epoch, setting.hypotheses, setting.rows)
            posteriors[schedule.name].append(belief)
            beliefs.append(beliefs_table(setting, schedule, epoch, belief))
            if epoch > 0:
                played, written, cost = load_tables(folder, schedule, epoch)
                interactions.append(played)
                verbal.append(written)
                costs.append(cost)
                tally.add(load_tally(folder, schedule, epoch))
    all_interactions = pd.concat(interactions, ignore_index=True)
    by_run = alignment_by_run(all_interactions)
    write_table(folder / "interactions.parquet", all_interactions)
    write_table(folder / "verbal_policies.parquet", pd.concat(verbal, ignore_index=True))
    write_table(folder / "beliefs.parquet", pd.concat(beliefs, ignore_index=True))
    all_costs = pd.concat(costs, ignore_index=True)
    write_table(folder / "costs.parquet", all_costs)
    write_table(folder / "alignment.parquet", by_run)
    write_table(folder / "summary.parquet", with_tokens(alignment_summary(all_interactions, by_run), all_costs))
    write_bytes(folder / POSTERIOR, arviz_seam.to_netcdf(beliefs_arviz(setting, posteriors)))
    return tally
