"""What an epoch looks like in a table: a line for each interaction, a line for each assistant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Int, Shaped

from envs.policy import Policy
from envs.schedule import Schedule
from envs.ultimatum import offer_of_units
from scai_irl.agents.verbal import VerbalPolicies
from scai_irl.language.policy_json import policy_to_json
from scai_irl.lm.ask import Tally
from scai_irl.loop.expected import expected_shares
from scai_irl.loop.regret import regret_of_offers
from scai_irl.loop.setting import Condition, Setting
from scai_irl.loop.simulated_users import Users

MISSING = -1
"""In the place of an offer or an answer that no model would give."""

_ROLES = {"u": "user", "a": "assistant"}


@dataclass(frozen=True)
class Played:
    """Offers and answers of an epoch.

    Attributes:
        units: Units offered, or `MISSING`.
        answer: 1 accepted, 0 rejected, or `MISSING`.
        said: What the proposer said, or None.
        replied: What the responder said, or None.
    """

    units: Int[np.ndarray, "row play"]
    answer: Int[np.ndarray, "row play"]
    said: Shaped[np.ndarray, "row play"]
    replied: Shaped[np.ndarray, "row play"]


def interactions_table(
    setting: Setting,
    schedule: Schedule,
    epoch: int,
    users: Users,
    words: list[VerbalPolicies],
    played: Played,
) -> pd.DataFrame:
    """A line for each interaction; the policy of a user is its norm, that of an assistant its verbal policy.

    Args:
        setting: The experiment.
        schedule: The group.
        epoch: Epoch, from 1.
        users: Its users.
        words: What assistants followed, by condition.
        played: Offers and answers.

    ``expected_share`` is what the proposer would offer on average: under the policy that the assistant was to follow,
    or, for users, under the group's. ``user_accept_probability`` is the probability that a member of the group would
    accept the offer, against which an assistant's answer can be held; ``regret`` is what the offer costs the group
    (`scai_irl.loop.regret`).
    """
    rows, plays = setting.rows, schedule.plays
    texts = [of_run for of_condition in words for of_run in of_condition.texts]
    policies = [of_run for of_condition in words for of_run in of_condition.policies]
    stake = np.repeat(np.asarray(users.stake), plays)
    units = played.units.reshape(-1)
    answer = played.answer.reshape(-1)
    made = units != MISSING
    action = offer_of_units(jnp.asarray(np.maximum(units, 0)), jnp.asarray(stake))
    would = users.accept_probability(np.asarray(action).reshape(rows, plays)).reshape(-1)
    lost = regret_of_offers(setting, users, np.asarray(action).reshape(rows, plays)).reshape(-1)
    of_group = expected_shares([[setting.truth(c, epoch)] for c in setting.condition_of_row], users.stake)
    of_assistants = expected_shares(policies, users.stake)
    # A proposing user has the number −1 and so the last column.
    expected = np.concatenate([of_assistants, of_group], axis=1)[:, schedule.proposing_assistant]
    norm_of_user = np.array(setting.user_norms)[np.asarray(users.drawn.norm)]

    def policy(side: int, assistants: Int[np.ndarray, "play"]) -> list[str | None]:
        return [
            texts[row][assistants[play]] if assistants[play] >= 0 else str(norm_of_user[row, play, side])
            for row in range(rows)
            for play in range(plays)
        ]

    pairing = list(schedule.pairing) * rows
    columns = placed(setting, schedule, epoch, plays) | {
        "play": np.tile(np.arange(plays), rows).astype(np.int64),
        "pairing": pairing,
        "proposer": [_ROLES[pair[0]] for pair in pairing],
        "responder": [_ROLES[pair[1]] for pair in pairing],
        "currency": np.repeat(np.array(setting.currencies)[users.currency], plays),
        "stake": stake.astype(np.int64),
        "offer": pd.Series(units, dtype="Int64").where(made, pd.NA),
        "offered_share": np.where(made, units / stake, np.nan),
        "expected_share": expected.reshape(-1),
        "accepted": pd.Series(answer == 1, dtype="boolean").where(answer != MISSING, pd.NA),
        "proposer_policy": policy(0, schedule.proposing_assistant),
        "responder_policy": policy(1, schedule.responding_assistant),
        "manner": np.repeat([c.manner or "silent" for c in setting.condition_of_row], plays),
        "proposer_text": played.said.reshape(-1),
        "responder_text": played.replied.reshape(-1),
        "user_accept_probability": np.where(made, would, np.nan).astype(float),
        "regret": np.where(made, lost, np.nan).astype(float),
    }
    return pd.DataFrame(columns)


def verbal_policies_table(
    setting: Setting,
    schedule: Schedule,
    epoch: int,
    words: list[VerbalPolicies],
) -> pd.DataFrame:
    """A line for each assistant: the policy that was chosen, as JSON, the words for it, and the run's belief in words.

    Where an agent learns in words alone, no policy was chosen; where it has a posterior, no belief is kept in words.
    """
    width = schedule.assistants
    columns = placed(setting, schedule, epoch, width) | {
        "assistant": np.tile(np.arange(width), setting.rows).astype(np.int64),
        "chosen": [chosen_as_json(policy) for part in words for of_run in part.policies for policy in of_run],
        "written": [text for part in words for of_run in part.texts for text in of_run],
        "belief": [belief for part in words for belief in part.beliefs for _ in range(width)],
    }
    return pd.DataFrame(columns).astype({"chosen": "string", "written": "string", "belief": "string"})


def costs_table(setting: Setting, schedule: Schedule, epoch: int, tallies: Mapping[Condition, Tally]) -> pd.DataFrame:
    """A line for each condition: calls, answers that could not be read, tokens; users played by a model included."""
    lines = [
        {
            "experiment": setting.experiment,
            "condition": condition.name(schedule.name),
            "group": schedule.name,
            "users": condition.users_and_manner,
            "agent": condition.agent,
            "epoch": epoch,
            **asdict(tally),
        }
        for condition, tally in tallies.items()
    ]
    return pd.DataFrame(lines)


def chosen_as_json(policy: Policy | None) -> str | None:
    """Write a policy that was chosen; None where there was none."""
    return None if policy is None else json.dumps(policy_to_json(policy))


def placed(setting: Setting, schedule: Schedule, epoch: int, lines: int) -> dict[str, Any]:
    """Columns that place a line in the experiment; every row of the setting has as many lines as said."""
    conditions = setting.condition_of_row
    return {
        "experiment": setting.experiment,
        "condition": np.repeat([c.name(schedule.name) for c in conditions], lines),
        "group": schedule.name,
        "users": np.repeat([c.users_and_manner for c in conditions], lines),
        "agent": np.repeat([c.agent for c in conditions], lines),
        "run": np.repeat(np.asarray(setting.run_of_row), lines).astype(np.int64),
        "epoch": np.int64(epoch),
    }
