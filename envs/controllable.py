r"""The controllable ultimatum game: a responder whose answers change later offers (after Na et al. 2021).

The proposer is not a player but part of the environment. Offers are tenths of the stake, x ∈ {1, …, 9}:

    reward  r(x, accept) = x / 10,      r(x, reject) = 0
    moves   x' = max(x − 1, 1) after an acceptance,      x' = min(x + 1, 9) after a rejection

So a responder who looks ahead rejects fair offers to get higher ones. State ``9 r + x − 1`` is offer x in round r; the
last state is the end of the game. Here each answer moves the offer by exactly one tenth; in the study the size was
random.

References:
    Na, Chung, Hula, Perl, Jung, Heflin, Blackmore, Fiore, Dayan & Gu (2021), Humans use forward thinking to exploit
    social controllability, eLife 10:e64983.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from envs.cmdp import TabularMDP, TimeStep
from envs.contexts import Context
from envs.ultimatum import ACCEPT

NUM_TENTHS = 9
"""Offers of 1/10 to 9/10 of the stake."""


def tenth_of(state: Int[Array, "*n"]) -> Int[Array, "*n"]:
    """Offer in a state, 1..9 tenths; undefined after the end of the game.

    Example:
        >>> int(tenth_of(jnp.asarray(13)))
        5
    """
    return state % NUM_TENTHS + 1


def next_tenth(tenth: Int[Array, "*n"], accepted: Bool[Array, "*n"]) -> Int[Array, "*n"]:
    """Offer that follows an answer: one tenth less after an acceptance, one more after a rejection, within 1..9.

    Example:
        >>> next_tenth(jnp.asarray([5, 5, 1, 9]), jnp.asarray([True, False, True, False])).tolist()
        [4, 6, 1, 9]
    """
    return jnp.clip(jnp.where(accepted, tenth - 1, tenth + 1), 1, NUM_TENTHS)


def endless_game(control: Float[Array, ""]) -> TabularMDP:
    """The game for a responder who does not count rounds: one state for each offer, and no end.

    Args:
        control: Probability that an answer moves the offer; otherwise the offer stays. 1 is the game itself. With 0,
            answers have no consequences.

    Example:
        >>> mdp = endless_game(jnp.asarray(1.0))
        >>> mdp.reward[0, :, ACCEPT].round(1).tolist()[:3], int(mdp.transition[4, ACCEPT].argmax())
        ([0.10000000149011612, 0.20000000298023224, 0.30000001192092896], 3)
    """
    tenths = jnp.arange(1, NUM_TENTHS + 1)
    accepted = jnp.arange(2) == ACCEPT
    moved = jax.vmap(lambda tenth: next_tenth(jnp.broadcast_to(tenth, (2,)), accepted))(tenths)
    stays = jnp.eye(NUM_TENTHS)[:, None, :]
    transition = control * jax.nn.one_hot(moved - 1, NUM_TENTHS) + (1 - control) * stays
    reward = jnp.where(accepted, tenths[:, None] / 10, 0.0)
    legal = jnp.ones((NUM_TENTHS, 2), bool)
    return TabularMDP(transition, reward[None], legal, jnp.zeros(NUM_TENTHS, jnp.int32))


@dataclass(frozen=True)
class ControllableUltimatum:
    """The controllable ultimatum game: offers depend on earlier answers; the module's docstring has its states.

    Attributes:
        rounds: Rounds of an episode, 1 or more.
        start: First offer in tenths of the stake, 1..9.

    Raises:
        ValueError: If there is no round, or the first offer is outside 1..9.

    Example:
        >>> from envs.contexts import context
        >>> game, c, key = ControllableUltimatum(), context(stake=10), jax.random.key(0)
        >>> first = game.init(key, c)
        >>> refused = game.step(key, first, jnp.asarray(0), c)
        >>> int(tenth_of(first)), int(tenth_of(refused.state)), refused.reward.tolist()
        (5, 6, [0.0])
    """

    rounds: int = 40
    start: int = 5

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ValueError(f"rounds: {self.rounds} is too few; give 1 or more")
        if not 1 <= self.start <= NUM_TENTHS:
            raise ValueError(f"start: {self.start} is no offer; give 1 to {NUM_TENTHS} tenths")

    @property
    def num_states(self) -> int:
        """Number of states: an offer in each round, and the end."""
        return self.rounds * NUM_TENTHS + 1

    @property
    def num_actions(self) -> int:
        """Number of actions: reject and accept."""
        return 2

    @property
    def num_players(self) -> int:
        """Number of players: the responder only."""
        return 1

    @property
    def horizon(self) -> int:
        """Number of answers, one in each round."""
        return self.rounds

    def init(self, key: Key[Array, ""], context: Context) -> Int[Array, ""]:
        """Start with the same offer, for every key."""
        del key, context
        return jnp.asarray(self.start - 1, jnp.int32)

    def legal_actions(self, state: Int[Array, ""], context: Context) -> Bool[Array, "action"]:
        """Mask of the legal answers: both until the end of the game."""
        del context
        return jnp.broadcast_to(state < self.num_states - 1, (self.num_actions,))

    def step(self, key: Key[Array, ""], state: Int[Array, ""], action: Int[Array, ""], context: Context) -> TimeStep:
        """Answer the offer, receive the payoff, and get the next offer."""
        del key, context
        over = self.num_states - 1
        legal = (action >= 0) & (action < self.num_actions) & (state < over)
        accepted = legal & (action == ACCEPT)
        payoff = jnp.where(accepted, tenth_of(state) / 10, 0.0)
        following = (state // NUM_TENTHS + 1) * NUM_TENTHS + next_tenth(tenth_of(state), accepted) - 1
        following = jnp.where(legal, jnp.minimum(following, over), state).astype(jnp.int32)
        return TimeStep(following, payoff[None], following == over)

    def tabular(self, context: Context) -> TabularMDP:
        """Write the game as arrays, by calling `step` for every state and action."""
        states, actions = jnp.arange(self.num_states), jnp.arange(self.num_actions)
        legal = jax.vmap(lambda s: self.legal_actions(s, context))(states)
        key = jax.random.key(0)  # the game has no chance moves

        def outcome(s: Int[Array, ""], a: Int[Array, ""]) -> TimeStep:
            return self.step(key, s, a, context)

        steps = jax.vmap(jax.vmap(outcome, (None, 0)), (0, None))(states, actions)
        transition = jax.nn.one_hot(steps.state, self.num_states) * legal[..., None]
        mover = jnp.zeros(self.num_states, jnp.int32)
        return TabularMDP(transition, jnp.moveaxis(steps.reward, -1, 0), legal, mover)
