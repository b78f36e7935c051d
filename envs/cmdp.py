"""The protocol that every environment follows: a contextual MDP as pure functions over arrays.

The functions are written for one environment and one context. `jax.vmap` gives a batch, `jax.jit` compiles, and
`jax.lax.scan` rolls out. In games with several players, each state belongs to the player who moves in it, and rewards
have a player axis.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Array, Bool, Float, Int, Key, Scalar

from envs.contexts import Context


class TimeStep(NamedTuple):
    """The result of one action.

    Attributes:
        state: Index of the next state.
        reward: Material payoff to each player, as a share of the stake.
        done: Whether the episode has ended.
    """

    state: Int[Scalar, ""]
    reward: Float[Array, "player"]
    done: Bool[Scalar, ""]


class TabularMDP(NamedTuple):
    """The MDP of one context as arrays, for planning.

    Attributes:
        transition: P[s, a, s'], probability of s' after a in s; rows of illegal actions and terminal states are 0.
        reward: R[i, s, a], expected immediate reward of player i.
        legal: Whether a is allowed in s; no action is allowed in a terminal state.
        mover: Player who moves in s.
    """

    transition: Float[Array, "state action next_state"]
    reward: Float[Array, "player state action"]
    legal: Bool[Array, "state action"]
    mover: Int[Array, "state"]


@runtime_checkable
class ContextualMDP(Protocol):
    """A contextual MDP with finitely many states and actions."""

    @property
    def num_states(self) -> int:
        """Number of states, with terminal states."""
        ...

    @property
    def num_actions(self) -> int:
        """Number of actions, the largest over states."""
        ...

    @property
    def num_players(self) -> int:
        """Number of players; each has its own reward."""
        ...

    @property
    def horizon(self) -> int | None:
        """Number of actions of the longest possible episode; None for a game that may never end."""
        ...

    def init(self, key: Key[Array, ""], context: Context) -> Int[Scalar, ""]:
        """Draw a first state."""
        ...

    def step(
        self,
        key: Key[Array, ""],
        state: Int[Scalar, ""],
        action: Int[Scalar, ""],
        context: Context,
    ) -> TimeStep:
        """Take one action; an illegal one leaves the state and pays nothing."""
        ...

    def legal_actions(self, state: Int[Scalar, ""], context: Context) -> Bool[Array, "action"]:
        """Mask of the actions allowed in a state."""
        ...

    def tabular(self, context: Context) -> TabularMDP:
        """Write the context's MDP as arrays."""
        ...
