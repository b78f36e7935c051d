"""Play a setting in a results folder, resume it if it was interrupted, and make the tables of the folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scai_irl.io.progress import progress
from scai_irl.lm.protocol import Backend
from scai_irl.loop.checkpoint import EpochFolders
from scai_irl.loop.in_memory import PlayedSetting, collect_epochs
from scai_irl.loop.play_epochs import play_epochs
from scai_irl.loop.setting import Setting
from scai_irl.measure.alignment import alignment_summary, with_tokens


def play_or_resume(setting: Setting, backend: Backend, folder: Path | None) -> PlayedSetting:
    """Play all epochs that are not on disk, and show the progress.

    Every finished epoch is on disk before the next one begins. An experiment that was killed resumes after its last
    finished epoch when it is started again with the same setting. Its numbers equal those of a run without
    interruption.

    Args:
        setting: The experiment.
        backend: Language model that translates policies and acts for the assistants.
        folder: Results folder, which stores the epochs; None to store nothing.

    Raises:
        InputError: If the folder cannot be used.
    """
    sink = None if folder is None else EpochFolders(folder)
    records = []
    with progress(setting.experiment, len(setting.schedules) * setting.epochs) as advance:
        for record in play_epochs(setting, backend, sink):
            records.append(record)
            advance(f"group {record.epoch.schedule.name}, epoch {record.epoch.number}")
    return collect_epochs(setting, records)


def results_tables(played: PlayedSetting) -> dict[str, pd.DataFrame]:
    """Tables of a results folder: those of all epochs, with gaps by run and their summary over runs."""
    by_run = played.alignment
    return {
        "interactions": played.interactions,
        "verbal_policies": played.verbal_policies,
        "beliefs": played.beliefs,
        "costs": played.costs,
        "alignment": by_run,
        "summary": with_tokens(alignment_summary(played.interactions, by_run), played.costs),
    }
