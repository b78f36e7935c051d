"""BlackJAX: window adaptation and NUTS for all chains, inside one compiled program."""

from __future__ import annotations

import functools
from typing import Any

import blackjax
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.ug_bayes.protocol import CHAINS, DRAWS, SPREAD, UPPER, WARMUP, Draws, Problem, measure

_PARAMETERS = 3


def log_density(position: dict[str, Any], data: dict[str, Any]) -> Any:
    """log p(μ, log σ, z, D) up to a constant."""
    sigma = jnp.exp(position["log_sigma"])
    prior = -0.5 * (jnp.sum(position["mu"] ** 2) + jnp.sum(position["z"] ** 2) + jnp.sum((sigma / SPREAD) ** 2))
    place = position["mu"] + sigma * position["z"]
    alpha, beta, tau = (jnp.asarray(UPPER, jnp.float32) * jax.scipy.special.ndtr(place)).T[:, :, None]
    odds = tau * (data["offer"] - alpha * data["behind"] - beta * data["ahead"])  # signed by the answer
    likelihood = jnp.minimum(odds, 0) - jnp.log(1 + jnp.exp(-jnp.abs(odds)))
    return prior + jnp.sum(position["log_sigma"]) + jnp.sum(likelihood)


@jax.jit
def sample(key: Any, data: dict[str, Any]) -> tuple[Any, Any]:
    density = functools.partial(log_density, data=data)
    subjects = data["offer"].shape[0]

    def chain(own: Any) -> tuple[Any, Any]:
        key_mu, key_z, key_warmup, key_draws = jax.random.split(own, 4)
        start = {
            "mu": jax.random.normal(key_mu, (_PARAMETERS,)),
            "log_sigma": jnp.full(_PARAMETERS, np.log(SPREAD)),
            "z": jax.random.normal(key_z, (subjects, _PARAMETERS)),
        }
        adaptation = blackjax.window_adaptation(
            blackjax.nuts, density, adaptation_info_fn=blackjax.adaptation.base.get_filter_adapt_info_fn()
        )
        (state, settings), _ = adaptation.run(key_warmup, start, num_steps=WARMUP)
        kernel = blackjax.nuts(density, **settings)

        def step(state: Any, key: Any) -> tuple[Any, Any]:
            state, info = kernel.step(key, state)
            return state, (state.position, info.is_divergent)

        draws: tuple[Any, Any] = jax.lax.scan(step, state, jax.random.split(key_draws, DRAWS))[1]
        return draws

    # One after the other, so that none waits for a chain with deeper trees.
    of_chains: tuple[Any, Any] = jax.lax.map(chain, jax.random.split(key, CHAINS))
    return of_chains


def fit(problem: Problem, seed: int) -> Draws:
    sign = 2.0 * problem.accepted - 1
    data = {name: jnp.asarray(sign * getattr(problem, name), jnp.float32) for name in ("offer", "behind", "ahead")}
    position, diverging = jax.tree.map(np.asarray, sample(jax.random.key(seed), data))
    group = position["mu"]
    subject = group[:, :, None] + np.exp(position["log_sigma"])[:, :, None] * position["z"]
    return Draws(group, subject, int(diverging.sum()))


if __name__ == "__main__":
    measure(fit)
