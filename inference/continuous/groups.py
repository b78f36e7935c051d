r"""Several norms in one run: users fall into groups, and each group has a norm of its own.

With G groups, weights w and user i's choices D_i,

    p(D | w, θ) = Π_i Σ_g w_g p(D_i | θ_g)

`finite` weights are uniform on the simplex; `dirichlet-process` weights are sticks v_g ~ Beta(1, a) of a Dirichlet
process cut off after G groups, with its concentration a inferred (Ishwaran & James 2001), so that the number of
groups in use is inferred too.

Groups have no order of their own. Those of finite mixtures are counted from the largest value of their first parameter
down, which removes the G! copies of each posterior mode that samplers would wander between. Sticks have an order
already, so groups of a Dirichlet process keep theirs; numbers that change with it are not monitored, and
`inference.samplers.groups_found` puts all draws in one order before anything is said about a group.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from inference.continuous.family import HypothesisFamily, Seen, Theta, rows_by_run
from inference.continuous.parameters import Parameter, falling, stick_breaking

CONCENTRATION = Parameter("concentration", low=0.0, location=0.0, scale=1.0, meaning="a, number of groups to expect")
_LEAST_WEIGHT = 1e-30

Weights = Literal["finite", "dirichlet-process"]


@dataclass(frozen=True)
class NormGroups(HypothesisFamily):
    """Users in groups; data have `users` rows for each run, a user each.

    Attributes:
        base: Family of each group's norm; without a discrete parameter.
        users: Number of users.
        groups: Number G of groups, or the most there may be.
        weights: Prior of the groups' weights.
        shared: Parameters that all groups have in common.

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
        """Coordinates that each group has for itself."""
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
        """Let the base arrange all users, then give each run its users.

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
        """Each user's log Σ_g w_g p(D_i | θ_g): a user, and not a choice, is an observation."""
        return jax.nn.logsumexp(self.log_joint_of_users(theta, self.summarise(seen)), axis=1)

    def parts_seen(self, seen: Seen) -> Float[Array, "user"]:
        """1 for users of whom anything was seen."""
        return jnp.max(jax.vmap(self.base.observed)(seen)[1], axis=1)

    def predict(self, theta: Theta, seen: Seen) -> Float[Array, "observation"]:
        """Each user's expected choices, over the groups that she may be in."""
        chance = jax.nn.softmax(self.log_joint_of_users(theta, self.summarise(seen)), axis=1)
        over_groups = jax.vmap(self.base.predict, (0, None))
        each = jax.vmap(over_groups, (None, 0))(self._groups(theta), seen)
        return jnp.einsum("ug,ugo->uo", chance, each).reshape(-1)

    def observed(self, seen: Seen) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:
        """Each user's choices."""
        values, was_seen = jax.vmap(self.base.observed)(seen)
        return values.reshape(-1), was_seen.reshape(-1)

    def simulate(self, key: Key[Array, ""], theta: Theta, seen: Seen) -> Seen:
        """Put each user into a group and draw her choices anew."""
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
        """The largest weight, shared coordinates, moments of own ones over the groups, and each user's.

        Moments are weighted; a user's coordinates are averaged over the groups that she may be in.
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
