"""Play a setting from its first epoch to its last, and keep nothing on disk: for studies that play several settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from inference import uniform_posterior
from scai_irl.lm.ask import Tally
from scai_irl.lm.protocol import Backend
from scai_irl.loop.belief_tables import beliefs_table
from scai_irl.loop.epoch import play_epoch
from scai_irl.loop.history import History
from scai_irl.loop.setting import Setting
from scai_irl.measure.alignment import alignment_by_run


@dataclass(frozen=True)
class Whole:
    """What was played.

    Attributes:
        interactions: A line for each interaction.
        verbal_policies: A line for each assistant and epoch.
        beliefs: The numerical posterior after each epoch, from the prior on.
    """

    interactions: pd.DataFrame
    verbal_policies: pd.DataFrame
    beliefs: pd.DataFrame

    @property
    def alignment(self) -> pd.DataFrame:
        """Gaps, by run and epoch (`alignment_by_run`)."""
        return alignment_by_run(self.interactions)


def told_apart(played: Mapping[str, Whole]) -> dict[str, pd.DataFrame]:
    """Put beliefs and texts of several settings together, as a results folder keeps them and the report shows them.

    Args:
        played: What was played, by what tells it from the others; that is added to the names of conditions.

    Returns:
        ``beliefs`` and ``verbal_policies``.
    """
    tables: dict[str, list[pd.DataFrame]] = {"beliefs": [], "verbal_policies": []}
    for apart, whole in played.items():
        for name, several in tables.items():
            table = getattr(whole, name)
            several.append(table.assign(condition=table["condition"].astype(str) + f", {apart}"))
    return {name: pd.concat(several, ignore_index=True) for name, several in tables.items()}


def play_whole(setting: Setting, backend: Backend, tally: Tally) -> Whole:
    """Play every epoch of every group; the same numbers as `scai_irl.loop.run.run_setting`.

    Args:
        setting: The experiment.
        backend: Who translates, and acts for the assistants.
        tally: What asking costs.
    """
    interactions, verbal, beliefs = [], [], []
    for schedule in setting.schedules:
        belief, history = uniform_posterior(setting.hypotheses, setting.rows), History(setting.rows)
        beliefs.append(beliefs_table(setting, schedule, 0, belief))
        for epoch in range(1, setting.epochs + 1):
            record = play_epoch(setting, schedule, epoch, belief, backend, history)
            belief = record.posterior
            history.add(record.interactions, record.verbal_policies)
            tally.add(record.tally)
            interactions.append(record.interactions)
            verbal.append(record.verbal_policies)
            beliefs.append(beliefs_table(setting, schedule, epoch, belief))
    tables = [pd.concat(tables, ignore_index=True) for tables in (interactions, verbal, beliefs)]
    return Whole(*tables)
