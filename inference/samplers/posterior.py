"""Posteriors over continuous families, as draws: the result of NUTS, SVI, SMC, Laplace and grids."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int, Key

from envs.policy import Policy
from envs.seeds import keys_of_runs
from envs.ultimatum import NUM_OFFERS
from inference import arviz_compat
from inference.continuous.capabilities import ActsOnStakes, StatesPolicies, WeighsNorms
from inference.continuous.family import HypothesisFamily, Seen, Theta
from inference.discrete.hypotheses import PolicyHypotheses
from inference.discrete.posterior import Predictive
from inference.samplers.compiled import program
from inference.samplers.fit import Fit, Method, redraw

_AT_ONCE = 64


@dataclass(frozen=True)
class SampledPosterior:
    """Draws from p(θ | D) of each run, with the method that produced them.

    Attributes:
        family: The hypotheses.
        method: The method with its settings.
        fit: Draws, weights and statistics; every array has a leading run axis.
        seen: The observations as the family arranged them.
        data: The observations as they were given.
        cautions: Warnings about the data.
    """

    family: HypothesisFamily
    method: Method
    fit: Fit
    seen: Seen = field(repr=False)
    data: Any = field(repr=False, default=None)
    cautions: tuple[str, ...] = ()

    @property
    def runs(self) -> int:
        """Number of runs."""
        return int(self.fit.u.shape[0])

    @property
    def draws(self) -> int:
        """Draws of each run, over all chains."""
        return int(self.fit.u.shape[1] * self.fit.u.shape[2])

    @functools.cached_property
    def theta(self) -> dict[str, np.ndarray]:
        """Parameters by name, (run, chain, draw, …)."""
        parameters = _thetas(self.family, jnp.asarray(self.fit.u), jnp.asarray(self.fit.mode))
        return {name: np.asarray(values) for name, values in parameters.items() if name not in dict(self.family.fixed)}

    @property
    def weights(self) -> Float[np.ndarray, "run chain draw"]:
        """Weight of each draw; weights sum to 1 in each run."""
        return np.asarray(np.exp(np.asarray(self.fit.log_weight)))

    @property
    def log_evidence(self) -> Float[np.ndarray, "run"]:
        """Log p(D); NaN if the method does not compute it."""
        return np.asarray(self.fit.log_evidence)

    @property
    def log_prob(self) -> Float[np.ndarray, "run chain draw"]:
        """Log density at each draw, in whitened coordinates; not normalised if the method does not compute log p(D)."""
        evidence = self.log_evidence
        return np.asarray(self.fit.log_joint) - np.where(np.isnan(evidence), 0.0, evidence)[:, None, None]

    @property
    def norms(self) -> tuple[str, ...]:
        """Names along the norm axis of `norm_probabilities`; for other families, labels of the discrete parameter."""
        return self.family.norms if isinstance(self.family, WeighsNorms) else self.family.mode_labels

    @property
    def norm_probabilities(self) -> Float[np.ndarray, "run norm"]:
        """Expected weight of each norm: the probability of a named norm, or E[w_n | D] for shares.

        Raises:
            TypeError: If the family's hypotheses do not consist of named norms.
        """
        if not isinstance(self.family, WeighsNorms):
            raise TypeError(f"{type(self.family).__name__} has no named norms")
        if self.family.mode_labels == self.family.norms:
            return self.mode_probabilities
        weights = self.family.norm_weights(self._flat)
        return np.asarray(np.einsum("rd,rdn->rn", self._flat_weights, weights.reshape(self.runs, self.draws, -1)))

    @property
    def probabilities(self) -> Float[np.ndarray, "run mode"]:
        """Probability of each value of the discrete parameter (1 without one)."""
        return self.mode_probabilities

    @property
    def mode_probabilities(self) -> Float[np.ndarray, "run mode"]:
        """Probability of each value of the discrete parameter: the mean of p(m | u, D) over draws of u."""
        return np.asarray(np.einsum("rcd,rcdm->rm", self.weights, np.asarray(self.fit.mode_chance)))

    def mean(self, name: str) -> np.ndarray:
        """Posterior mean of a parameter, (run, …).

        Raises:
            ValueError: If there is no such parameter.
        """
        return np.asarray(np.einsum("rcd,rcd...->r...", self.weights, self._values(name)))

    def interval(self, name: str, mass: float = 0.9) -> np.ndarray:
        """Equal-tailed interval of a parameter, (run, …, 2).

        Args:
            name: Parameter.
            mass: Probability inside, 0 < mass < 1.

        Raises:
            ValueError: If there is no such parameter.
        """
        values = self._values(name)
        shape = values.shape[3:]
        flat = values.reshape(self.runs, self.draws, -1)
        weights = self._flat_weights
        tails = np.array([(1 - mass) / 2, (1 + mass) / 2])
        ends = [
            [_weighted_quantiles(column, w, tails) for column in run.T] for run, w in zip(flat, weights, strict=True)
        ]
        return np.asarray(ends).reshape(self.runs, *shape, 2)

    @property
    def hypotheses(self) -> PolicyHypotheses:
        """The draws as policy hypotheses, by norm; for a family with one norm, those of run r start at r × `draws`.

        Raises:
            TypeError: If the family's hypotheses are no norms that can be stated.
        """
        return self._stated[0]

    @functools.cached_property
    def _stated(self) -> tuple[PolicyHypotheses, Int[np.ndarray, "draw"]]:
        """The hypotheses, and the index of each draw among them."""
        if not isinstance(self.family, StatesPolicies):
            raise TypeError(f"{type(self.family).__name__} does not state its hypotheses as norms")
        draws, blocks = zip(*self.family.blocks(self._flat), strict=True)
        return PolicyHypotheses(tuple(blocks)), np.argsort(np.concatenate(draws))

    @property
    def _flat(self) -> dict[str, np.ndarray]:
        """Known and inferred parameters of all draws of all runs, by name."""
        number = self.runs * self.draws
        known = {name: np.full(number, value) for name, value in self.family.fixed}
        return {name: values.reshape(number, *values.shape[3:]) for name, values in self.theta.items()} | known

    @property
    def _flat_weights(self) -> Float[np.ndarray, "run draw"]:
        return self.weights.reshape(self.runs, -1)

    def policy(self, index: int) -> Policy:
        """State one hypothesis, such as a draw of `sample`, as a policy.

        Raises:
            TypeError: If the family's hypotheses are no norms that can be stated.
        """
        return self.hypotheses.policy(index)

    def sample(
        self, key: Key[Array, ""], draws: int, runs: Int[Array, "run"] | None = None
    ) -> Int[np.ndarray, "run draw"]:
        """Draw hypotheses, as indices in `hypotheses`; for families that state no norms, as indices of draws.

        Args:
            key: Root of the runs' keys.
            draws: Draws for each run.
            runs: Number of each run, from which its key is derived; 0, 1, … if not given.
        """
        numbers = jnp.arange(self.runs) if runs is None else jnp.asarray(runs)
        log_weight = jnp.asarray(self.fit.log_weight).reshape(self.runs, -1)
        own_keys = keys_of_runs(key, numbers)
        index = jax.vmap(lambda k, row: jax.random.categorical(k, row, shape=(draws,)))(own_keys, log_weight)
        of_all_runs = np.asarray(index) + self.draws * np.arange(self.runs)[:, None]
        return self._stated[1][of_all_runs] if isinstance(self.family, StatesPolicies) else of_all_runs

    def predictive(self, stakes: Int[Array | np.ndarray, "stake"]) -> Predictive:
        """Average π_θ over the posterior, at given stakes.

        Raises:
            TypeError: If the family's hypotheses are no policies of the ultimatum game.
        """
        if not isinstance(self.family, ActsOnStakes):
            raise TypeError(f"{type(self.family).__name__} has no policy at a stake; use `predict`")
        stakes = jnp.asarray(stakes)
        offer, accept = _predictive(self.family, self.fit, stakes)
        return Predictive.at(stakes, offer, accept)

    def predict(self) -> Float[np.ndarray, "run observation"]:
        """Compute the posterior mean of the expectation of each observed choice."""
        return np.asarray(_expected(self.family, self.fit, jax.tree.map(jnp.asarray, self.seen)))

    @functools.cached_property
    def monitored(self) -> dict[str, np.ndarray]:
        """The family's monitored numbers, (run, chain, draw)."""
        numbers = np.asarray(_monitored(self.family, jnp.asarray(self.fit.u), jax.tree.map(jnp.asarray, self.seen)))
        return {name: numbers[..., number] for number, name in enumerate(self.family.monitored_names)}

    def equal_draws(self, key: Key[Array, ""], draws: int) -> tuple[Theta, Float[Array, "run draw dim"]]:
        """Draw θ with equal weights, (run, draw, …), and the corresponding coordinates."""
        keys = jax.random.split(key, self.runs)
        u, mode = jax.vmap(functools.partial(redraw, draws=draws))(keys, self.fit)
        parameters = _thetas(self.family, u[:, None], mode[:, None])
        return {name: values[:, 0] for name, values in parameters.items() if name not in dict(self.family.fixed)}, u

    def to_arviz(self, key: Key[Array, ""] | None = None, draws: int = 1_000) -> Any:
        """Export draws, their statistics and the data as an ArviZ object (see `inference.arviz_compat`).

        Dimensions are (chain, draw, run, …). Weighted draws (of a grid) are resampled with equal weights, as four
        chains of independent draws.

        Args:
            key: Randomness of the resampling.
            draws: Number of draws of each such chain.
        """
        posterior, stats = dict(self.theta), {n: np.asarray(v) for n, v in self.fit.stats.items()}
        if self.fit.u.shape[1] == 1:
            redrawn, _ = self.equal_draws(jax.random.key(0) if key is None else key, 4 * draws)
            posterior = {n: np.asarray(v).reshape(self.runs, 4, draws, *v.shape[2:]) for n, v in redrawn.items()}
            stats = {}
        groups = {"posterior": _dataset(posterior)}
        if stats:
            groups["sample_stats"] = _dataset(stats)
        values, was_seen = _observed(self.family, jax.tree.map(jnp.asarray, self.seen))
        groups["observed_data"] = xr.Dataset(
            {"choice": (("run", "observation"), np.where(np.asarray(was_seen) > 0, values, np.nan))}
        )
        groups["constant_data"] = xr.Dataset({"log_evidence": (("run",), self.log_evidence)})
        return arviz_compat.combine(groups)

    def _values(self, name: str) -> np.ndarray:
        if name not in self.theta:
            raise ValueError(f"no parameter {name!r}; there are {', '.join(self.theta)}")
        return self.theta[name]


def _dataset(values: dict[str, np.ndarray]) -> xr.Dataset:
    """Convert arrays (run, chain, draw, …) to a dataset in ArviZ's order (chain, draw, run, …)."""
    dataset = xr.Dataset(
        {
            name: (("chain", "draw", "run", *(f"{name}_{n}" for n in range(array.ndim - 3))), np.moveaxis(array, 0, 2))
            for name, array in values.items()
        }
    )
    return dataset.assign_coords({name: np.arange(size) for name, size in dataset.sizes.items()})


def _weighted_quantiles(values: np.ndarray, weights: np.ndarray, levels: np.ndarray) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    middle = np.cumsum(weights[order]) - weights[order] / 2
    return np.asarray(np.interp(levels, middle / weights.sum(), values[order]))


@program("family")
def _thetas(
    family: HypothesisFamily, u: Float[Array, "run chain draw dim"], mode: Int[Array, "run chain draw"]
) -> Theta:
    parameters: Theta = jax.vmap(jax.vmap(jax.vmap(family.theta)))(u, mode)
    return parameters


@program("family")
def _monitored(family: HypothesisFamily, u: Float[Array, "run chain draw dim"], seen: Seen) -> Array:
    def run(pair: tuple[Array, Seen]) -> Array:
        own, observations = pair
        summary = family.summarise(observations)
        flat = own.reshape(-1, own.shape[-1])
        numbers: Array = jax.lax.map(lambda at: family.monitored(at, summary), flat, batch_size=_AT_ONCE)
        return numbers.reshape(*own.shape[:2], -1)

    of_runs: Array = jax.lax.map(run, (u, seen))
    return of_runs


@program("family")
def _predictive(family: Any, fit: Fit, stakes: Int[Array, "stake"]) -> tuple[Array, Array]:
    def run(own: Fit) -> tuple[Array, Array]:
        def add(total: tuple[Array, Array], draw: Any) -> tuple[tuple[Array, Array], None]:
            u, mode, weight = draw
            table = family.table(family.theta(u, mode), stakes)
            return (total[0] + weight * jnp.exp(table.offer), total[1] + weight * jnp.exp(table.accept)), None

        nothing = jnp.zeros((stakes.shape[0], NUM_OFFERS))
        flat = (own.u.reshape(-1, own.u.shape[-1]), own.mode.reshape(-1), jnp.exp(own.log_weight).reshape(-1))
        return jax.lax.scan(add, (nothing, nothing), flat)[0]

    offer, accept = jax.lax.map(run, fit)
    return offer, accept


@program("family")
def _expected(family: HypothesisFamily, fit: Fit, seen: Seen) -> Float[Array, "run observation"]:
    def run(pair: tuple[Fit, Seen]) -> Array:
        own, observations = pair

        def one(draw: tuple[Array, Array]) -> Array:
            return family.predict(family.theta(*draw), observations)

        flat = (own.u.reshape(-1, own.u.shape[-1]), own.mode.reshape(-1))
        of_draws: Array = jax.lax.map(one, flat, batch_size=_AT_ONCE)
        return jnp.exp(own.log_weight).reshape(-1) @ of_draws

    of_runs: Array = jax.lax.map(run, (fit, seen))
    return of_runs


@program("family")
def _observed(family: HypothesisFamily, seen: Seen) -> tuple[Array, Array]:
    values, was_seen = jax.vmap(family.observed)(seen)
    return values, was_seen
