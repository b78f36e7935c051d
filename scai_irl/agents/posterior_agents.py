"""Agents that choose a policy from their numerical posterior: Thompson sampling, and its baselines.

A new agent is one function from a `Situation` to policies, and one line in `POSTERIOR_AGENTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from envs.exploitation import exploiting
from envs.policy import Policy
from envs.seeds import keys_of_runs
from inference import thompson, uniform_posterior
from scai_irl.agents.agent import Situation
from scai_irl.agents.verbal_policies import VerbalPolicies
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import read_translation, translation_request
from scai_irl.lm.ask import Question
from scai_irl.lm.rounds import Plan

_TIE = 1e-6  # log-probabilities closer than this are equal up to single precision

Choice = list[list[Policy]]
"""Policy of each assistant of each run."""


def thompson_choice(now: Situation) -> Choice:
    """Draw one posterior sample for each assistant."""
    return _policies(now, thompson(now.key, now.posterior, now.assistants, now.run_numbers))


def prior_choice(now: Situation) -> Choice:
    """Draw one prior sample for each assistant, without use of evidence."""
    prior = uniform_posterior(now.posterior.hypotheses, now.posterior.runs)
    return _policies(now, thompson(now.key, prior, now.assistants, now.run_numbers))


def map_choice(now: Situation) -> Choice:
    """Take the most probable hypothesis; ties are broken at random, so the order of hypotheses does not matter."""
    log_prob = now.posterior.log_prob
    best = log_prob >= log_prob.max(axis=1, keepdims=True) - _TIE
    keys = keys_of_runs(now.key, now.run_numbers)
    random = jax.vmap(lambda key: jax.random.uniform(key, log_prob.shape[1:]))(keys)
    index = np.asarray(jnp.argmax(jnp.where(best, random, -1.0), axis=1))
    return _policies(now, np.repeat(index[:, None], now.assistants, axis=1))


def mean_choice(now: Situation) -> Choice:
    """Take the posterior mean as the policy of all assistants of a run."""
    hypotheses = now.posterior.hypotheses
    means = [hypotheses.mean_policy(row) for row in now.posterior.probabilities]
    return [[mean] * now.assistants for mean in means]


def exploit_choice(now: Situation) -> Choice:
    """Take, for each assistant, the policy that earns most among users who follow a posterior sample."""
    return [[exploiting(users) for users in of_run] for of_run in thompson_choice(now)]


def oracle_choice(now: Situation) -> Choice:
    """Take the policy that the users follow."""
    return [[policy] * now.assistants for policy in now.users_policies]


def _policies(now: Situation, index: Int[np.ndarray, "run assistant"]) -> Choice:
    policies = {int(k): now.posterior.hypotheses.policy(int(k)) for k in np.unique(index)}
    return [[policies[int(k)] for k in row] for row in index]


@dataclass(frozen=True)
class PosteriorAgent:
    """An agent that chooses policies, which are then put into words.

    Attributes:
        name: Name in `scai_irl.agents.registry.AGENTS`.
        summary: One line for ``scai-irl list``.
        choose: Function that chooses a policy for each assistant of each run.
        verbal: Whether a language model puts the policies into words and follows them; otherwise the phrasebook does.
    """

    name: str
    summary: str
    choose: Callable[[Situation], Choice]
    verbal: bool = True

    def plan(self, now: Situation) -> Plan[VerbalPolicies]:
        """Choose the policies, and put them into words in one round of questions, or by rule in none."""
        choice = self.choose(now)
        if self.verbal:
            texts = yield from _translated(choice, now)
        else:
            texts = [[say_policy(policy) for policy in of_run] for of_run in choice]
        policies: list[list[Policy | None]] = [list(of_run) for of_run in choice]
        return VerbalPolicies(texts, policies, [None] * len(choice), by_rule=not self.verbal)


def _translated(choice: Choice, now: Situation) -> Plan[list[list[str | None]]]:
    """Ask the language model to put every policy into words."""
    answers = yield [
        Question(translation_request(policy, now.seed(run, "translate", n), now.style), read_translation, now.account)
        for run, of_run in enumerate(choice)
        for n, policy in enumerate(of_run)
    ]
    rest = iter(answers)
    return [[None if (answer := next(rest)) is None else str(answer) for _ in of_run] for of_run in choice]


POSTERIOR_AGENTS = (
    PosteriorAgent("thompson", "one posterior sample for each assistant and epoch", thompson_choice),
    PosteriorAgent(
        "thompson-no-words",
        "one posterior sample for each assistant and epoch, without a language model",
        thompson_choice,
        verbal=False,
    ),
    PosteriorAgent("posterior-mean", "the posterior mean", mean_choice),
    PosteriorAgent("map", "the most probable hypothesis", map_choice),
    PosteriorAgent("prior-only", "one prior sample for each assistant and epoch", prior_choice),
    PosteriorAgent("exploit", "the policy that earns most among users of a posterior sample", exploit_choice),
    PosteriorAgent("oracle", "the users' own policy", oracle_choice),
)
"""Agents that choose from a numerical posterior."""
