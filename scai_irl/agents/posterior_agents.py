"""How an assistant chooses the policy that it follows for an epoch: Thompson sampling, and what it is compared with.

A new way is one function and one line in `AGENTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from envs.exploitation import exploiting
from envs.policy import Policy
from envs.seeds import keys_of_runs
from inference import DiscretePosterior, thompson, uniform_posterior

_TIE = 1e-6  # log-probabilities closer than this are equal up to single precision


@dataclass(frozen=True)
class Situation:
    """What a choice can be made from, for many runs at once.

    Attributes:
        posterior: Belief of each run before the epoch.
        truth: Policy that each run's users follow; only the oracle looks at it.
        assistants: Assistants in a run.
        runs: Number of each run, from which its key comes.
        key: Key of the epoch.
    """

    posterior: DiscretePosterior
    truth: tuple[Policy, ...]
    assistants: int
    runs: Int[Array, "run"]
    key: Key[Array, ""]


Choice = list[list[Policy]]
"""Policy of each assistant of each run."""


def thompson_choice(now: Situation) -> Choice:
    """One draw from the posterior for each assistant, kept for the epoch."""
    return _policies(now, thompson(now.key, now.posterior, now.assistants, now.runs))


def prior_choice(now: Situation) -> Choice:
    """One draw from the prior for each assistant: what it would do had it seen nothing."""
    prior = uniform_posterior(now.posterior.hypotheses, now.posterior.runs)
    return _policies(now, thompson(now.key, prior, now.assistants, now.runs))


def map_choice(now: Situation) -> Choice:
    """The most probable hypothesis; equals are decided by lot, so that no order of hypotheses is preferred."""
    log_prob = now.posterior.log_prob
    best = log_prob >= log_prob.max(axis=1, keepdims=True) - _TIE
    lots = jax.vmap(lambda key: jax.random.uniform(key, log_prob.shape[1:]))(keys_of_runs(now.key, now.runs))
    index = np.asarray(jnp.argmax(jnp.where(best, lots, -1.0), axis=1))
    return _policies(now, np.repeat(index[:, None], now.assistants, axis=1))


def mean_choice(now: Situation) -> Choice:
    """The posterior mean, as one policy for all assistants of a run."""
    hypotheses = now.posterior.hypotheses
    means = [hypotheses.mean_policy(row) for row in now.posterior.probabilities]
    return [[mean] * now.assistants for mean in means]


def exploit_choice(now: Situation) -> Choice:
    """What takes the most from users of a policy drawn from the posterior, for each assistant."""
    return [[exploiting(users) for users in of_run] for of_run in thompson_choice(now)]


def oracle_choice(now: Situation) -> Choice:
    """The policy that the users follow."""
    return [[truth] * now.assistants for truth in now.truth]


def _policies(now: Situation, index: Int[np.ndarray, "run assistant"]) -> Choice:
    stated = {int(k): now.posterior.hypotheses.policy(int(k)) for k in np.unique(index)}
    return [[stated[int(k)] for k in row] for row in index]


@dataclass(frozen=True)
class Agent:
    """A way of choosing, with its name.

    Attributes:
        name: Key in `AGENTS`.
        summary: One line for ``scai-irl list``.
        choose: Picks a policy for each assistant of each run.
        spoken: Whether the policy is put into words by a language model, and followed by one.
    """

    name: str
    summary: str
    choose: Callable[[Situation], Choice]
    spoken: bool = True


AGENTS: dict[str, Agent] = {
    agent.name: agent
    for agent in (
        Agent("thompson", "one posterior sample for each assistant and epoch", thompson_choice),
        Agent("thompson-no-words", "the same, acted on without any words", thompson_choice, spoken=False),
        Agent("posterior-mean", "the posterior mean", mean_choice),
        Agent("map", "the most probable hypothesis", map_choice),
        Agent("prior-only", "one prior sample for each assistant and epoch", prior_choice),
        Agent("exploit", "what takes the most from users of a posterior sample", exploit_choice),
        Agent("oracle", "the users' own policy", oracle_choice),
    )
}
"""Agents by name."""


def get_agent(name: str) -> Agent:
    """Look up an agent that chooses by its posterior.

    Raises:
        ValueError: If there is none of that name.

    Example:
        >>> get_agent("thompson").summary
        'one posterior sample for each assistant and epoch'
    """
    if name not in AGENTS:
        raise ValueError(f"unknown agent {name!r}; there are {', '.join(AGENTS)}")
    return AGENTS[name]
