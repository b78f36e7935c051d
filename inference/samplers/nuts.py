"""The No-U-Turn sampler of numpyro as pure functions, which can be stopped and resumed at any step.

The kernel is numpyro's (Phan et al. 2019; Hoffman & Gelman 2014). Here a whole run with its warm-up is one compiled
program. `numpyro.infer.MCMC` compiles its loop at every call, and once for each chain if chains run in sequence. The
sampler's state is a pytree of arrays, so a run can be stored and resumed at any step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key
from numpyro.infer import NUTS
from numpyro.infer.hmc import HMCState

from inference.samplers.fit import Fit, Method, unweighted
from inference.samplers.target import Target

Steps = dict[str, Array]
"""State of each step of one chain, by name, with a leading step axis."""

Potential = Callable[[Float[Array, "dim"]], Float[Array, ""]]
"""Negative logarithm of a density, up to a constant."""

ChainMethod = Literal["auto", "sequential", "vectorized", "parallel"]


@dataclass(frozen=True)
class Nuts(Method):
    """No-U-Turn sampler (numpyro): the default if there are too many parameters for a grid.

    Attributes:
        chains: Number of independent chains.
        warmup: Number of steps that adapt the step size and the mass matrix, and are discarded.
        draws: Number of draws from each chain.
        thin: Number of steps for each draw.
        target_accept: Target acceptance probability of the adapted step size.
        max_depth: Largest depth of the trees.
        warmup_depth: Largest depth in warm-up; smaller values save time for simple posteriors, but adapt badly to
            others.
        dense: Whether the mass matrix is dense.
        chain_method: ``vectorized`` steps all chains together, ``sequential`` one after the other. ``parallel`` also
            steps one after the other, but spreads chains over devices if there are fewer runs than devices. ``auto`` is
            parallel on a CPU, where chains stepped together would wait for the deepest tree.
    """

    chains: int = 4
    warmup: int = 1_000
    draws: int = 1_000
    thin: int = 1
    target_accept: float = 0.8
    max_depth: int = 10
    warmup_depth: int = 10
    dense: bool = False
    chain_method: ChainMethod = "auto"

    name: ClassVar[str] = "nuts"

    @property
    def in_sequence(self) -> bool:
        """Whether a device steps one chain after the other."""
        on_cpu = jax.default_backend() == "cpu"
        return self.chain_method in {"sequential", "parallel"} or (self.chain_method == "auto" and on_cpu)

    @property
    def steps(self) -> int:
        """Total number of steps of a chain."""
        return self.warmup + self.draws * self.thin

    def fit(self, key: Key[Array, ""], target: Target) -> Fit:
        """Run all chains from draws of the prior."""
        key_chains, key_modes = jax.random.split(key)

        def chain(own: Key[Array, ""]) -> Steps:
            return self.advance(self.start(own, target), target, self.steps)[1]

        steps = self.over_chains(chain, jax.random.split(key_chains, self.chains))
        return self.gather(key_modes, target, steps)

    def over_chains(self, function: Callable[[Any], Any], chains: Any) -> Any:
        """Apply a function to each chain, as set by `chain_method`."""
        return jax.lax.map(function, chains) if self.in_sequence else jax.vmap(function)(chains)

    def start(self, key: Key[Array, ""], target: Target) -> HMCState:
        """Start one chain at a draw from the prior; `advance` computes the density there."""
        key_place, key_chain = jax.random.split(key)
        place = jax.random.normal(key_place, (target.dimension,))
        return self._kernel(_standard_normal, key_chain, place)[1]

    def advance(self, state: HMCState, target: Target, steps: int) -> tuple[HMCState, Steps]:
        """Take some steps of one chain."""

        def potential(u: Float[Array, "dim"]) -> Float[Array, ""]:
            return -target.log_joint(u)

        kernel, _ = self._kernel(potential, jax.random.key(0), jnp.zeros(target.dimension))
        energy, slope = jax.value_and_grad(potential)(state.z)
        state = state._replace(potential_energy=energy, z_grad=slope)

        def step(state: HMCState, _: None) -> tuple[HMCState, Steps]:
            state = kernel.sample(state, (), {})
            states = {
                "u": state.z,
                "lp": -state.potential_energy,
                "diverging": state.diverging,
                "acceptance_rate": state.accept_prob,
                "n_steps": state.num_steps,
                "energy": state.energy,
                "step_size": state.adapt_state.step_size,
            }
            return state, states

        return jax.lax.scan(step, state, None, length=steps)

    def gather(self, key: Key[Array, ""], target: Target, steps: Steps) -> Fit:
        """Make a fit from all steps of all chains, (chain, step)."""
        sampled = {name: values[:, self.warmup :: self.thin] for name, values in steps.items()}
        u, log_joint = sampled.pop("u"), sampled["lp"]
        warmup = {"warmup_step_size": steps["step_size"][:, : self.warmup]} if self.warmup else {}
        return unweighted(target, key, u, log_joint, stats=sampled, trace=warmup)

    def _kernel(self, potential: Potential, key: Key[Array, ""], place: Float[Array, "dim"]) -> tuple[NUTS, HMCState]:
        kernel = NUTS(
            potential_fn=potential,
            dense_mass=self.dense,
            target_accept_prob=self.target_accept,
            max_tree_depth=(min(self.warmup_depth, self.max_depth), self.max_depth),
        )
        state = kernel.init(key, self.warmup, init_params=place, model_args=(), model_kwargs={})
        return kernel, state


def _standard_normal(u: Float[Array, "dim"]) -> Float[Array, ""]:
    return 0.5 * jnp.sum(u**2)
