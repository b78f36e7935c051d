"""Play the interactions of an epoch: first all offers, then all answers, each in one batch.

Assistants are played by the language model, or by the phrasebook where their words are its own; users are simulated,
or played by the language model, which is told their norm and manner.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from envs.policy import Norm, Policy
from envs.schedule import Schedule
from envs.ultimatum import offer_of_units, offered_units
from scai_irl.agents.verbal import VerbalPolicies
from scai_irl.backends.phrasebook.backend import Phrasebook
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
from scai_irl.lm.ask import Question, Tally, ask
from scai_irl.lm.protocol import Backend, Completion
from scai_irl.loop.choose_policies import seed_of_row
from scai_irl.loop.epoch_tables import MISSING, Played
from scai_irl.loop.setting import Condition, Setting
from scai_irl.loop.simulated_users import Users

_PROPOSING, _RESPONDING = 0, 1


@dataclass
class _Table:
    """An epoch that is being played.

    Attributes:
        setting: The experiment.
        schedule: The group.
        epoch: Epoch, from 1.
        users: Its users.
        words: What assistants follow, by condition.
        tallies: What asking costs each condition.
        played: What has been played.
    """

    setting: Setting
    schedule: Schedule
    epoch: int
    users: Users
    words: list[VerbalPolicies]
    tallies: Mapping[Condition, Tally]
    played: Played
    stake: Int[np.ndarray, "row"] = field(init=False)

    def __post_init__(self) -> None:
        self.stake = np.asarray(self.users.stake)

    def condition(self, row: int) -> Condition:
        return self.setting.condition_of_row[row]

    def seed(self, row: int, play: int, purpose: str) -> int:
        return seed_of_row(self.setting, self.schedule, row, self.epoch, purpose, play)

    def currency(self, row: int) -> str:
        return self.setting.currencies[int(self.users.currency[row])]

    def of_row(self, row: int) -> tuple[VerbalPolicies, int]:
        """Words of a row's condition, and the row's place in it."""
        condition, run = divmod(row, len(self.setting.runs))
        return self.words[condition], run

    def tally(self, row: int, words: VerbalPolicies) -> Tally | None:
        """Where a question of a row's assistants counts; asking the phrasebook costs nothing."""
        return None if words.by_rule else self.tallies[self.condition(row)]

    def norm(self, row: int, play: int, side: int) -> Policy:
        """Policy of the user who fills a slot."""
        name = self.setting.user_norms[int(self.users.drawn.norm[row, play, side])]
        return Policy.of(Norm(name, (), self.setting.rationality, self.setting.lapse))


Place = tuple[int, int]
Asked = list[tuple[Place, Question]]


def play(
    setting: Setting,
    schedule: Schedule,
    epoch: int,
    users: Users,
    words: list[VerbalPolicies],
    backend: Backend,
    tally: Tally,
    tallies: Mapping[Condition, Tally],
) -> Played:
    """Play all interactions.

    Args:
        setting: The experiment.
        schedule: The group.
        epoch: Epoch, from 1.
        users: Its users.
        words: What assistants follow, by condition.
        backend: Who acts for the assistants, and for users where they are played by a model.
        tally: What asking costs.
        tallies: What it costs each condition.
    """
    shape = (setting.rows, schedule.plays)
    nothing = np.full(shape, None, object)
    played = Played(np.full(shape, MISSING), np.full(shape, MISSING), nothing.copy(), nothing.copy())
    table = _Table(setting, schedule, epoch, users, words, tallies, played)
    _propose(table, backend, tally)
    _respond(table, backend, tally)
    return played


def _propose(table: _Table, backend: Backend, tally: Tally) -> None:
    users, schedule = table.users, table.schedule
    played = table.played
    asked: Asked = []
    if table.setting.users_by == "simulation":
        every = users.stake[:, None] + 0 * users.drawn.offer
        by_users = np.asarray(offered_units(users.drawn.offer, every))
        played.units[:] = np.where(schedule.user_proposes, by_users, MISSING)
        _talk(table, played.said, schedule.user_proposes, "says")
    else:
        asked += [((row, p), _user_offer(table, row, p)) for row, p in _places(table, schedule.user_proposes)]
    by_rule: Asked = []
    for row, p in _places(table, schedule.proposing_assistant >= 0):
        words, run = table.of_row(row)
        text = words.texts[run][schedule.proposing_assistant[p]]
        if text is None:
            continue
        stake = int(table.stake[row])
        request = offer_request(text, table.currency(row), stake, table.seed(row, p, "offer"), table.setting.style)
        question = Question(request, functools.partial(read_offer, stake=stake), table.tally(row, words))
        (by_rule if words.by_rule else asked).append(((row, p), question))
    _put(asked, backend, tally, played.units, played.said)
    _put(by_rule, Phrasebook(), Tally(), played.units, played.said)


def _respond(table: _Table, backend: Backend, tally: Tally) -> None:
    users, schedule = table.users, table.schedule
    played = table.played
    offered = played.units != MISSING
    asked: Asked = []
    if table.setting.users_by == "simulation":
        every = users.stake[:, None] + 0 * jnp.asarray(played.units)
        action = offer_of_units(jnp.asarray(np.maximum(played.units, 0)), every)
        by_users = users.answer(np.asarray(action)).astype(int)
        played.answer[:] = np.where(schedule.user_responds & offered, by_users, MISSING)
        _talk(table, played.replied, schedule.user_responds & offered, "replies")
    else:
        asked += [
            ((row, p), _user_answer(table, row, p))
            for row, p in _places(table, schedule.user_responds)
            if offered[row, p]
        ]
    by_rule: Asked = []
    for row, p in _places(table, schedule.responding_assistant >= 0):
        words, run = table.of_row(row)
        text = words.texts[run][schedule.responding_assistant[p]]
        if text is None or not offered[row, p]:
            continue
        request = answer_request(
            text,
            table.currency(row),
            int(table.stake[row]),
            int(played.units[row, p]),
            table.seed(row, p, "answer"),
            table.setting.style,
            played.said[row, p] or "",
            strict=table.setting.strict,
        )
        question = Question(request, read_answer, table.tally(row, words))
        (by_rule if words.by_rule else asked).append(((row, p), question))
    _put(asked, backend, tally, played.answer, played.replied)
    _put(by_rule, Phrasebook(), Tally(), played.answer, played.replied)


def _user_offer(table: _Table, row: int, p: int) -> Question:
    condition, policy = table.condition(row), table.norm(row, p, _PROPOSING)
    where = (table.currency(row), int(table.stake[row]), table.seed(row, p, "user offer"), table.setting.style)
    read: Callable[[Completion], object]
    if condition.manner:
        request = user_offer_request(policy, condition.manner, *where)
        read = functools.partial(read_user_offer, stake=where[1])
    else:
        request = offer_request(say_policy(policy), *where)
        read = functools.partial(read_offer, stake=where[1])
    return Question(request, read, table.tallies[condition])


def _user_answer(table: _Table, row: int, p: int) -> Question:
    condition, policy = table.condition(row), table.norm(row, p, _RESPONDING)
    stake, units = int(table.stake[row]), int(table.played.units[row, p])
    seed, style = table.seed(row, p, "user answer"), table.setting.style
    currency, said = table.currency(row), table.played.said[row, p] or ""
    read: Callable[[Completion], object]
    if condition.manner:
        request = user_answer_request(policy, condition.manner, currency, stake, units, seed, style, said)
        read = read_user_answer
    else:
        request = answer_request(say_policy(policy), currency, stake, units, seed, style, said)
        read = read_answer
    return Question(request, read, table.tallies[condition])


def _places(table: _Table, chosen: np.ndarray) -> list[Place]:
    return [(row, int(p)) for row in range(table.setting.rows) for p in np.flatnonzero(chosen)]


def _talk(table: _Table, into: np.ndarray, where: np.ndarray, purpose: str) -> None:
    """Have simulated users say a sentence in their manner, where they have one."""
    speaking = np.broadcast_to(where, into.shape)
    for row in range(table.setting.rows):
        manner = table.condition(row).manner
        for p in np.flatnonzero(speaking[row]) if manner else ():
            into[row, p] = say(manner, table.seed(row, int(p), purpose))


def _put(asked: Asked, backend: Backend, tally: Tally, into: Int[np.ndarray, "row play"], said: np.ndarray) -> None:
    """Ask, and note what was done and said; what could not be read stays missing."""
    answers = ask(backend, [question for _, question in asked], tally)
    for (place, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, tuple):
            into[place], said[place] = int(answer[0]), answer[1]
        elif answer is not None:
            into[place] = int(answer)  # type: ignore[call-overload]
