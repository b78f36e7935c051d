r"""Satisfaction of users with the policy that serves them, measured by their own norms.

For a user with norm n, the value of an assistant that proposes for her with policy π is

    V_n(π) = E_stake Σ_x π(x | stake) Q_n(x)

where Q_n(x) is the value of an offer under norm n (`envs.soft_policy.offer_values`), in shares of the stake. Her
satisfaction is V_n(π) / V_n(π_n). It is 1 if the assistant follows her own norm, and about 0 if its offers have no
value for her.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.policy import Norm, Policy
from envs.soft_policy import offer_values
from envs.ultimatum import NUM_OFFERS, offered_share
from envs.utilities import get_utility


def mean_offers(policies: Sequence[Policy], stakes: Int[np.ndarray, "stake"]) -> Float[np.ndarray, "policy stake"]:
    """Mean share that each policy offers at each stake.

    Example:
        >>> mean_offers([Policy.of(Norm("fair"))], np.array([10, 20])).round(2).tolist()
        [[0.5, 0.5]]
    """
    offers = jnp.broadcast_to(jnp.arange(NUM_OFFERS), (len(stakes), NUM_OFFERS))
    share = np.asarray(offered_share(offers, jnp.broadcast_to(jnp.asarray(stakes)[:, None], offers.shape)), float)
    return np.asarray((_chances(policies, stakes) * share).sum(axis=-1))


def satisfaction(
    norms: Sequence[Norm], policies: Sequence[Policy], stakes: Int[np.ndarray, "stake"]
) -> Float[np.ndarray, "norm policy"]:
    """Value of each policy for users of each norm, relative to the value of their own norm.

    Args:
        norms: Norms that users hold.
        policies: Policies that assistants follow.
        stakes: Stakes, all equally frequent.

    Example:
        >>> selfish, fair = Norm("selfish"), Norm("fair")
        >>> served = satisfaction([selfish, fair], [Policy.of(selfish), Policy.of(fair)], np.array([20]))
        >>> (served.round(2) + 0.0).tolist()
        [[1.0, 0.53], [0.0, 1.0]]
    """
    own = [Policy.of(norm) for norm in norms]
    worth = np.stack([_values(norm, stakes) for norm in norms])
    of_policies, of_own = (
        np.einsum("nsx,psx->np", worth, _chances(some, stakes)) / len(stakes) for some in (policies, own)
    )
    return np.asarray(of_policies / np.diag(of_own)[:, None])


def _chances(policies: Sequence[Policy], stakes: Int[np.ndarray, "stake"]) -> Float[np.ndarray, "policy stake offer"]:
    tables = [np.asarray(policy.table(jnp.asarray(stakes)).offer, np.float64) for policy in policies]
    return np.exp(np.stack(tables))


def _values(norm: Norm, stakes: Int[np.ndarray, "stake"]) -> Float[np.ndarray, "stake offer"]:
    """Q of every offer; 0 where the stake does not allow the offer, because no policy makes it."""
    described = get_utility(norm.utility)
    setting = (jnp.asarray(norm.theta, jnp.float32), jnp.float32(norm.rationality), jnp.float32(norm.lapse))

    def at(stake: Int[Array, ""]) -> Float[Array, "offer"]:
        return offer_values(described.function, *setting, stake, described.responding)

    return np.nan_to_num(np.asarray(jax.vmap(at)(jnp.asarray(stakes)), np.float64))
