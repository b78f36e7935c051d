r"""Sequential Monte Carlo from the prior, or from the last epoch's posterior, to the posterior.

Particles are moved through the densities

    p_β(u) ∝ N(u; 0, I) p(D_old | u)^{1−β} p(D | u)^β ,     β: 0 → 1

where D consists of D_old and the new data (D_old is empty without earlier data). Each β is the largest for which the
importance weights p_β/p_β' keep a given share of effective particles (Del Moral, Doucet & Jasra 2012). Particles are
then resampled and moved by Hamiltonian steps that leave p_β invariant (Neal 2011). These steps are preconditioned by
the particles' covariance, and the step size adapts to the acceptance rate. The product of mean weights estimates p(D).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from inference.continuous.small_systems import lower_root
from inference.samplers.fit import Fit, Method, unweighted
from inference.samplers.target import Target

_BISECTIONS = 25
_RIDGE = 1e-4
_MOST_STAGES = 200

Density = Callable[[Float[Array, "dim"]], Float[Array, ""]]


class Particles(NamedTuple):
    """Particles between two stages.

    Attributes:
        u: Their coordinates.
        old: log p(D_old | u) of each particle; 0 without earlier data.
        all: log p(D | u) of each particle.
        beta: β.
        log_evidence: log p(D) / p(D_old) so far.
        log_step: Logarithm of the step size.
        stage: Stages so far.
        key: Randomness of the next stage.
        betas: β of every stage so far; 1 after the last stage.
    """

    u: Float[Array, "particle dim"]
    old: Float[Array, "particle"]
    all: Float[Array, "particle"]
    beta: Float[Array, ""]
    log_evidence: Float[Array, ""]
    log_step: Float[Array, ""]
    stage: Int[Array, ""]
    key: Key[Array, ""]
    betas: Float[Array, "stage"]


@dataclass(frozen=True)
class Smc(Method):
    """Sequential Monte Carlo: tempering with Hamiltonian moves; finds separate modes and allows sequential updates.

    Attributes:
        populations: Number of independent populations, which serve as chains.
        particles: Number of particles in each.
        keep: Smallest share of effective particles after a stage.
        sweeps: Number of Hamiltonian proposals of each particle in each stage.
        leaps: Number of leapfrog steps of a proposal.
        target_accept: Target acceptance probability of the adapted step size.
    """

    populations: int = 4
    particles: int = 500
    keep: float = 0.5
    sweeps: int = 5
    leaps: int = 4
    target_accept: float = 0.8

    name: ClassVar[str] = "smc"

    def fit(self, key: Key[Array, ""], target: Target) -> Fit:
        """Move particles from the prior to the posterior."""

        def place(own: Key[Array, ""]) -> Array:
            return jax.random.normal(own, (self.particles, target.dimension))

        return self._fit(key, target, None, place)

    def update(self, key: Key[Array, ""], target: Target, earlier: Target, fit: Fit) -> Fit:
        """Move an earlier posterior's draws to the posterior given more data.

        Args:
            key: Randomness.
            target: Density given all data.
            earlier: Density given the earlier data.
            fit: Draws from the earlier posterior.
        """
        draws = fit.u.reshape(-1, fit.u.shape[-1])

        def place(own: Key[Array, ""]) -> Array:
            which = jax.random.categorical(own, fit.log_weight.reshape(-1), shape=(self.particles,))
            return draws[which]

        updated = self._fit(key, target, earlier, place)
        return updated._replace(log_evidence=updated.log_evidence + fit.log_evidence)

    def _fit(
        self, key: Key[Array, ""], target: Target, earlier: Target | None, place: Callable[[Key[Array, ""]], Array]
    ) -> Fit:
        key_populations, key_modes = jax.random.split(key)

        def population(own: Key[Array, ""]) -> Particles:
            key_place, key_stages = jax.random.split(own)
            return self._temper(target, earlier, place(key_place), key_stages)

        keys = jax.random.split(key_populations, self.populations)
        done: Particles = jax.lax.map(population, keys)
        log_joint = done.all + jax.vmap(jax.vmap(target.log_prior))(done.u)
        evidence = jax.nn.logsumexp(done.log_evidence) - jnp.log(self.populations)
        stages = jnp.broadcast_to(done.stage[:, None], log_joint.shape)
        trace = {"beta": done.betas, "stages": done.stage, "log_evidence_of_population": done.log_evidence}
        return unweighted(
            target, key_modes, done.u, log_joint, evidence, stats={"lp": log_joint, "stages": stages}, trace=trace
        )

    def _temper(
        self, target: Target, earlier: Target | None, u: Float[Array, "particle dim"], key: Key[Array, ""]
    ) -> Particles:
        of_all = jax.vmap(target.log_likelihood)
        old = jnp.zeros(self.particles) if earlier is None else jax.vmap(earlier.log_likelihood)(u)
        start = Particles(
            u,
            old,
            _number(of_all(u)),
            jnp.asarray(0.0),
            jnp.asarray(0.0),
            jnp.log(jnp.asarray(0.3)),
            jnp.asarray(0),
            key,
            jnp.ones(_MOST_STAGES),
        )
        return jax.lax.while_loop(
            lambda p: (p.beta < 1) & (p.stage < _MOST_STAGES), lambda p: self._stage(target, earlier, p), start
        )

    def _stage(self, target: Target, earlier: Target | None, before: Particles) -> Particles:
        key, key_resample, key_moves = jax.random.split(before.key, 3)
        gain = before.all - before.old
        step = _largest_step(gain, 1 - before.beta, self.keep * self.particles)
        log_weight = step * gain
        evidence = before.log_evidence + jax.nn.logsumexp(log_weight) - jnp.log(self.particles)
        beta = jnp.where(before.beta + step >= 1 - 1e-6, 1.0, before.beta + step)
        u = before.u[_resample(key_resample, log_weight)]

        def density(at: Float[Array, "dim"]) -> Float[Array, ""]:
            likelihood = beta * target.log_likelihood(at)
            if earlier is not None:
                likelihood = likelihood + (1 - beta) * earlier.log_likelihood(at)
            return target.log_prior(at) + likelihood

        moves = Moves(density, _root_of_covariance(u), self.leaps, self.target_accept)
        u, log_step = moves.sweep(key_moves, u, before.log_step, self.sweeps)
        old = before.old if earlier is None else jax.vmap(earlier.log_likelihood)(u)
        everything = _number(jax.vmap(target.log_likelihood)(u))
        betas = before.betas.at[before.stage].set(beta)
        return Particles(u, old, everything, beta, evidence, log_step, before.stage + 1, key, betas)


@dataclass(frozen=True)
class Moves:
    """Hamiltonian proposals for all particles, in coordinates with covariance I.

    Attributes:
        density: Logarithm of the invariant density.
        root: L with L Lᵀ the particles' covariance.
        leaps: Leapfrog steps.
        target_accept: Target acceptance probability.
    """

    density: Density
    root: Float[Array, "dim dim"]
    leaps: int
    target_accept: float

    def sweep(
        self, key: Key[Array, ""], u: Float[Array, "particle dim"], log_step: Float[Array, ""], sweeps: int
    ) -> tuple[Float[Array, "particle dim"], Float[Array, ""]]:
        """Propose several moves for every particle."""
        both = jax.vmap(jax.value_and_grad(self.density))

        def once(carry: Any, own: Key[Array, ""]) -> tuple[Any, None]:
            at, height, slope, log_step = carry
            key_momentum, key_length, key_accept = jax.random.split(own, 3)
            momentum = jax.random.normal(key_momentum, at.shape)
            size = jnp.exp(log_step) * jax.random.uniform(key_length, (at.shape[0], 1), minval=0.5, maxval=1.5)

            def leap(moving: Any, _: None) -> tuple[Any, None]:
                place, momentum, _, slope = moving
                momentum = momentum + 0.5 * size * (slope @ self.root)
                place = place + size * (momentum @ self.root.T)
                reached, slope = both(place)
                slope = jnp.nan_to_num(slope)
                return (place, momentum + 0.5 * size * (slope @ self.root), reached, slope), None

            started = (at, momentum, height, slope)
            (place, ended, reached, new_slope), _ = jax.lax.scan(leap, started, None, length=self.leaps)
            energy = reached - height + 0.5 * jnp.sum(momentum**2 - ended**2, axis=1)
            chance = jnp.where(jnp.isnan(energy), 0.0, jnp.minimum(jnp.exp(energy), 1.0))
            taken = jax.random.uniform(key_accept, chance.shape) < chance
            at = jnp.where(taken[:, None], place, at)
            slope = jnp.where(taken[:, None], new_slope, slope)
            height = jnp.where(taken, reached, height)
            log_step = log_step + 0.7 * (jnp.mean(chance) - self.target_accept)
            return (at, height, slope, jnp.minimum(log_step, 1.0)), None

        height, slope = both(u)
        keys = jax.random.split(key, sweeps)
        (u, _, _, log_step), _ = jax.lax.scan(once, (u, height, jnp.nan_to_num(slope), log_step), keys)
        return u, log_step


def _number(log_likelihood: Float[Array, "particle"]) -> Float[Array, "particle"]:
    return jnp.where(jnp.isnan(log_likelihood), -jnp.inf, log_likelihood)


def _effective(log_weight: Float[Array, "particle"]) -> Float[Array, ""]:
    """(Σ w)² / Σ w²."""
    return jnp.exp(2 * jax.nn.logsumexp(log_weight) - jax.nn.logsumexp(2 * log_weight))


def _largest_step(gain: Float[Array, "particle"], most: Float[Array, ""], least: float) -> Float[Array, ""]:
    """Largest step in β that keeps the given number of effective particles, by bisection."""
    finite = jnp.where(jnp.isfinite(gain), gain, -1e30)

    def halve(ends: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        low, high = ends
        middle = (low + high) / 2
        enough = _effective(middle * finite) >= least
        return (jnp.where(enough, middle, low), jnp.where(enough, high, middle)), None

    (low, _), _ = jax.lax.scan(halve, (jnp.asarray(0.0), most), None, length=_BISECTIONS)
    return jnp.where(_effective(most * finite) >= least, most, jnp.maximum(low, 1e-7))


def _resample(key: Key[Array, ""], log_weight: Float[Array, "particle"]) -> Int[Array, "particle"]:
    """Systematic resampling: one uniform number for all particles."""
    count = log_weight.shape[0]
    cumulative = jnp.cumsum(jax.nn.softmax(log_weight))
    comb = (jnp.arange(count) + jax.random.uniform(key)) / count
    return jnp.minimum(jnp.searchsorted(cumulative, comb * cumulative[-1], side="right"), count - 1)


def _root_of_covariance(u: Float[Array, "particle dim"]) -> Float[Array, "dim dim"]:
    centred = u - jnp.mean(u, axis=0)
    covariance = centred.T @ centred / u.shape[0]
    scale = jnp.trace(covariance) / u.shape[1]
    return lower_root(covariance + _RIDGE * scale * jnp.eye(u.shape[1]))
