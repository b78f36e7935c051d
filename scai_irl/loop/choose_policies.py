"""Settle what every assistant follows for an epoch: all conditions ask in the same rounds."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import jax.numpy as jnp

from envs.schedule import Schedule
from envs.seeds import derive_key, derive_seed
from inference import DiscretePosterior
from scai_irl.agents.posterior_agents import AGENTS, Choice, Situation
from scai_irl.agents.text_agents import WRITERS, Watched
from scai_irl.agents.verbal import VerbalPolicies
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import read_translation, translation_request
from scai_irl.lm.ask import Question, Tally
from scai_irl.lm.protocol import Backend
from scai_irl.lm.rounds import Plan, in_rounds
from scai_irl.loop.history import History
from scai_irl.loop.setting import Condition, Setting


def seed_of_row(setting: Setting, schedule: Schedule, row: int, *path: str | int) -> int:
    """Derive a seed from a row's condition and run, and a path."""
    condition = setting.condition_of_row[row]
    run = setting.runs[row % len(setting.runs)]
    return derive_seed(setting.seed, setting.experiment, condition.name(schedule.name), run, *path)


def settle(
    setting: Setting,
    schedule: Schedule,
    epoch: int,
    before: DiscretePosterior,
    history: History,
    backend: Backend,
    tally: Tally,
    tallies: Mapping[Condition, Tally],
) -> list[VerbalPolicies]:
    """Have each condition's agent settle what its assistants follow.

    Args:
        setting: The experiment.
        schedule: The group.
        epoch: Epoch, from 1.
        before: Belief of each row at the start.
        history: What happened in earlier epochs.
        backend: Who is asked.
        tally: What asking costs.
        tallies: What it costs each condition.

    Returns:
        Words of each condition.
    """
    plans = []
    for number, condition in enumerate(setting.conditions):
        first = number * len(setting.runs)
        seed = functools.partial(_seed, setting, schedule, epoch, first)
        if condition.agent in WRITERS:
            rows = range(first, first + len(setting.runs))
            watched = Watched(
                epoch=epoch,
                assistants=schedule.assistants,
                games=tuple(history.games(row) for row in rows),
                texts=tuple(history.text(row) for row in rows),
                beliefs=tuple(history.belief(row) for row in rows),
                seed=seed,
                style=setting.style,
                tally=tallies[condition],
            )
            plans.append(WRITERS[condition.agent].write(watched))
            continue
        agent = AGENTS[condition.agent]
        rows_of = slice(first, first + len(setting.runs))
        belief = DiscretePosterior(before.hypotheses, before.log_prob[rows_of], before.log_evidence[rows_of])
        now = Situation(
            posterior=belief,
            truth=(setting.truth(condition, epoch),) * len(setting.runs),
            assistants=schedule.assistants,
            runs=jnp.asarray(setting.runs),
            key=derive_key(setting.seed, setting.experiment, condition.name(schedule.name), "choice", epoch),
        )
        chosen = agent.choose(now)
        plans.append(_said(chosen, seed, setting, tallies[condition]) if agent.spoken else _by_rule(chosen))
    return in_rounds(backend, plans, tally)


def _seed(setting: Setting, schedule: Schedule, epoch: int, first: int, run: int, *path: str | int) -> int:
    return seed_of_row(setting, schedule, first + run, epoch, *path)


def _said(chosen: Choice, seed: functools.partial[int], setting: Setting, tally: Tally) -> Plan[VerbalPolicies]:
    """Have chosen policies put into words."""
    answers = yield [
        Question(translation_request(policy, seed(run, "translate", n), setting.style), read_translation, tally)
        for run, of_run in enumerate(chosen)
        for n, policy in enumerate(of_run)
    ]
    left = iter(answers)
    texts = [[None if (answer := next(left)) is None else str(answer) for _ in of_run] for of_run in chosen]
    return VerbalPolicies(texts, [list(of_run) for of_run in chosen], [None] * len(chosen))


def _by_rule(chosen: Choice) -> Plan[VerbalPolicies]:
    """Say chosen policies in the phrasebook's words, asking nobody."""
    yield []
    texts: list[list[str | None]] = [[say_policy(policy) for policy in of_run] for of_run in chosen]
    return VerbalPolicies(texts, [list(of_run) for of_run in chosen], [None] * len(chosen), by_rule=True)
