r"""Posteriors and predicted offers at any position on the line of a hierarchy with positions.

Let a Gaussian process f with covariance K = exp(−|p_i − p_j|/ℓ) be known at positions p. Its value at a position q is
normal with mean kᵀ K⁻¹ f and variance 1 − kᵀ K⁻¹ k, where k = exp(−|p − q|/ℓ) (Rasmussen & Williams 2006, eq. 2.19). So
unseen rows need not be part of a fit. In coordinates w = u + τ ⊙ f,

    w_q = u + kᵀ K⁻¹ (w − u) + τ √(1 − kᵀ K⁻¹ k) ⊙ z,     z ~ N(0, I)
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from envs.seeds import keys_of_runs
from envs.soft_policy import inverse_cdf
from envs.ultimatum import offered_share
from inference.continuous.capabilities import ActsOnStakes
from inference.continuous.family import Theta
from inference.continuous.hierarchy import Hierarchical
from inference.continuous.small_systems import solved
from inference.samplers.compiled import program
from inference.samplers.fit import from_coordinates
from inference.samplers.posterior import SampledPosterior

_JITTER = 1e-5  # allows two rows at the same position


def posterior_at_position(posterior: SampledPosterior, position: float, key: Key[Array, ""]) -> SampledPosterior:
    """Posterior over the base family at a position, observed or not.

    Args:
        posterior: Posterior over a `Hierarchical` family with positions.
        position: Position on the line.
        key: Randomness of the values that the observed positions do not determine.

    Raises:
        TypeError: If the posterior is not over a hierarchy with positions.
    """
    family = posterior.family
    if not isinstance(family, Hierarchical) or not family.places:
        raise TypeError("a posterior over a hierarchy with positions is needed")
    u = jnp.asarray(posterior.fit.u)
    z = jax.random.normal(key, (*u.shape[:3], family.base.dimension))
    w = np.asarray(_at(family, u, z, jnp.asarray(position)))
    return SampledPosterior(family.base, posterior.method, from_coordinates(w, posterior.fit.log_weight), None)


def drawn_offers(
    key: Key[Array, ""], posterior: SampledPosterior, stake: int, plays: int, draws: int
) -> Float[np.ndarray, "run draw play"]:
    """Draw offered shares from the predictive: for each draw of θ, several offers under this θ.

    Each offer is a draw from the predictive of an offer. The mean over the offers of a draw is a draw from the
    predictive of a group's mean offer.

    Args:
        key: Randomness.
        posterior: Posterior over a family that acts on stakes.
        stake: Units divided.
        plays: Number of offers for each draw.
        draws: Number of draws of θ, with equal weights.

    Raises:
        TypeError: If the family's hypotheses are no policies of the ultimatum game.
    """
    if not isinstance(posterior.family, ActsOnStakes):
        raise TypeError(f"{type(posterior.family).__name__} has no policy at a stake")
    key_draws, key_offers = jax.random.split(key)
    theta, _ = posterior.equal_draws(key_draws, draws)
    keys = keys_of_runs(key_offers, jnp.arange(posterior.runs))
    return np.asarray(_offers(posterior.family, keys, theta, jnp.asarray(stake), plays))


@program("family")
def _at(
    family: Hierarchical,
    u: Float[Array, "run chain draw dim"],
    z: Float[Array, "run chain draw base_dim"],
    position: Float[Array, ""],
) -> Float[Array, "run chain draw base_dim"]:
    positions = jnp.asarray(family.places)

    def one(at: Array, fresh: Array) -> Array:
        length = family.theta(at)["length"]
        middle, spread = family.population(at)
        among = jnp.exp(-jnp.abs(positions[:, None] - positions) / length) + _JITTER * jnp.eye(len(positions))
        towards = jnp.exp(-jnp.abs(positions - position) / length)
        weights = solved(among, towards)
        known = weights @ (family.coordinates_of_rows(at) - middle)
        return middle + known + spread * jnp.sqrt(jnp.maximum(1 - weights @ towards, 0.0)) * fresh

    there: Array = jax.vmap(jax.vmap(jax.vmap(one)))(u, z)
    return there


@program("family", "plays")
def _offers(
    family: Any, keys: Key[Array, "run"], theta: Theta, stake: Array, plays: int
) -> Float[Array, "run draw play"]:
    known = {name: jnp.asarray(value) for name, value in family.fixed}

    def of_draw(key: Key[Array, ""], own: Theta) -> Float[Array, "play"]:
        table = family.table(own | known, stake[None]).offer
        offer = inverse_cdf(jax.random.uniform(key, (plays,)), jnp.repeat(table, plays, axis=0))
        return offered_share(offer, jnp.broadcast_to(stake, offer.shape))

    def of_run(entry: tuple[Array, Theta]) -> Float[Array, "draw play"]:
        key, own = entry
        return jax.vmap(of_draw)(jax.random.split(key, next(iter(own.values())).shape[0]), own)

    offers: Array = jax.lax.map(of_run, (keys, theta))
    return offers
