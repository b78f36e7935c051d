"""Play the interactions of an epoch: first all offers, then all answers, each in one batch.

The language model plays the assistants; the phrasebook plays those whose policies it wrote itself. Users are
simulated, or played by the language model, which receives their norm and manner.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int, Shaped

from envs.norm_names import read_norm
from envs.policy import Policy
from envs.ultimatum import offer_of_units, offered_units
from scai_irl.agents.verbal_policies import VerbalPolicies
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.language.asking import Style
from scai_irl.language.manners import say
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import (
    answer_request,
    offer_request,
    read_answer,
    read_offer,
    read_user_answer,
    read_user_offer,
    user_answer_request,
    user_offer_request,
)
from scai_irl.lm.ask import Answers, Ask, Question, ask
from scai_irl.lm.protocol import Completion
from scai_irl.lm.tally import Tally
from scai_irl.loop.epoch import Epoch
from scai_irl.loop.epoch_tables import MISSING, Actions
from scai_irl.loop.setting import Condition
from scai_irl.loop.simulated_users import Users

_PROPOSER, _RESPONDER = 0, 1

Index = tuple[int, int]
Indexed = list[tuple[Index, Question]]
"""Questions with the index (row, play) of their interaction."""


@dataclass(frozen=True)
class _Interactions:
    """Interactions of an epoch.

    Attributes:
        epoch: The epoch.
        users: Users of the epoch.
        policies: Policies of the assistants, by condition.
        actions: Actions so far.
    """

    epoch: Epoch
    users: Users
    policies: list[VerbalPolicies]
    actions: Actions

    @functools.cached_property
    def stake(self) -> Int[np.ndarray, "row"]:
        return np.asarray(self.users.stake)

    @functools.cached_property
    def conditions(self) -> list[Condition]:
        return self.epoch.setting.condition_of_row

    @property
    def style(self) -> Style:
        return self.epoch.setting.style

    @property
    def simulated_users(self) -> bool:
        return self.epoch.setting.users_by == "simulation"

    def seed(self, index: Index, purpose: str) -> int:
        row, play = index
        return self.epoch.seed(row, purpose, play)

    def currency(self, row: int) -> str:
        return self.epoch.setting.currencies[int(self.users.currency[row])]

    def policies_of(self, row: int) -> tuple[VerbalPolicies, int]:
        """Policies of a row's condition, and the index of the row's run in it."""
        condition, run = divmod(row, len(self.epoch.setting.runs))
        return self.policies[condition], run

    def users_policy(self, index: Index, side: int) -> Policy:
        """Policy of the user in a slot."""
        setting = self.epoch.setting
        name = setting.user_norms[int(self.users.slots.norm[(*index, side)])]
        return Policy.of(read_norm(name, setting.rationality, setting.lapse))

    def indices(self, chosen: Bool[np.ndarray, "play"]) -> list[Index]:
        return [(row, int(play)) for row in range(self.epoch.setting.rows) for play in np.flatnonzero(chosen)]


def play(epoch: Epoch, users: Users, policies: list[VerbalPolicies], ask: Ask) -> Actions:
    """Play all interactions of an epoch.

    Args:
        epoch: The epoch.
        users: Users of the epoch.
        policies: Policies of the assistants, by condition.
        ask: Function that answers questions to the language model.
    """
    shape = (epoch.setting.rows, epoch.schedule.plays)
    texts = np.full(shape, None, object)
    actions = Actions(np.full(shape, MISSING), np.full(shape, MISSING), texts.copy(), texts.copy())
    interactions = _Interactions(epoch, users, policies, actions)
    _make_offers(interactions, ask)
    _give_answers(interactions, ask)
    return actions


def _ask_phrasebook(questions: Sequence[Question]) -> Answers:
    return ask(Phrasebook(), questions, Tally())


def _make_offers(interactions: _Interactions, ask: Ask) -> None:
    users, schedule, actions = interactions.users, interactions.epoch.schedule, interactions.actions
    by_model: Indexed = []
    if interactions.simulated_users:
        stake = users.stake[:, None] + 0 * users.slots.offer
        units = np.asarray(offered_units(users.slots.offer, stake))
        actions.units[:] = np.where(schedule.user_proposes, units, MISSING)
        _talk(interactions, actions.proposer_text, schedule.user_proposes, "says")
    else:
        by_model += [
            (index, _user_offer(interactions, index)) for index in interactions.indices(schedule.user_proposes)
        ]
    by_rule: Indexed = []
    for index in interactions.indices(schedule.proposing_assistant >= 0):
        row, play = index
        policies, run = interactions.policies_of(row)
        text = policies.texts[run][schedule.proposing_assistant[play]]
        if text is None:
            continue
        stake_of_row, seed = int(interactions.stake[row]), interactions.seed(index, "offer")
        request = offer_request(text, interactions.currency(row), stake_of_row, seed, interactions.style)
        read = functools.partial(read_offer, stake=stake_of_row)
        question = Question(request, read, interactions.conditions[row])
        (by_rule if policies.by_rule else by_model).append((index, question))
    _record(by_model, ask, actions.units, actions.proposer_text)
    _record(by_rule, _ask_phrasebook, actions.units, actions.proposer_text)


def _give_answers(interactions: _Interactions, ask: Ask) -> None:
    users, schedule, actions = interactions.users, interactions.epoch.schedule, interactions.actions
    offered = actions.units != MISSING
    by_model: Indexed = []
    if interactions.simulated_users:
        stake = users.stake[:, None] + 0 * jnp.asarray(actions.units)
        action = offer_of_units(jnp.asarray(np.maximum(actions.units, 0)), stake)
        accepted = users.answer(np.asarray(action)).astype(int)
        actions.answer[:] = np.where(schedule.user_responds & offered, accepted, MISSING)
        _talk(interactions, actions.responder_text, schedule.user_responds & offered, "replies")
    else:
        indices = interactions.indices(schedule.user_responds)
        by_model += [(index, _user_answer(interactions, index)) for index in indices if offered[index]]
    by_rule: Indexed = []
    for index in interactions.indices(schedule.responding_assistant >= 0):
        row, play = index
        policies, run = interactions.policies_of(row)
        text = policies.texts[run][schedule.responding_assistant[play]]
        if text is None or not offered[index]:
            continue
        request = answer_request(
            text,
            interactions.currency(row),
            int(interactions.stake[row]),
            int(actions.units[index]),
            interactions.seed(index, "answer"),
            interactions.style,
            actions.proposer_text[index] or "",
            strict=interactions.epoch.setting.strict,
        )
        question = Question(request, read_answer, interactions.conditions[row])
        (by_rule if policies.by_rule else by_model).append((index, question))
    _record(by_model, ask, actions.answer, actions.responder_text)
    _record(by_rule, _ask_phrasebook, actions.answer, actions.responder_text)


def _user_offer(interactions: _Interactions, index: Index) -> Question:
    row, _ = index
    condition, policy = interactions.conditions[row], interactions.users_policy(index, _PROPOSER)
    stake = int(interactions.stake[row])
    context = (interactions.currency(row), stake, interactions.seed(index, "user offer"), interactions.style)
    read: Callable[[Completion], object]
    if condition.manner:
        request = user_offer_request(policy, condition.manner, *context)
        read = functools.partial(read_user_offer, stake=stake)
    else:
        request = offer_request(say_policy(policy), *context)
        read = functools.partial(read_offer, stake=stake)
    return Question(request, read, condition)


def _user_answer(interactions: _Interactions, index: Index) -> Question:
    row, _ = index
    condition, policy = interactions.conditions[row], interactions.users_policy(index, _RESPONDER)
    context = (
        interactions.currency(row),
        int(interactions.stake[row]),
        int(interactions.actions.units[index]),
        interactions.seed(index, "user answer"),
        interactions.style,
        interactions.actions.proposer_text[index] or "",
    )
    if condition.manner:
        return Question(user_answer_request(policy, condition.manner, *context), read_user_answer, condition)
    return Question(answer_request(say_policy(policy), *context), read_answer, condition)


def _talk(
    interactions: _Interactions, texts: Shaped[np.ndarray, "row play"], where: Bool[np.ndarray, "..."], purpose: str
) -> None:
    """Let simulated users say a sentence in the manner of their condition, if it has one."""
    speaking = np.broadcast_to(where, texts.shape)
    for row, condition in enumerate(interactions.conditions):
        for play in np.flatnonzero(speaking[row]) if condition.manner else ():
            texts[row, play] = say(condition.manner, interactions.seed((row, int(play)), purpose))


def _record(
    indexed: Indexed, ask: Ask, values: Int[np.ndarray, "row play"], texts: Shaped[np.ndarray, "row play"]
) -> None:
    """Ask the questions, and write actions and messages; an answer that cannot be parsed stays missing."""
    answers = ask([question for _, question in indexed])
    for (index, _), answer in zip(indexed, answers, strict=True):
        if isinstance(answer, tuple):
            values[index], texts[index] = int(answer[0]), answer[1]
        elif answer is not None:
            values[index] = int(answer)  # type: ignore[call-overload]
