"""One epoch of all runs of all conditions in one group.

Calls of a language model go out in three batches, whatever the number of runs: translations, offers, answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from envs.norms import Policy
from envs.schedule import Schedule
from envs.seeds import derive_key, derive_seed
from envs.ultimatum import offer_of_units, offered_units
from inference import DiscretePosterior, Evidence, evidence, infer
from scai_irl.agents.ask import Tally
from scai_irl.agents.assistant import Turn, give_answers, make_offers, translate
from scai_irl.agents.choices import Situation, get_agent
from scai_irl.lm.protocol import Backend
from scai_irl.loop.setting import Setting
from scai_irl.loop.tables import MISSING, Played, interactions_table, verbal_policies_table
from scai_irl.loop.users import Users, draw_users


@dataclass(frozen=True)
class EpochRecord:
    """What an epoch leaves behind.

    Attributes:
        interactions: A line for each interaction.
        verbal_policies: A line for each assistant.
        posterior: Belief after the epoch.
        tally: What asking the model has cost.
    """

    interactions: pd.DataFrame
    verbal_policies: pd.DataFrame
    posterior: DiscretePosterior
    tally: Tally


def play_epoch(
    setting: Setting, schedule: Schedule, epoch: int, before: DiscretePosterior, backend: Backend
) -> EpochRecord:
    """Choose policies, put them into words, play, and update beliefs.

    Args:
        setting: The experiment.
        schedule: The group.
        epoch: Epoch, from 1.
        before: Belief of each row at the start.
        backend: Who translates, and acts for the assistants.
    """
    tally = Tally()
    users = draw_users(setting, schedule, epoch)
    policies = _choose(setting, schedule, epoch, before)
    texts = _say(setting, schedule, epoch, policies, backend, tally)
    played = _play(setting, schedule, epoch, users, texts, backend, tally)
    seen = _evidence(schedule, users, played)
    after = infer(setting.hypotheses, seen, before)
    return EpochRecord(
        interactions_table(setting, schedule, epoch, users, policies, texts, played),
        verbal_policies_table(setting, schedule, epoch, policies, texts),
        after,
        tally,
    )


def _seed(setting: Setting, schedule: Schedule, row: int, *path: str | int) -> int:
    condition = setting.condition_of_row[row]
    run = setting.runs[row % len(setting.runs)]
    return derive_seed(setting.seed, setting.experiment, condition.name(schedule.name), run, *path)


def _choose(setting: Setting, schedule: Schedule, epoch: int, before: DiscretePosterior) -> list[list[Policy]]:
    chosen: list[list[Policy]] = []
    for number, condition in enumerate(setting.conditions):
        rows = slice(number * len(setting.runs), (number + 1) * len(setting.runs))
        belief = DiscretePosterior(before.hypotheses, before.log_prob[rows], before.log_evidence[rows])
        name = condition.name(schedule.name)
        now = Situation(
            posterior=belief,
            truth=(setting.truth(condition),) * len(setting.runs),
            assistants=schedule.assistants,
            runs=jnp.asarray(setting.runs),
            key=derive_key(setting.seed, setting.experiment, name, "choice", epoch),
        )
        chosen += get_agent(condition.agent).choose(now)
    return chosen


def _say(
    setting: Setting,
    schedule: Schedule,
    epoch: int,
    policies: list[list[Policy]],
    backend: Backend,
    tally: Tally,
) -> list[list[str | None]]:
    """Have the policy of every assistant put into words."""
    flat = [policy for of_row in policies for policy in of_row]
    seeds = [
        _seed(setting, schedule, row, epoch, "translate", assistant)
        for row in range(setting.rows)
        for assistant in range(schedule.assistants)
    ]
    texts = translate(backend, flat, seeds, tally, setting.style)
    width = schedule.assistants
    return [texts[row * width : (row + 1) * width] for row in range(setting.rows)]


def _play(
    setting: Setting,
    schedule: Schedule,
    epoch: int,
    users: Users,
    texts: list[list[str | None]],
    backend: Backend,
    tally: Tally,
) -> Played:
    """Play all interactions: first the offers, then the answers."""
    stake = np.asarray(users.stake)
    by_user = np.asarray(offered_units(users.drawn.offer, users.stake[:, None] + 0 * users.drawn.offer))
    units = np.where(schedule.user_proposes, by_user, MISSING)

    def turns(assistants: Int[np.ndarray, "play"], purpose: str) -> tuple[list[tuple[int, int]], list[Turn]]:
        places, made = [], []
        for row in range(setting.rows):
            for play in np.flatnonzero(assistants >= 0):
                text = texts[row][assistants[play]]
                offered = None if purpose == "offer" else int(units[row, play])
                if text is None or offered == MISSING:
                    continue
                currency = setting.currencies[users.currency[row]]
                seed = _seed(setting, schedule, row, epoch, purpose, int(play))
                places.append((row, int(play)))
                made.append(Turn(text, currency, int(stake[row]), seed, offered))
        return places, made

    places, made = turns(schedule.proposing_assistant, "offer")
    _put(units, places, make_offers(backend, made, tally, setting.style))
    action = offer_of_units(jnp.asarray(np.maximum(units, 0)), users.stake[:, None] + 0 * jnp.asarray(units))
    by_users = users.answer(np.asarray(action)).astype(int)
    answer = np.where(schedule.user_responds & (units != MISSING), by_users, MISSING)
    places, made = turns(schedule.responding_assistant, "answer")
    _put(answer, places, give_answers(backend, made, tally, setting.style))
    return Played(units, answer)


def _put(
    into: Int[np.ndarray, "row play"],
    places: Sequence[tuple[int, int]],
    values: Sequence[int | bool | None],
) -> None:
    for place, value in zip(places, values, strict=True):
        into[place] = MISSING if value is None else int(value)


def _evidence(schedule: Schedule, users: Users, played: Played) -> Evidence:
    """Collect what users did; plays of assistants alone, and failed ones, say nothing."""
    stake = np.repeat(np.asarray(users.stake)[:, None], schedule.plays, axis=1)
    action = np.asarray(offer_of_units(jnp.asarray(np.maximum(played.units, 0)), jnp.asarray(stake)))
    offered: Bool[np.ndarray, "row play"] = schedule.user_proposes & (played.units != MISSING)
    answered: Bool[np.ndarray, "row play"] = schedule.user_responds & (played.answer != MISSING)
    return evidence(stake, action, played.answer == 1, offered, answered)
