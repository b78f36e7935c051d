"""The ultimatum game as a contextual MDP (Güth, Schmittberger & Schwarze 1982).

A proposer offers part of a stake. The responder accepts, and both are paid, or rejects, and neither is paid. States are
``0`` (the proposer moves), ``1 + a`` (the responder answers offer ``a``) and `OVER`. For stakes of at most 100, action
``a`` of the proposer is the offer in units. For larger stakes it is a percentage, so array shapes are the same. Actions
of the responder are `REJECT` and `ACCEPT`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, Scalar

from envs.cmdp import TabularMDP, TimeStep
from envs.contexts import Context

NUM_OFFERS = 101
"""Size of the offer axis: 0..100 units, or per cent of stakes above 100."""

PROPOSER, RESPONDER = 0, 1
REJECT, ACCEPT = 0, 1
START, OVER = 0, NUM_OFFERS + 1


def legal_offers(stake: Int[Array, "..."]) -> Bool[Array, "... offer"]:
    """Mask of the offers that a stake allows: 0..stake, or all percentages above 100.

    Example:
        >>> int(legal_offers(jnp.asarray(20)).sum()), int(legal_offers(jnp.asarray(500)).sum())
        (21, 101)
    """
    return jnp.arange(NUM_OFFERS) <= jnp.minimum(stake, NUM_OFFERS - 1)[..., None]


def offered_share(offer: Int[Array, "*n"], stake: Int[Array, "*n"]) -> Float[Array, "*n"]:
    """Share of the stake that an offer gives to the responder, in [0, 1].

    Stakes above 100 are also paid in whole units, so their share is that of the nearest unit.

    Example:
        >>> float(offered_share(jnp.asarray(5), jnp.asarray(20)))
        0.25
    """
    return offered_units(offer, stake) / stake


def offered_units(offer: Int[Array, "*n"], stake: Int[Array, "*n"]) -> Int[Array, "*n"]:
    """Whole units that an offer gives to the responder.

    Percentages are computed by integer arithmetic that rounds half a unit up. No stake below 1e7 overflows.

    Example:
        >>> int(offered_units(jnp.asarray(50), jnp.asarray(2001)))
        1001
    """
    units_of_percentage = (2 * offer * stake + 100) // 200
    return jnp.where(stake < NUM_OFFERS, offer, units_of_percentage)


def offer_of_units(units: Int[Array, "*n"], stake: Int[Array, "*n"]) -> Int[Array, "*n"]:
    """Offer (action) nearest to an amount given to the responder; the inverse of `offered_units` up to 100.

    Example:
        >>> int(offer_of_units(jnp.asarray(250), jnp.asarray(1000)))
        25
    """
    percentage = (200 * units + stake) // (2 * stake)
    return jnp.where(stake < NUM_OFFERS, units, percentage)


class UltimatumGame:
    """The ultimatum game: one offer and one answer; the module's docstring has its states and actions.

    Example:
        >>> from envs.contexts import context
        >>> game, c, key = UltimatumGame(), context(stake=10), jax.random.key(0)
        >>> on_table = game.step(key, game.init(key, c), jnp.asarray(4), c)
        >>> paid = game.step(key, on_table.state, jnp.asarray(ACCEPT), c)
        >>> [round(float(share), 2) for share in paid.reward], bool(paid.done)
        ([0.6, 0.4], True)
    """

    num_states = NUM_OFFERS + 2
    num_actions = NUM_OFFERS
    num_players = 2
    horizon = 2

    def init(self, key: Key[Array, ""], context: Context) -> Int[Scalar, ""]:
        """Start with the proposer's move, for every key."""
        del key, context
        return jnp.asarray(START, jnp.int32)

    def legal_actions(self, state: Int[Scalar, ""], context: Context) -> Bool[Array, "action"]:
        """Mask of legal actions: offers in the first state, two answers to an offer, none after the end."""
        answers = jnp.arange(NUM_OFFERS) <= ACCEPT
        return jnp.where(state == START, legal_offers(context.stake), jnp.where(state == OVER, False, answers))

    def step(
        self,
        key: Key[Array, ""],
        state: Int[Scalar, ""],
        action: Int[Scalar, ""],
        context: Context,
    ) -> TimeStep:
        """Make an offer, or answer it and pay."""
        del key
        known = (action >= 0) & (action < NUM_OFFERS)  # indexing would interpret −1 as the last action
        legal = known & self.legal_actions(state, context)[action]
        answering = (state != START) & (state != OVER)
        share = offered_share(jnp.maximum(state - 1, 0), context.stake)
        paid = legal & answering & (action == ACCEPT)
        payoff = jnp.where(paid, jnp.stack([1 - share, share]), 0.0)
        following = jnp.where(state == START, 1 + action, OVER)
        following = jnp.where(legal, following, state).astype(jnp.int32)
        return TimeStep(following, payoff, following == OVER)

    def tabular(self, context: Context) -> TabularMDP:
        """Write the game of one stake as arrays, by calling `step` for every state and action."""
        states, actions = jnp.arange(self.num_states), jnp.arange(self.num_actions)
        legal = jax.vmap(lambda s: self.legal_actions(s, context))(states)
        key = jax.random.key(0)  # the game has no chance moves

        def outcome(s: Int[Scalar, ""], a: Int[Scalar, ""]) -> TimeStep:
            return self.step(key, s, a, context)

        steps = jax.vmap(jax.vmap(outcome, (None, 0)), (0, None))(states, actions)
        transition = jax.nn.one_hot(steps.state, self.num_states) * legal[..., None]
        reward = jnp.moveaxis(steps.reward, -1, 0)
        mover = jnp.where(states == START, PROPOSER, RESPONDER)
        return TabularMDP(transition, reward, legal, mover)
