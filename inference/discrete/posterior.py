"""Posteriors over policy hypotheses, for many runs at once."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int, Key, Shaped

from envs.policy import Policy
from envs.seeds import keys_of_runs
from envs.soft_policy import cumulative_probs
from envs.ultimatum import NUM_OFFERS, legal_offers, offered_share
from inference import arviz_compat
from inference.discrete.evidence import Evidence
from inference.discrete.hypotheses import Hypotheses

_ROUNDING = 1e-6  # rounding of single-precision probabilities, so that ties are treated equally on both sides


class Predictive(NamedTuple):
    """Posterior predictive of a user at given stakes.

    Attributes:
        share: Offered share of each offer; NaN where the stake does not allow the offer.
        offer: Probability of each offer.
        accept: Probability that the offer would be accepted; NaN where not allowed.
    """

    share: Float[np.ndarray, "stake offer"]
    offer: Float[np.ndarray, "run stake offer"]
    accept: Float[np.ndarray, "run stake offer"]

    @classmethod
    def at(
        cls,
        stakes: Int[Array, "stake"],
        offer: Float[Array, "run stake offer"],
        accept: Float[Array, "run stake offer"],
    ) -> Predictive:
        """Add the offered shares, and set NaN where a stake does not allow the offer."""
        legal = np.asarray(legal_offers(stakes))
        offers = jnp.broadcast_to(jnp.arange(NUM_OFFERS), legal.shape)
        share = np.asarray(offered_share(offers, jnp.broadcast_to(stakes[:, None], legal.shape)))
        return cls(np.where(legal, share, np.nan), np.asarray(offer), np.where(legal, accept, np.nan))


@runtime_checkable
class Posterior(Protocol):
    """Common interface of all posteriors, over finitely many hypotheses and as draws."""

    @property
    def hypotheses(self) -> Hypotheses:
        """Hypotheses of the posterior."""
        ...

    @property
    def runs(self) -> int:
        """Number of runs."""
        ...

    @property
    def norms(self) -> tuple[str, ...]:
        """Names along the norm axis of `norm_probabilities`."""
        ...

    @property
    def norm_probabilities(self) -> Float[np.ndarray, "run norm"]:
        """Expected weight of each norm."""
        ...

    @property
    def probabilities(self) -> Float[np.ndarray, "run hypothesis"]:
        """Probability of each hypothesis; for a family, of each value of its mode."""
        ...

    def mean(self, name: str) -> np.ndarray:
        """Compute the posterior mean of a number, such as ``lapse``."""
        ...

    def interval(self, name: str, mass: float = 0.9) -> np.ndarray:
        """Compute the equal-tailed interval of a number, (run, 2)."""
        ...

    def policy(self, index: int) -> Policy:
        """State one hypothesis, such as a draw of `sample`, as a policy."""
        ...

    def sample(
        self, key: Key[Array, ""], draws: int, runs: Int[Array, "run"] | None = None
    ) -> Int[np.ndarray, "run draw"]:
        """Draw hypotheses, by their index."""
        ...

    def predictive(self, stakes: Int[Array | np.ndarray, "stake"]) -> Predictive:
        """Predict a user's offers and answers at given stakes."""
        ...

    def to_arviz(self, key: Key[Array, ""] | None = None, draws: int = 1_000) -> Any:
        """Export as ArviZ object."""
        ...


@dataclass(frozen=True)
class DiscretePosterior:
    """An exact posterior p(θ | D) over finitely many hypotheses.

    Attributes:
        hypotheses: The K hypotheses.
        log_prob: log p(θ | D), normalised.
        log_evidence: log p(D), summed over all updates.
        data: The evidence of the last update.
        rest: Rounding error of `log_prob` in single precision; the next update adds it.

    Example:
        >>> from inference import evidence, infer, named_norms
        >>> posterior = infer(named_norms(), evidence([10, 10], [5, 5], [True, True]))
        >>> {norm: round(float(p), 3) for norm, p in zip(posterior.norms, posterior.norm_probabilities[0])}
        {'selfish': 0.0, 'fair': 1.0, 'altruistic': 0.0}
    """

    hypotheses: Hypotheses
    log_prob: Float[Array, "run hypothesis"]
    log_evidence: Float[Array, "run"]
    data: Evidence | None = None
    rest: Float[Array, "run hypothesis"] | None = None

    @property
    def runs(self) -> int:
        """Number of runs."""
        return int(self.log_prob.shape[0])

    @property
    def norms(self) -> tuple[str, ...]:
        """Names along the norm axis of `norm_probabilities`."""
        return self.hypotheses.norms

    @property
    def probabilities(self) -> Float[np.ndarray, "run hypothesis"]:
        """p(θ | D)."""
        return np.asarray(np.exp(np.asarray(self.log_prob)))

    @property
    def norm_probabilities(self) -> Float[np.ndarray, "run norm"]:
        """Expected weight of each norm: its probability in a named set, E[w_n | D] for mixtures."""
        return np.asarray(self.probabilities @ self.hypotheses.norm_weights())

    def mean(self, name: str) -> Float[np.ndarray, "run"]:
        """Posterior mean of a numerical coordinate.

        Raises:
            ValueError: If the hypotheses have no such coordinate.
        """
        return np.asarray(self.probabilities @ self._values(name))

    def interval(self, name: str, mass: float = 0.9) -> Float[np.ndarray, "run 2"]:
        """Equal-tailed interval of a numerical coordinate; its ends are values of the coordinate.

        A value is inside if all probability below it plus half its own is at least (1 − mass)/2, and likewise from
        above (quantiles of the mid-distribution, Parzen 2004). So each tail is as near to (1 − mass)/2 as the grid
        allows, without bias. Rounding outwards would always cover too much.

        Args:
            name: Coordinate of the hypotheses.
            mass: Probability inside, 0 < mass < 1.

        References:
            Parzen (2004), Quantile probability and statistical data modeling, Statistical Science 19(4).
        """
        values, index = np.unique(self._values(name), return_inverse=True)
        marginal = np.stack([np.bincount(index, row, len(values)) for row in self.probabilities])
        marginal = marginal / marginal.sum(axis=1, keepdims=True)
        middle = np.cumsum(marginal, axis=1) - marginal / 2
        tail = (1 - mass) / 2
        inside = (marginal > 0) & (np.minimum(middle, 1 - middle) >= tail - _ROUNDING)
        low = np.argmax(inside, axis=1)
        high = len(values) - 1 - np.argmax(inside[:, ::-1], axis=1)
        return np.stack([values[low], values[high]], axis=1)

    def most_probable(self) -> Int[np.ndarray, "run"]:
        """Index of the MAP hypothesis; the first if tied."""
        return np.asarray(jnp.argmax(self.log_prob, axis=1))

    def sample(
        self, key: Key[Array, ""], draws: int, runs: Int[Array, "run"] | None = None
    ) -> Int[np.ndarray, "run draw"]:
        """Draw hypotheses, by their index.

        Args:
            key: Root of the runs' keys.
            draws: Draws for each run.
            runs: Number of each run, from which its key is derived; 0, 1, … if not given.
        """
        numbers = jnp.arange(self.runs) if runs is None else jnp.asarray(runs)
        return np.asarray(_sample(keys_of_runs(key, numbers), self.log_prob, draws))

    def policy(self, index: int) -> Policy:
        """State one hypothesis as a policy."""
        return self.hypotheses.policy(index)

    def predictive(self, stakes: Int[Array | np.ndarray, "stake"]) -> Predictive:
        """Average the hypotheses' policies over the posterior, at given stakes."""
        stakes = jnp.asarray(stakes)
        offer, accept = _predict(self.hypotheses, self.log_prob, stakes)
        return Predictive.at(stakes, offer, accept)

    def to_arviz(self, key: Key[Array, ""] | None = None, draws: int = 1_000) -> Any:
        """Export draws, probabilities and data as an ArviZ object (see `inference.arviz_compat`).

        The group ``posterior`` contains independent draws of every coordinate, (chain, draw, run), with one chain.
        Names of norms are coordinates of the draws, because they are not numbers. ``constant_data`` contains the exact
        probabilities and the hypotheses' coordinates, and ``observed_data`` the evidence.

        Args:
            key: Randomness of the draws; key 0 unless given.
            draws: Draws of each run.
        """
        index = self.sample(jax.random.key(0) if key is None else key, draws)
        coordinates = self.hypotheses.coordinates()
        dims = ("chain", "draw", "run")
        draws_by_name = {name: (dims, values[index.T][None]) for name, values in coordinates.items()}
        draws_by_name["hypothesis"] = (dims, index.T[None])
        exact: dict[str, Any] = {
            "probability": (("run", "hypothesis"), self.probabilities),
            "log_evidence": (("run",), np.asarray(self.log_evidence)),
        }
        exact |= {f"hypothesis_{name}": (("hypothesis",), v) for name, v in coordinates.items()}
        where = {"chain": [0], "draw": np.arange(draws), "run": np.arange(self.runs)}
        groups = {"posterior": xr.Dataset(draws_by_name, coords=where), "constant_data": xr.Dataset(exact)}
        if self.data is not None:
            seen = {name: (("run", "play"), column) for name, column in self.data._asdict().items()}
            groups["observed_data"] = xr.Dataset(seen)
        return arviz_compat.combine(groups)

    def _values(self, name: str) -> Shaped[np.ndarray, "hypothesis"]:
        coordinates = self.hypotheses.coordinates()
        if name not in coordinates or not np.issubdtype(coordinates[name].dtype, np.number):
            numbers = [n for n, v in coordinates.items() if np.issubdtype(v.dtype, np.number)]
            raise ValueError(f"no numerical coordinate {name!r}; there are {', '.join(numbers)}")
        return coordinates[name]


@functools.partial(jax.jit, static_argnames="draws")
def _sample(keys: Key[Array, "run"], log_prob: Float[Array, "run hypothesis"], draws: int) -> Int[Array, "run draw"]:
    def one(key: Key[Array, ""], row: Float[Array, "hypothesis"]) -> Int[Array, "draw"]:
        cumulative = cumulative_probs(jnp.exp(row))
        uniform = jax.random.uniform(key, (draws,)) * cumulative[-1]
        return jnp.searchsorted(cumulative, uniform, side="right")

    return jax.vmap(one)(keys, log_prob)


@jax.jit
def _predict(
    hypotheses: Hypotheses, log_prob: Float[Array, "run hypothesis"], stakes: Int[Array, "stake"]
) -> tuple[Float[Array, "run stake offer"], Float[Array, "run stake offer"]]:
    probability = jnp.exp(log_prob)

    def at(stake: Int[Array, ""]) -> tuple[Array, Array]:
        table = hypotheses.table(stake[None])
        return probability @ jnp.exp(table.offer[0]), probability @ jnp.exp(table.accept[0])

    offer, accept = jax.lax.map(at, stakes)
    return jnp.moveaxis(offer, 0, 1), jnp.moveaxis(accept, 0, 1)
