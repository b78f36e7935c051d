r"""Target density of continuous methods: log p(u, D) = log N(u; 0, I) + log Σ_m p(m) p(D | θ(u), m)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from inference.continuous.family import HypothesisFamily

_AT_ONCE = 256


@dataclass(frozen=True)
class Target:
    """One run's posterior density in whitened coordinates.

    Attributes:
        family: The hypotheses.
        summary: The run's data, from `HypothesisFamily.summarise`.
    """

    family: HypothesisFamily
    summary: Any

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.family.dimension

    def log_prior(self, u: Float[Array, "dim"]) -> Float[Array, ""]:
        """Log N(u; 0, I)."""
        return -0.5 * jnp.sum(u**2) - 0.5 * self.dimension * math.log(2 * math.pi)

    def mode_logits(self, u: Float[Array, "dim"]) -> Float[Array, "mode"]:
        """Log p(m) p(D | θ(u), m) of each mode m."""
        family = self.family

        def at(mode: Array) -> Array:
            return family.log_likelihood(family.theta(u, mode), self.summary)

        modes = len(family.mode_labels)
        log_prior = jnp.asarray(family.log_mode_prior)
        if modes == 1:
            return at(jnp.asarray(0))[None] + log_prior
        of_modes: Array = jax.vmap(at)(jnp.arange(modes))
        return of_modes + log_prior

    def log_likelihood(self, u: Float[Array, "dim"]) -> Float[Array, ""]:
        """Log p(D | u), summed over modes."""
        logits = self.mode_logits(u)
        return logits[0] if logits.shape[0] == 1 else jax.nn.logsumexp(logits)

    def log_joint(self, u: Float[Array, "dim"]) -> Float[Array, ""]:
        """Log p(u, D); −∞ if the likelihood is NaN."""
        joint = self.log_prior(u) + self.log_likelihood(u)
        return jnp.where(jnp.isnan(joint), -jnp.inf, joint)

    def modes(
        self, key: Key[Array, ""], u: Float[Array, "draw dim"]
    ) -> tuple[Int[Array, "draw"], Float[Array, "draw mode"]]:
        """Draw m ~ p(m | u, D) for each draw of u, and return the probability of each mode."""
        if len(self.family.mode_labels) == 1:
            return jnp.zeros(u.shape[0], jnp.int32), jnp.ones((u.shape[0], 1))
        logits: Array = jax.lax.map(self.mode_logits, u, batch_size=_AT_ONCE)
        sampled = jax.random.categorical(key, logits, axis=-1).astype(jnp.int32)
        return sampled, jax.nn.softmax(logits, axis=-1)
