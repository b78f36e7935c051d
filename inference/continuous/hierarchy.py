r"""Partial pooling: rows of data (subjects, societies, currencies) with own parameters around a population's.

In the whitened coordinates of a base family, with D parameters and rows j,

    u_d ~ N(0, 1)            the population's mean
    τ_d ~ N⁺(0, spread)      how far rows differ
    w_j = u + τ ⊙ f_j        the row's coordinates;  θ_j = base.theta(w_j)

where f_j ~ N(0, I) independently. For rows with positions p_j on a line of psychological distance, each coordinate of f
is instead a Gaussian process with covariance exp(−|p_i − p_j| / ℓ) (Rasmussen & Williams 2006, eq. 4.18 with ν = 1/2).
Near rows are then similar, and the predictive of an unseen row depends on its distance from the seen ones. The
parametrisation is non-centred, so coordinates are N(0, I).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from inference.continuous.family import HypothesisFamily, Seen, Theta, rows_by_run
from inference.continuous.parameters import Parameter, half_normal

LENGTH = Parameter(
    "length", low=0.0, location=0.0, scale=0.7, meaning="ℓ, psychological distance over which rows differ"
)


@dataclass(frozen=True)
class Hierarchical(HypothesisFamily):
    """Rows with own parameters around a population's; data have `rows` rows for each run, in order.

    Attributes:
        base: Family of each row, without a discrete parameter.
        rows: Number J of rows.
        spread: Scale of the half-normal prior of τ, in units of the base's prior.
        places: Position of each row on a line of psychological distance; empty for exchangeable rows.

    Example:
        >>> from inference.continuous.one_shot import FehrSchmidt
        >>> Hierarchical(base=FehrSchmidt().fix(lapse=0.05), rows=30).dimension  # 3 means, 3 spreads, 30 x 3 rows
        96
    """

    base: HypothesisFamily = field(kw_only=True)
    rows: int = 1
    spread: float = 0.5
    places: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check the base and the positions."""
        if self.base.mode_name is not None:
            raise ValueError("base: give a family without a discrete parameter")
        if self.rows < 1:
            raise ValueError(f"rows: {self.rows} is too few; give 1 or more")
        if self.places and len(self.places) != self.rows:
            raise ValueError(f"places: {len(self.places)} positions do not fit {self.rows} rows")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The length ℓ if rows have positions; all other numbers are coordinates of the base family."""
        return (LENGTH,) if self.places else ()

    @property
    def dimension(self) -> int:
        """ℓ, D means, D spreads and J × D rows."""
        return len(self.free) + (2 + self.rows) * self.base.dimension

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        """Names of all coordinates."""
        names = self.base.coordinate_names
        rows = [f"{name}[{row}]" for row in range(self.rows) for name in names]
        own = [parameter.name for parameter in self.free]
        return (*own, *(f"population_{n}" for n in names), *(f"spread_{n}" for n in names), *rows)

    def coordinates_of_rows(self, u: Float[Array, "dim"]) -> Float[Array, "row base_dim"]:
        """Compute w_j = u + τ ⊙ f_j."""
        return self._parts(u)[2]

    def theta(self, u: Float[Array, "dim"], mode: Array | int = 0) -> Theta:
        """Each row's parameters, (row, …), with ``population_NAME`` (at its median) and ``spread_NAME``."""
        del mode
        base = self.base
        mean, spread, rows = self._parts(u)
        theta = jax.vmap(base.theta)(rows)
        known = dict(base.fixed)
        theta |= {f"population_{name}": value for name, value in base.theta(mean).items() if name not in known}
        theta |= {f"spread_{name}": value for name, value in zip(base.coordinate_names, spread, strict=True)}
        if self.places:
            theta["length"] = self._length(u)
        return theta

    def arrange(self, data: Any) -> Seen:
        """Arrange all rows by the base family, then group them by run.

        Raises:
            ValueError: If the data's rows do not fit.
        """
        return rows_by_run(self.base.arrange(data), self.rows, "rows")

    def summarise(self, seen: Seen) -> Any:
        """Summarise each row."""
        return jax.vmap(self.base.summarise)(seen)

    def log_likelihood(self, theta: Theta, summary: Any) -> Float[Array, ""]:
        """Σ_j log p(D_j | θ_j)."""
        of_rows: Array = jax.vmap(self.base.log_likelihood)(self.rows_of(theta), summary)
        return of_rows.sum()

    def pointwise(self, theta: Theta, seen: Seen) -> Float[Array, "observation"]:
        """Log-probabilities of each row's observations, one row after the other."""
        return jax.vmap(self.base.pointwise)(self.rows_of(theta), seen).reshape(-1)

    def predict(self, theta: Theta, seen: Seen) -> Float[Array, "observation"]:
        """Each row's expected choices."""
        return jax.vmap(self.base.predict)(self.rows_of(theta), seen).reshape(-1)

    def observed(self, seen: Seen) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:
        """Each row's choices."""
        values, was_seen = jax.vmap(self.base.observed)(seen)
        return values.reshape(-1), was_seen.reshape(-1)

    def simulate(self, key: Key[Array, ""], theta: Theta, seen: Seen) -> Seen:
        """Draw each row's choices anew."""
        keys = jax.random.split(key, self.rows)
        return jax.vmap(self.base.simulate)(keys, self.rows_of(theta), seen)

    def monitored(self, u: Float[Array, "dim"], summary: Any) -> Float[Array, "number"]:
        """Monitored numbers: the population's mean and spread, and the rows in centred form."""
        del summary
        mean, spread, rows = self._parts(u)
        return jnp.concatenate([u[: len(self.free)], mean, spread, rows.reshape(-1)])

    def cautions(self, seen: Seen) -> list[str]:
        """Warn of rows without observations, unless rows have positions and such rows are to be predicted."""
        cautions = super().cautions(seen)
        _, was_seen = jax.vmap(jax.vmap(self.base.observed))(jax.tree.map(jnp.asarray, seen))
        empty = np.argwhere(np.asarray(was_seen).sum(axis=2) == 0)
        if len(empty) and not self.places:
            cautions.append(
                f"row {empty[0][1]} of run {empty[0][0]} has no observation; its estimate is the population's"
            )
        return cautions

    def rows_of(self, theta: Theta) -> Theta:
        """The part of θ that has a row axis."""
        names = dict.fromkeys(theta)
        shared = {n for n in names if n.startswith(("population_", "spread_")) or n == "length"}
        return {name: value for name, value in theta.items() if name not in shared}

    def population(self, u: Float[Array, "dim"]) -> tuple[Float[Array, "base_dim"], Float[Array, "base_dim"]]:
        """The population's mean u and the spread τ."""
        mean, spread, _ = self._parts(u)
        return mean, spread

    def _parts(self, u: Float[Array, "dim"]) -> tuple[Array, Array, Array]:
        """The population's mean u, its spread τ and the rows' w.

        Data identify the rows' centre, u + τ f̄, far better than u. For exchangeable rows the first coordinate is
        therefore this centre, divided by its standard deviation s = √(1 + τ²/J). The mean of the others is the
        orthogonal direction. For each τ this is a rotation of (u, √J f̄), which leaves N(0, I) unchanged.
        """
        depth, start = self.base.dimension, len(self.free)
        first, spread = u[start : start + depth], half_normal(u[start + depth : start + 2 * depth], self.spread)
        z = u[start + 2 * depth :].reshape(self.rows, depth)
        if self.places:
            return first, spread, first + spread * (self._root(u) @ z)
        mean = jnp.mean(z, axis=0)
        s = jnp.sqrt(1 + spread**2 / self.rows)
        return (first - spread * mean) / s, spread, s * first + spread * (z - mean)

    def _length(self, u: Float[Array, "dim"]) -> Float[Array, ""]:
        known = dict(self.fixed)
        return jnp.asarray(known["length"]) if "length" in known else self.free[0].value(u[0])

    def _root(self, u: Float[Array, "dim"]) -> Float[Array, "row row"]:
        """A root R of the covariance of rows, R Rᵀ = exp(−|p_i − p_j| / ℓ).

        On a line this process is Markov (Rasmussen & Williams 2006, appendix B): from one row to the next, f' = ρ f +
        √(1 − ρ²) z with ρ = exp(−distance / ℓ). So the root needs no decomposition.
        """
        order = np.argsort(self.places, kind="stable")
        rank = np.argsort(order)
        along = np.asarray(self.places)[order]
        step, length = np.diff(along), self._length(u)
        fresh = jnp.where(step > 0, jnp.sqrt(-jnp.expm1(-2 * np.where(step > 0, step, 1.0) / length)), 0.0)
        root = jnp.tril(jnp.exp(-np.abs(along[:, None] - along) / length) * jnp.concatenate([jnp.ones(1), fresh]))
        return root[np.ix_(rank, rank)]
