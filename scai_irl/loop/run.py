"""Play a setting from the epoch at which it was interrupted, and collect its epochs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from envs.schedule import Schedule
from inference import DiscretePosterior
from scai_irl.io.files import telling_disk_errors
from scai_irl.io.progress import Advance, progress
from scai_irl.lm.ask import Tally
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


@dataclass(frozen=True)
class PlayedSetting:
    """Tables and posterior of a setting that was played to its end.

    Attributes:
        tables: ``interactions``, ``verbal_policies``, ``beliefs``, ``costs``, ``alignment`` and ``summary``.
        posterior: Beliefs after every epoch as an ArviZ object.
        tally: Calls of all epochs.
    """

    tables: dict[str, pd.DataFrame]
    posterior: Any
    tally: Tally


def play_or_resume(setting: Setting, backend: Backend, folder: Path | None) -> PlayedSetting:
    """Play a setting from its first epoch that is not finished, and collect all epochs.

    Every finished epoch is on disk before the next begins. Started again with the same setting, an experiment that was
    killed continues after its last finished epoch and ends with the numbers of one that was not.

    Args:
        setting: The experiment.
        backend: Who translates, and acts for the assistants.
        folder: Results folder, which keeps the finished epochs; None for a temporary one.

    Raises:
        InputError: If the folder cannot be used.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return play_or_resume(setting, backend, Path(temporary))
    with telling_disk_errors(folder):
        (folder / EPOCHS).mkdir(exist_ok=True)
    with progress(setting.experiment, len(setting.schedules) * setting.epochs) as advance:
        for schedule in setting.schedules:
            _play_group(setting, schedule, backend, folder, advance)
    return _gather(setting, folder)


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


def _gather(setting: Setting, folder: Path) -> PlayedSetting:
    """Join the epochs into tables."""
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
    all_interactions, all_costs = (pd.concat(parts, ignore_index=True) for parts in (interactions, costs))
    by_run = alignment_by_run(all_interactions)
    tables = {
        "interactions": all_interactions,
        "verbal_policies": pd.concat(verbal, ignore_index=True),
        "beliefs": pd.concat(beliefs, ignore_index=True),
        "costs": all_costs,
        "alignment": by_run,
        "summary": with_tokens(alignment_summary(all_interactions, by_run), all_costs),
    }
    return PlayedSetting(tables, beliefs_arviz(setting, posteriors), tally)
