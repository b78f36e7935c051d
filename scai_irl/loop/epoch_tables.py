"""Tables of an epoch: one line for each interaction, assistant and condition."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Int, Shaped

from envs.policy import Policy
from envs.ultimatum import offer_of_units
from scai_irl.agents.verbal_policies import VerbalPolicies
from scai_irl.language.policy_json import policy_to_json
from scai_irl.lm.tally import Ledger
from scai_irl.loop.epoch import Epoch
from scai_irl.loop.expected import expected_shares
from scai_irl.loop.regret import regret_of_offers
from scai_irl.loop.simulated_users import Users

MISSING = -1
"""Value of an offer or an answer that the model did not give."""

_ROLES = {"u": "user", "a": "assistant"}


@dataclass(frozen=True)
class Actions:
    """Offers, answers and messages of all interactions of an epoch.

    Attributes:
        units: Units offered, or `MISSING`.
        answer: 1 for accepted, 0 for rejected, or `MISSING`.
        proposer_text: Message of the proposer, or None.
        responder_text: Message of the responder, or None.
    """

    units: Int[np.ndarray, "row play"]
    answer: Int[np.ndarray, "row play"]
    proposer_text: Shaped[np.ndarray, "row play"]
    responder_text: Shaped[np.ndarray, "row play"]


def interactions_table(epoch: Epoch, users: Users, policies: list[VerbalPolicies], actions: Actions) -> pd.DataFrame:
    """Make a table with one line for each interaction.

    The policy of a user is its norm, and that of an assistant is its verbal policy. ``expected_share`` is the expected
    offer under the assistant's policy or, for users, under the population's policy. ``user_accept_probability`` is the
    probability that a member of the population accepts the offer. ``regret`` is defined in `scai_irl.loop.regret`.

    Args:
        epoch: The epoch.
        users: Users of the epoch.
        policies: Policies of the assistants, by condition.
        actions: Offers, answers and messages.
    """
    setting, schedule = epoch.setting, epoch.schedule
    rows, plays = setting.rows, schedule.plays
    texts = [of_run for of_condition in policies for of_run in of_condition.texts]
    chosen = [of_run for of_condition in policies for of_run in of_condition.policies]
    stake = np.repeat(np.asarray(users.stake), plays)
    units = actions.units.reshape(-1)
    answer = actions.answer.reshape(-1)
    has_offer = units != MISSING
    action = offer_of_units(jnp.asarray(np.maximum(units, 0)), jnp.asarray(stake))
    accept_probability = users.accept_probability(np.asarray(action).reshape(rows, plays)).reshape(-1)
    regret = regret_of_offers(setting, users, np.asarray(action).reshape(rows, plays)).reshape(-1)
    of_group = expected_shares([[setting.users_policy(c, epoch.number)] for c in setting.condition_of_row], users.stake)
    of_assistants = expected_shares(chosen, users.stake)
    # A proposing user has the index −1, so it gets the last column.
    expected = np.concatenate([of_assistants, of_group], axis=1)[:, schedule.proposing_assistant]
    norm_of_user = np.array(setting.user_norms)[np.asarray(users.slots.norm)]

    def policy(side: int, assistants: Int[np.ndarray, "play"]) -> list[str | None]:
        return [
            texts[row][assistants[play]] if assistants[play] >= 0 else str(norm_of_user[row, play, side])
            for row in range(rows)
            for play in range(plays)
        ]

    pairing = list(schedule.pairing) * rows
    columns = index_columns(epoch, plays) | {
        "play": np.tile(np.arange(plays), rows).astype(np.int64),
        "pairing": pairing,
        "proposer": [_ROLES[pair[0]] for pair in pairing],
        "responder": [_ROLES[pair[1]] for pair in pairing],
        "currency": np.repeat(np.array(setting.currencies)[users.currency], plays),
        "stake": stake.astype(np.int64),
        "offer": pd.Series(units, dtype="Int64").where(has_offer, pd.NA),
        "offered_share": np.where(has_offer, units / stake, np.nan),
        "expected_share": expected.reshape(-1),
        "accepted": pd.Series(answer == 1, dtype="boolean").where(answer != MISSING, pd.NA),
        "proposer_policy": policy(0, schedule.proposing_assistant),
        "responder_policy": policy(1, schedule.responding_assistant),
        "manner": np.repeat([c.manner or "silent" for c in setting.condition_of_row], plays),
        "proposer_text": actions.proposer_text.reshape(-1),
        "responder_text": actions.responder_text.reshape(-1),
        "user_accept_probability": np.where(has_offer, accept_probability, np.nan).astype(float),
        "regret": np.where(has_offer, regret, np.nan).astype(float),
    }
    return pd.DataFrame(columns)


def verbal_policies_table(epoch: Epoch, policies: list[VerbalPolicies]) -> pd.DataFrame:
    """Make a table with one line for each assistant: policy as JSON, verbal policy, and its run's verbal belief.

    An agent without a posterior has no policy as JSON. An agent with a posterior has no verbal belief.
    """
    width = epoch.schedule.assistants
    columns = index_columns(epoch, width) | {
        "assistant": np.tile(np.arange(width), epoch.setting.rows).astype(np.int64),
        "chosen": [chosen_as_json(policy) for part in policies for of_run in part.policies for policy in of_run],
        "written": [text for part in policies for of_run in part.texts for text in of_run],
        "belief": [belief for part in policies for belief in part.beliefs for _ in range(width)],
    }
    return pd.DataFrame(columns).astype({"chosen": "string", "written": "string", "belief": "string"})


def costs_table(epoch: Epoch, ledger: Ledger) -> pd.DataFrame:
    """Make a table with one line for each condition: calls, failures and tokens, including those of users."""
    lines = [
        {
            "experiment": epoch.setting.experiment,
            "condition": epoch.condition_name(condition),
            "group": epoch.schedule.name,
            "users": condition.users_and_manner,
            "agent": condition.agent,
            "epoch": epoch.number,
            **asdict(ledger[condition]),
        }
        for condition in dict.fromkeys(epoch.setting.conditions)
    ]
    return pd.DataFrame(lines)


def chosen_as_json(policy: Policy | None) -> str | None:
    """Write an assistant's policy as JSON; None if it has a text only."""
    return None if policy is None else json.dumps(policy_to_json(policy))


def index_columns(epoch: Epoch, lines: int) -> dict[str, Any]:
    """Make the columns for the condition, run and epoch of each line.

    Args:
        epoch: The epoch.
        lines: Number of lines of each row of the setting.
    """
    setting = epoch.setting
    conditions = setting.condition_of_row
    return {
        "experiment": setting.experiment,
        "condition": np.repeat([epoch.condition_name(c) for c in conditions], lines),
        "group": epoch.schedule.name,
        "users": np.repeat([c.users_and_manner for c in conditions], lines),
        "agent": np.repeat([c.agent for c in conditions], lines),
        "run": np.repeat(np.asarray(setting.run_of_row), lines).astype(np.int64),
        "epoch": np.int64(epoch.number),
    }
