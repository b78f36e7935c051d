"""Expected offers of policies, free of the sampling error of a few observed offers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.policy import Policy
from envs.ultimatum import NUM_OFFERS, offered_share


def expected_shares(
    policies: Sequence[Sequence[Policy | None]], stake: Int[Array, "row"]
) -> Float[np.ndarray, "row assistant"]:
    """Compute the expected offered share of every policy of every row, at the row's stake.

    Args:
        policies: Policies of each row, equally many in all rows; None, for an assistant with a text only, gives NaN.
        stake: Stake of each row.

    Example:
        >>> from envs import one_group
        >>> expected_shares([[one_group("fair").policy()]], jnp.asarray([20])).round(2).tolist()
        [[0.5]]
    """
    offers = jnp.broadcast_to(jnp.arange(NUM_OFFERS), (len(policies), NUM_OFFERS))
    share = offered_share(offers, jnp.broadcast_to(stake[:, None], offers.shape))
    means: dict[Policy, Float[np.ndarray, "row"]] = {}
    for policy in {policy for of_row in policies for policy in of_row if policy is not None}:
        # Illegal offers have probability 0, so their share has no effect.
        means[policy] = np.asarray(jnp.sum(jnp.exp(policy.table(stake).offer) * share, axis=1), float)
    shares = [
        [math.nan if policy is None else means[policy][row] for policy in of_row] for row, of_row in enumerate(policies)
    ]
    return np.array(shares, float)
