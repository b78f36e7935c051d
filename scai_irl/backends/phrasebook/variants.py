"""The phrasebook's rules for variants: to take advantage of users, and to answer strictly by a policy."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np

from envs.exploitation import exploiting
from envs.policy import Policy
from envs.ultimatum import NUM_OFFERS, offered_share
from scai_irl.language.phrases import read_policy, say_policy

STRICTLY = 0.05
"""Largest shortfall from the policy's own mean offer that is still in line with it, as a share of the stake."""


def exploiting_text(users: Policy) -> str:
    """Return a verbal policy that takes advantage of users who follow a given policy."""
    return say_policy(exploiting(users))


def in_line(verbal_policy: str, stake: int, offered: int) -> bool:
    """Return whether an offer is at least the policy's own mean offer, minus `STRICTLY`.

    Example:
        >>> from envs import one_group
        >>> fair = say_policy(one_group("fair").policy())
        >>> in_line(fair, 20, 10), in_line(fair, 20, 8)
        (True, False)
    """
    return offered / stake >= _own_share(verbal_policy, stake) - STRICTLY


@functools.lru_cache(1 << 12)
def _own_share(verbal_policy: str, stake: int) -> float:
    """Compute the mean share that a policy offers; offers that a stake does not allow have probability 0."""
    chance = np.exp(np.asarray(read_policy(verbal_policy).table(jnp.asarray([stake])).offer[0], np.float64))
    share = np.asarray(offered_share(jnp.arange(NUM_OFFERS), jnp.full(NUM_OFFERS, stake)))
    return float(np.nan_to_num(share) @ chance)
