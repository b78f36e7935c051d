"""One epoch of all runs of all conditions in one group.

Calls of a language model go out in three batches, whatever the number of runs: what assistants follow (two batches
where an agent needs two questions one after the other), offers, answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Bool

from envs.schedule import Schedule
from envs.ultimatum import offer_of_units
from inference import DiscretePosterior, Evidence, evidence, infer
from inference.discrete.changing import expecting_change
from scai_irl.lm.ask import Tally
from scai_irl.lm.protocol import Backend
from scai_irl.loop.choose_policies import settle
from scai_irl.loop.epoch_tables import MISSING, Played, costs_table, interactions_table, verbal_policies_table
from scai_irl.loop.history import History
from scai_irl.loop.playing import play
from scai_irl.loop.setting import Setting
from scai_irl.loop.simulated_users import Users, draw_users


@dataclass(frozen=True)
class EpochRecord:
    """What an epoch leaves behind.

    Attributes:
        interactions: A line for each interaction.
        verbal_policies: A line for each assistant.
        costs: A line for each condition: calls and tokens.
        posterior: Belief after the epoch.
        tally: What asking the model has cost.
    """

    interactions: pd.DataFrame
    verbal_policies: pd.DataFrame
    costs: pd.DataFrame
    posterior: DiscretePosterior
    tally: Tally


def play_epoch(
    setting: Setting,
    schedule: Schedule,
    epoch: int,
    before: DiscretePosterior,
    backend: Backend,
    history: History | None = None,
) -> EpochRecord:
    """Settle what assistants follow, play, and update beliefs.

    Args:
        setting: The experiment.
        schedule: The group.
        epoch: Epoch, from 1.
        before: Belief of each row at the start.
        backend: Who translates, and acts for the assistants.
        history: What happened in earlier epochs; nothing if not given.
    """
    tally, tallies = Tally(), {condition: Tally() for condition in setting.conditions}
    users = draw_users(setting, schedule, epoch)
    past = history or History(setting.rows)
    before = expecting_change(before, setting.hazard if epoch > 1 else 0.0)
    words = settle(setting, schedule, epoch, before, past, backend, tally, tallies)
    played = play(setting, schedule, epoch, users, words, backend, tally, tallies)
    after = infer(setting.hypotheses, _evidence(schedule, users, played), before)
    return EpochRecord(
        interactions_table(setting, schedule, epoch, users, words, played),
        verbal_policies_table(setting, schedule, epoch, words),
        costs_table(setting, schedule, epoch, tallies),
        after,
        tally,
    )


def _evidence(schedule: Schedule, users: Users, played: Played) -> Evidence:
    """Collect what users did; plays of assistants alone, and failed ones, say nothing."""
    stake = np.repeat(np.asarray(users.stake)[:, None], schedule.plays, axis=1)
    action = np.asarray(offer_of_units(jnp.asarray(np.maximum(played.units, 0)), jnp.asarray(stake)))
    offered: Bool[np.ndarray, "row play"] = schedule.user_proposes & (played.units != MISSING)
    answered: Bool[np.ndarray, "row play"] = schedule.user_responds & (played.answer != MISSING)
    return evidence(stake, action, played.answer == 1, offered, answered)
