"""Planning and roll-outs in any environment, given by its name or as an object.

`plan` computes the noisy-optimal policy of `envs.planning`, or of `envs.soft_values` if a game has no end. `roll_out`
simulates it. Both work for every environment of the registry, so a new game needs no own planner or simulator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from envs.cmdp import ContextualMDP
from envs.contexts import Context
from envs.planning import soft_backward_induction, with_utility
from envs.registry import make
from envs.soft_values import soft_value_iteration
from envs.utilities import get_utility

_ENDLESS_DISCOUNT = 0.95


class Episode(NamedTuple):
    """One episode, action by action. After its end, `playing` is false and the other fields are undefined.

    Attributes:
        state: State in which each action was taken.
        action: The action.
        reward: Payoff to each player.
        playing: Whether the episode had not ended.
    """

    state: Int[Array, "time"]
    action: Int[Array, "time"]
    reward: Float[Array, "time player"]
    playing: Bool[Array, "time"]


def plan(
    environment: str | ContextualMDP,
    context: Context,
    rationality: float,
    lapse: float = 0.0,
    discount: float | None = None,
    utility: str | None = None,
    theta: Sequence[float] | Float[Array, "parameter"] = (),
) -> Float[Array, "stage state action"]:
    """Compute log π of players who plan to the end of a game.

    Args:
        environment: Name in `envs.registry.ENVIRONMENTS`, or an environment.
        context: The interaction.
        rationality: λ ≥ 0.
        lapse: ε in [0, 1].
        discount: γ; 1 unless given, and 0.95 in a game without an end.
        utility: Name of a utility of two players over their payoffs; the payoffs themselves if not given.
        theta: The utility's parameters.

    Returns:
        A policy for each step of the game; a single policy for a game without an end.

    Example:
        >>> from envs.contexts import context
        >>> log_policy = plan("ultimatum", context(stake=10), rationality=200.0, utility="fair")
        >>> int(log_policy[0, 0].argmax())
        5
    """
    game = make(environment)
    mdp = game.tabular(context)
    if utility is not None:
        described = get_utility(utility)
        mdp = with_utility(mdp, described.function, jnp.asarray(theta, jnp.float32), described.responding)
    noise = jnp.asarray(rationality), jnp.asarray(lapse)
    if game.horizon is None:
        endless = _ENDLESS_DISCOUNT if discount is None else discount
        return soft_value_iteration(mdp, *noise, jnp.asarray(endless)).log_policy[None]
    return soft_backward_induction(mdp, game.horizon, *noise, 1.0 if discount is None else discount).log_policy


def roll_out(
    key: Key[Array, ""],
    environment: str | ContextualMDP,
    context: Context,
    log_policy: Float[Array, "stage state action"],
    steps: int | None = None,
) -> Episode:
    """Play one episode by a policy; `jax.vmap` over keys gives a batch.

    Args:
        key: Randomness.
        environment: Name in `envs.registry.ENVIRONMENTS`, or an environment.
        context: The interaction.
        log_policy: Log-probabilities of actions at each step; the last stage applies to all later steps.
        steps: Maximum number of actions; the horizon if not given.

    Raises:
        ValueError: If the game has no end and no number of steps is given.

    Example:
        >>> from envs.contexts import context
        >>> c = context(stake=10)
        >>> episode = roll_out(jax.random.key(0), "ultimatum", c, plan("ultimatum", c, 200.0, utility="fair"))
        >>> episode.action.tolist(), episode.reward[-1].tolist()
        ([5, 1], [0.5, 0.5])
    """
    game = make(environment)
    length = game.horizon if steps is None else steps
    if length is None:
        raise ValueError("steps: the game has no end; give a number of steps")
    key_init, key_play = jax.random.split(key)
    stages = jnp.minimum(jnp.arange(length), log_policy.shape[0] - 1)

    def step(state: Int[Array, ""], now: tuple[Array, Array]) -> tuple[Int[Array, ""], Episode]:
        own_key, stage = now
        key_action, key_step = jax.random.split(own_key)
        playing = game.legal_actions(state, context).any()
        action = jax.random.categorical(key_action, jnp.where(playing, log_policy[stage, state], 0.0))
        taken = game.step(key_step, state, action, context)
        return taken.state, Episode(state, action, taken.reward, playing)

    _, episode = jax.lax.scan(step, game.init(key_init, context), (jax.random.split(key_play, length), stages))
    return episode
