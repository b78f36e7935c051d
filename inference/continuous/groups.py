r"""Several norms in one run: users belong to groups, and each group has its own norm.

With G groups, weights w and user i's choices D_i,

    p(D | w, θ) = Π_i Σ_g w_g p(D_i | θ_g)

`finite` weights are uniform on the simplex. `dirichlet-process` weights are sticks v_g ~ Beta(1, a) of a Dirichlet
process that is truncated after G groups (Ishwaran & James 2001). Its concentration a is inferred, and with it the
number of groups in use.

Groups have no natural order. In finite mixtures they are sorted by their first parameter, the largest first. This
removes the G! copies of each posterior mode, between which samplers would switch. Groups of a Dirichlet process keep
the order of their sticks. Numbers that depend on this order are not monitored, and `inference.samplers.groups_found`
puts all draws in one order before it summarises groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from inference.continuous.family import HypothesisFamily, Seen, Theta, rows_by_run
from inference.continuous.parameters import Parameter, falling, stick_breaking

CONCENTRATION = Parameter(
    "concentration", low=0.0, location=0.0, scale=1.0, meaning="a, which sets the expected number of groups"
)
_LEAST_WEIGHT = 1e-30

Weights = Literal["finite", "dirichlet-process"]


@dataclass(frozen=True)
class NormGroups(HypothesisFamily):
    """Users in groups; data have `users` rows for each run, one for each user.

    Attributes:
        base: Family of each group's norm, without a discrete parameter.
        users: Number of users.
        groups: Number G of groups, or its maximum for a Dirichlet process.
        weights: Prior of the groups' weights.
        shared: Parameters that all groups share.

    Example:
        >>> from inference.continuous.one_shot import CharnessRabin
        >>> family = NormGroups(base=CharnessRabin(), users=20, groups=2, shared=("rationality", "lapse"))
        >>> family.coordinate_names
        ('stick_0', 'rationality', 'lapse', 'rho[0]', 'sigma[0]', 'rho[1]', 'sigma[1]')
    """

    base: HypothesisFamily = field(kw_only=True)
    users: int = 1
    groups: int = 2
    weights: Weights = "finite"
    shared: tuple[str, ...] = ()

    separate_modes: ClassVar[bool] = True
    part: ClassVar[str] = "user"

    def __post_init__(self) -> None:
        """Check the base and the numbers."""
        if self.base.mode_name is not None:
            raise ValueError("base: give a family without a discrete parameter")
        if self.groups < 2 or self.users < 1:
            raise ValueError(f"groups: {self.groups} groups of {self.users} users; give at least 2 of at least 1")
        for name in self.shared:
            if name not in self.base.coordinate_names:
                raise ValueError(f"shared: no parameter {name!r}; there are {', '.join(self.base.coordinate_names)}")

    @property
    def own(self) -> tuple[str, ...]:
        """Coordinates that differ between groups."""
        return tuple(name for name in self.base.coordinate_names if name not in self.shared)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The concentration of a Dirichlet process, and the sticks."""
        sticks = tuple(Parameter(f"stick_{g}") for g in range(self.groups - 1))
        return (CONCENTRATION, *sticks) if self.weights == "dirichlet-process" else sticks

    @property
    def dimension(self) -> int:
        """Sticks, shared coordinates and each group's own."""
        return len(self.coordinate_names)

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        """Names of all coordinates."""
        groups = [f"{name}[{g}]" for g in range(self.groups) for name in self.own]
        return (*(parameter.name for parameter in self.free), *self.shared, *groups)

    def coordinates_of_groups(self, u: Float[Array, "dim"]) -> Float[Array, "group base_dim"]:
        """The base family's coordinates of each group."""
        start = len(self.free)
        shared = u[start : start + len(self.shared)]
        own = u[start + len(self.shared) :].reshape(self.groups, len(self.own))
        if self.weights == "finite":
            own = jnp.concatenate([falling(own[:, 0])[:, None], own[:, 1:]], axis=1)
        names = self.base.coordinate_names
        columns = [
            own[:, self.own.index(name)] if name in self.own else jnp.full(self.groups, shared[self.shared.index(name)])
            for name in names
        ]
        return jnp.stack(columns, axis=1)

    def weight(self, u: Float[Array, "dim"]) -> Float[Array, "group"]:
        """Weights w of the groups."""
        values = super().theta(u)
        sticks = jnp.stack([values[f"stick_{g}"] for g in range(self.groups - 1)])
        if self.weights == "finite":
            return stick_breaking(sticks, jnp.arange(self.groups - 1, 0, -1.0))
        return stick_breaking(sticks, jnp.full(self.groups - 1, values["concentration"]))

    def theta(self, u: Float[Array, "dim"], mode: Array | int = 0) -> Theta:
        """``weight`` and each group's parameters, (group, …)."""
        del mode
        theta = jax.vmap(self.base.theta)(self.coordinates_of_groups(u))
        theta["weight"] = self.weight(u)
        if self.weights == "dirichlet-process":
            theta["concentration"] = super().theta(u)["concentration"]
        return theta

    def arrange(self, data: Any) -> Seen:
        """Arrange all users by the base family, then group them by run.

        Raises:
            ValueError: If the data's rows do not fit.
        """
        return rows_by_run(self.base.arrange(data), self.users, "users")

    def summarise(self, seen: Seen) -> Any:
        """Summarise each user."""
        return jax.vmap(self.base.summarise)(seen)

    def log_joint_of_users(self, theta: Theta, summary: Any) -> Float[Array, "user group"]:
        """Log w_g p(D_i | θ_g)."""
        over_groups = jax.vmap(self.base.log_likelihood, (0, None))
        each = jax.vmap(over_groups, (None, 0))(self._groups(theta), summary)
        return each + jnp.log(jnp.maximum(theta["weight"], _LEAST_WEIGHT))

    def log_likelihood(self, theta: Theta, summary: Any) -> Float[Array, ""]:
        """Σ_i log Σ_g w_g p(D_i | θ_g)."""
        return jax.nn.logsumexp(self.log_joint_of_users(theta, summary), axis=1).sum()

    def pointwise(self, theta: Theta, seen: Seen) -> Float[Array, "user"]:
        """Each user's log Σ_g w_g p(D_i | θ_g); an observation is a user, not a choice."""
        return jax.nn.logsumexp(self.log_joint_of_users(theta, self.summarise(seen)), axis=1)

    def parts_seen(self, seen: Seen) -> Float[Array, "user"]:
        """Mask of users with at least one seen choice."""
        return jnp.max(jax.vmap(self.base.observed)(seen)[1], axis=1)

    def predict(self, theta: Theta, seen: Seen) -> Float[Array, "observation"]:
        """Each user's expected choices, averaged over her possible groups."""
        chance = jax.nn.softmax(self.log_joint_of_users(theta, self.summarise(seen)), axis=1)
        over_groups = jax.vmap(self.base.predict, (0, None))
        each = jax.vmap(over_groups, (None, 0))(self._groups(theta), seen)
        return jnp.einsum("ug,ugo->uo", chance, each).reshape(-1)

    def observed(self, seen: Seen) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:
        """Each user's choices."""
        values, was_seen = jax.vmap(self.base.observed)(seen)
        return values.reshape(-1), was_seen.reshape(-1)

    def simulate(self, key: Key[Array, ""], theta: Theta, seen: Seen) -> Seen:
        """Draw a group for each user, and then her choices."""
        key_group, key_choices = jax.random.split(key)
        log_weight = jnp.log(jnp.maximum(theta["weight"], _LEAST_WEIGHT))
        group = jax.random.categorical(key_group, log_weight, shape=(self.users,))
        own = jax.tree.map(lambda values: values[group], self._groups(theta))
        return jax.vmap(self.base.simulate)(jax.random.split(key_choices, self.users), own, seen)

    @property
    def monitored_names(self) -> tuple[str, ...]:
        """Names of numbers that do not depend on the order of groups."""
        users = [f"{name}_of_user[{user}]" for user in range(self.users) for name in self.own]
        moments = [f"{moment}_{name}" for moment in ("mean", "variance") for name in self.own]
        return ("largest_weight", *self.shared, *moments, *users)

    def monitored(self, u: Float[Array, "dim"], summary: Any) -> Float[Array, "number"]:
        """Monitored numbers: the largest weight, shared coordinates, and moments of the others over groups and users.

        Moments are weighted. A user's coordinates are averaged over her possible groups.
        """
        weight, coordinates = self.weight(u), self.coordinates_of_groups(u)
        names = self.base.coordinate_names
        own = coordinates[:, jnp.asarray([names.index(name) for name in self.own], int)]
        shared = coordinates[0, jnp.asarray([names.index(name) for name in self.shared], int)]
        mean = weight @ own
        variance = weight @ (own - mean) ** 2
        chance = jax.nn.softmax(self.log_joint_of_users(self.theta(u), summary), axis=1)
        return jnp.concatenate([jnp.max(weight)[None], shared, mean, variance, (chance @ own).reshape(-1)])

    def _groups(self, theta: Theta) -> Theta:
        """The part of θ that has a group axis."""
        return {name: value for name, value in theta.items() if name not in {"weight", "concentration"}}
