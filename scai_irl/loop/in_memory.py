"""Results of a setting in memory: the tables of all epochs, for a results folder or for a study of several settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from envs.schedule import Schedule
from inference import DiscretePosterior, uniform_posterior
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.loop.belief_tables import beliefs_table
from scai_irl.loop.epoch import Epoch
from scai_irl.loop.play_epoch import EpochRecord
from scai_irl.loop.play_epochs import play_epochs
from scai_irl.loop.setting import Setting
from scai_irl.measure.alignment import alignment_by_run


@dataclass(frozen=True)
class PlayedSetting:
    """Results of all epochs of a setting.

    Attributes:
        interactions: One line for each interaction.
        verbal_policies: One line for each assistant and epoch.
        beliefs: Numerical posterior after each epoch, from the prior on.
        costs: One line for each condition and epoch.
        posteriors: Posterior after each epoch, from the prior on, by group.
        tally: Cost of all requests.
    """

    interactions: pd.DataFrame
    verbal_policies: pd.DataFrame
    beliefs: pd.DataFrame
    costs: pd.DataFrame
    posteriors: Mapping[str, list[DiscretePosterior]]
    tally: Tally

    @property
    def alignment(self) -> pd.DataFrame:
        """Gaps by run and epoch (`scai_irl.measure.alignment.alignment_by_run`)."""
        return alignment_by_run(self.interactions)


def collect_epochs(setting: Setting, records: Iterable[EpochRecord]) -> PlayedSetting:
    """Collect the epochs of a setting, in the order in which they are played, into tables."""
    tally = Tally()
    by_group: dict[Schedule, list[EpochRecord]] = {}
    for record in records:
        by_group.setdefault(record.epoch.schedule, []).append(record)
        tally.add(record.tally)
    every = [record for of_group in by_group.values() for record in of_group]
    prior = uniform_posterior(setting.hypotheses, setting.rows)
    beliefs = []
    for schedule, of_group in by_group.items():
        beliefs.append(beliefs_table(Epoch(setting, schedule, 0), prior))
        beliefs += [beliefs_table(record.epoch, record.posterior) for record in of_group]
    return PlayedSetting(
        _joined(record.interactions for record in every),
        _joined(record.verbal_policies for record in every),
        _joined(beliefs),
        _joined(record.costs for record in every),
        {schedule.name: [prior, *(r.posterior for r in of_group)] for schedule, of_group in by_group.items()},
        tally,
    )


def play_in_memory(setting: Setting, backend: Backend, tally: Tally) -> PlayedSetting:
    """Play every epoch of every group; the numbers equal those of `scai_irl.loop.run.play_or_resume`.

    Args:
        setting: The experiment.
        backend: Language model that translates policies and acts for the assistants.
        tally: Tally that the cost of all requests is added to.
    """
    played = collect_epochs(setting, play_epochs(setting, backend))
    tally.add(played.tally)
    return played


def join_settings(played: Mapping[str, PlayedSetting]) -> dict[str, pd.DataFrame]:
    """Join the beliefs and verbal policies of several settings, in the format of a results folder.

    Args:
        played: Results by label; the label is added to the names of conditions.

    Returns:
        Tables ``beliefs`` and ``verbal_policies``.
    """
    tables: dict[str, list[pd.DataFrame]] = {"beliefs": [], "verbal_policies": []}
    for label, results in played.items():
        for name, several in tables.items():
            table = getattr(results, name)
            several.append(table.assign(condition=table["condition"].astype(str) + f", {label}"))
    return {name: _joined(several) for name, several in tables.items()}


def _joined(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True)
