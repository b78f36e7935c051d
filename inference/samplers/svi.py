r"""Stochastic variational inference: the normal of a given shape that is nearest to the posterior.

    maximise  ELBO(q) = E_q[log p(u, D) − log q(u)] = log p(D) − KL(q ‖ p(· | D))

by numpyro's SVI and guides, with an optax optimiser (Hoffman et al. 2013; Kucukelbir et al. 2017). Whitened coordinates
need no further transform. Several fits from different starting points run in parallel and serve as chains, which
detects a fit that converged elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
import optax
from jaxtyping import Array, Float, Key
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.autoguide import (
    AutoContinuous,
    AutoDiagonalNormal,
    AutoLowRankMultivariateNormal,
    AutoMultivariateNormal,
)
from numpyro.infer.initialization import init_to_value

from inference.samplers.fit import Fit, Method, unweighted
from inference.samplers.target import Target

Guide = Literal["mean-field", "low-rank", "full-rank"]

_GUIDES: dict[str, Callable[..., AutoContinuous]] = {
    "mean-field": AutoDiagonalNormal,
    "low-rank": AutoLowRankMultivariateNormal,
    "full-rank": AutoMultivariateNormal,
}
_FIRST_SCALE = 0.3
_RISES, _FALLS = 0.1, 0.75  # shares of the steps after which the learning rate has risen, and begins to fall
_WINDOW = 0.1  # share of the steps whose mean ELBO is compared with that of the same number of steps before


@dataclass(frozen=True)
class Svi(Method):
    """Variational inference (numpyro with optax): fast in many dimensions, but too narrow if its shape does not fit.

    Attributes:
        guide: ``mean-field`` has no correlations, ``low-rank`` has about √d directions of correlation, ``full-rank``
            all.
        fits: Number of independent fits.
        steps: Number of optimisation steps.
        particles: Number of draws from q for each gradient estimate.
        learning_rate: Learning rate between its rise and its fall to 0.
        draws: Number of draws from each fit.
    """

    guide: Guide = "low-rank"
    fits: int = 4
    steps: int = 2_000
    particles: int = 8
    learning_rate: float = 0.05
    draws: int = 1_000

    name: ClassVar[str] = "svi"

    def fit(self, key: Key[Array, ""], target: Target) -> Fit:
        """Fit the normals and draw from them."""
        key_fits, key_modes = jax.random.split(key)

        def one(own: Key[Array, ""]) -> tuple[Array, Array, Array]:
            return self._one(own, target)

        u, log_proposal, elbo = jax.lax.map(one, jax.random.split(key_fits, self.fits))
        log_joint = jax.lax.map(target.log_joint, u.reshape(-1, target.dimension), batch_size=256)
        log_joint = log_joint.reshape(u.shape[:2])
        bound = jnp.mean(log_joint - log_proposal)
        return unweighted(
            target, key_modes, u, log_joint, bound, log_proposal, {"lp": log_joint}, {"elbo": elbo} | drift(elbo)
        )

    def _one(self, key: Key[Array, ""], target: Target) -> tuple[Array, Array, Array]:
        key_place, key_fit, key_draws = jax.random.split(key, 3)
        dimension = target.dimension

        def model() -> None:
            u = numpyro.sample("u", dist.Normal(0.0, 1.0).expand([dimension]).to_event(1))
            numpyro.factor("log_likelihood", target.log_likelihood(u))

        place = 0.5 * jax.random.normal(key_place, (dimension,))
        start: dict[str, Any] = {"init_loc_fn": init_to_value(values={"u": place}), "init_scale": _FIRST_SCALE}
        guide = _GUIDES[self.guide](model, **start)
        optimiser = optax.chain(optax.clip_by_global_norm(100.0), optax.adam(self._schedule()))
        svi = SVI(model, guide, optimiser, Trace_ELBO(num_particles=self.particles))

        def step(state: Any, _: None) -> tuple[Any, Array]:
            state, loss = svi.stable_update(state)
            return state, -loss

        state, elbo = jax.lax.scan(step, svi.init(key_fit), None, length=self.steps)
        nearest = guide.get_posterior(svi.get_params(state))
        u = nearest.sample(key_draws, (self.draws,))
        log_proposal = nearest.log_prob(u)
        # A diagonal normal may lack its declared event axis.
        return u, log_proposal if log_proposal.ndim == 1 else log_proposal.sum(axis=-1), elbo

    def _schedule(self) -> optax.Schedule:
        rises, falls = max(1, int(_RISES * self.steps)), int(_FALLS * self.steps)
        parts = [
            optax.linear_schedule(0.0, self.learning_rate, rises),
            optax.constant_schedule(self.learning_rate),
            optax.cosine_decay_schedule(self.learning_rate, max(1, self.steps - falls)),
        ]
        return optax.join_schedules(parts, [rises, falls])


def drift(elbo: Float[Array, "fit step"]) -> dict[str, Array]:
    """Compute the late rise of each fit's ELBO: its mean over a tenth of the steps minus the tenth before.

    After the rate has fallen to 0 every ELBO is flat, so its last steps carry no information. The standard error of the
    difference is also returned. A rise of several standard errors means too few steps.
    """
    window = max(2, int(_WINDOW * elbo.shape[1]))
    end = int(_FALLS * elbo.shape[1])
    last, before = elbo[:, end - window : end], elbo[:, end - 2 * window : end - window]
    error = jnp.sqrt((jnp.var(last, axis=1) + jnp.var(before, axis=1)) / window)
    return {"elbo_rise": jnp.mean(last, axis=1) - jnp.mean(before, axis=1), "elbo_rise_error": error}
