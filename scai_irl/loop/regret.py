"""Regret of offers: utility that the group loses, under its members' own norms, because the offer is not the best.

    regret(x) = Σ_n w_n [max_x' Q_n(x') − Q_n(x)]

over the norms n of the population with their weights w_n, where Q_n is a proposer's expected utility under norm n
(`envs.soft_policy`). In a group with several norms every offer has some regret.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.norm_names import read_norm
from envs.soft_policy import offer_values
from envs.utilities import get_utility
from scai_irl.loop.setting import Setting
from scai_irl.loop.simulated_users import Users


def regret_of_offers(
    setting: Setting, users: Users, offer: Int[np.ndarray, "row play"]
) -> Float[np.ndarray, "row play"]:
    """Compute the regret of each offer, in units of utility.

    Args:
        setting: The experiment.
        users: The users of the epoch.
        offer: Offers, as actions.
    """
    settings = (jnp.asarray(setting.rationality, jnp.float32), jnp.asarray(setting.lapse, jnp.float32))
    of_offer = _regrets(setting.user_norms, users.stake, users.weights, *settings)
    return np.take_along_axis(np.asarray(of_offer, float), offer, axis=1)


@functools.partial(jax.jit, static_argnums=0)
def _regrets(
    norms: tuple[str, ...],
    stake: Int[Array, "row"],
    weights: Float[Array, "row norm"],
    rationality: Float[Array, ""],
    lapse: Float[Array, ""],
) -> Float[Array, "row offer"]:
    total = jnp.zeros(())
    for number, name in enumerate(norms):
        norm = read_norm(name)
        described, theta = get_utility(norm.utility), jnp.asarray(norm.theta, jnp.float32)
        values = functools.partial(offer_values, described.function, theta, rationality, lapse)
        of_norm = jax.vmap(functools.partial(values, responding=described.responding))(stake)
        # Norms without users, and offers that a stake does not allow, may be NaN.
        lost = jnp.nan_to_num(jnp.nanmax(of_norm, axis=1, keepdims=True) - of_norm)
        total = total + weights[:, number, None] * lost
    return total
