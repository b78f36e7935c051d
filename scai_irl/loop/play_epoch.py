"""Play one epoch of all runs of all conditions in one group.

Requests to a language model are sent in three batches, for any number of runs: the choice of policies, offers, and
answers. The choice takes two batches if an agent asks two questions in sequence.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Bool

from envs.schedule import Schedule
from envs.ultimatum import offer_of_units
from inference import DiscretePosterior, Evidence, evidence, infer
from inference.discrete.changing import expecting_change
from scai_irl.lm.ask import ask
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Ledger, Tally
from scai_irl.loop.choose_policies import choose_policies
from scai_irl.loop.epoch import Epoch
from scai_irl.loop.epoch_tables import MISSING, Actions, costs_table, interactions_table, verbal_policies_table
from scai_irl.loop.history import History
from scai_irl.loop.playing import play
from scai_irl.loop.simulated_users import Users, draw_users


@dataclass(frozen=True)
class EpochRecord:
    """Results of an epoch.

    Attributes:
        epoch: The epoch.
        interactions: One line for each interaction.
        verbal_policies: One line for each assistant.
        costs: One line for each condition: calls and tokens.
        posterior: Posterior after the epoch.
        tally: Cost of all requests.
    """

    epoch: Epoch
    interactions: pd.DataFrame
    verbal_policies: pd.DataFrame
    costs: pd.DataFrame
    posterior: DiscretePosterior
    tally: Tally


def play_epoch(epoch: Epoch, beliefs: DiscretePosterior, history: History, backend: Backend) -> EpochRecord:
    """Choose policies, play all interactions, and update the posterior.

    Args:
        epoch: The epoch.
        beliefs: Posterior of each row after the previous epoch.
        history: Earlier epochs.
        backend: Language model that translates policies and acts for the assistants.
    """
    setting = epoch.setting
    ledger = Ledger(setting.conditions)
    ask_model = functools.partial(ask, backend, costs=ledger)
    users = draw_users(epoch)
    beliefs = expecting_change(beliefs, setting.hazard if epoch.number > 1 else 0.0)
    policies = choose_policies(epoch, beliefs, history, ask_model)
    actions = play(epoch, users, policies, ask_model)
    return EpochRecord(
        epoch,
        interactions_table(epoch, users, policies, actions),
        verbal_policies_table(epoch, policies),
        costs_table(epoch, ledger),
        infer(setting.hypotheses, _evidence(epoch.schedule, users, actions), beliefs),
        ledger.total,
    )


def _evidence(schedule: Schedule, users: Users, actions: Actions) -> Evidence:
    """Collect the users' actions; actions of assistants, and missing ones, are no evidence."""
    stake = np.repeat(np.asarray(users.stake)[:, None], schedule.plays, axis=1)
    action = np.asarray(offer_of_units(jnp.asarray(np.maximum(actions.units, 0)), jnp.asarray(stake)))
    offered: Bool[np.ndarray, "row play"] = schedule.user_proposes & (actions.units != MISSING)
    answered: Bool[np.ndarray, "row play"] = schedule.user_responds & (actions.answer != MISSING)
    return evidence(stake, action, actions.answer == 1, offered, answered)
