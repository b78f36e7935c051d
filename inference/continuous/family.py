r"""Continuous families of hypotheses: a prior over θ, and the probability of choices given θ.

A new family is a small class with `parameters`, `pointwise` and `simulate`. All methods, diagnostics and calibration
work with it. θ is a dictionary of named arrays, computed from whitened coordinates u ~ N(0, I) (see
`inference.continuous.parameters`). A family may also have one discrete parameter with few values, its *mode*, such as
the norm of a group or the depth of planning. Methods sum it out exactly and then draw it from its conditional
distribution.

    p(D | u) = Σ_m p(m) p(D | θ(u), m)
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from inference.continuous.parameters import Parameter

Theta = dict[str, Array]
"""Parameters by name; the mode, if there is one, is an integer among them."""

Seen = Any
"""Observations of one run as a pytree of arrays; over runs, each leaf has a leading run axis."""


F = TypeVar("F", bound="HypothesisFamily")


@dataclasses.dataclass(frozen=True)
class HypothesisFamily(ABC):
    """A continuous family. Subclasses are frozen dataclasses, so equal families share compiled programs.

    Attributes:
        fixed: Parameters that are known, as (name, value) pairs; the others are inferred.
        priors: Parameters with priors that replace the family's own.
    """

    fixed: tuple[tuple[str, float], ...] = ()
    priors: tuple[Parameter, ...] = ()

    mode_name: ClassVar[str | None] = None
    """Name of the discrete parameter, if the family has one."""

    separate_modes: ClassVar[bool] = False
    """Whether posteriors may have several separate modes, between which a single chain would not move."""

    part: ClassVar[str] = "observation"
    """Name of an entry of `pointwise`, the unit that cross-validation leaves out."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters with the family's own priors."""

    @abstractmethod
    def pointwise(self, theta: Theta, seen: Seen) -> Float[Array, "observation"]:
        """Compute log p(observation | θ) of each observation of one run; 0 for unseen ones."""

    @abstractmethod
    def simulate(self, key: Key[Array, ""], theta: Theta, seen: Seen) -> Seen:
        """Draw the choices of one run anew, in the same design."""

    @abstractmethod
    def predict(self, theta: Theta, seen: Seen) -> Float[Array, "observation"]:
        """Expected value of each observed choice: a probability of acceptance, or an offered share."""

    @abstractmethod
    def observed(self, seen: Seen) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:
        """Values of the observed choices, on the scale of `predict`, and a mask (1 where seen, otherwise 0)."""

    def parts_seen(self, seen: Seen) -> Float[Array, "part"]:
        """Mask of the entries of `pointwise` that were seen (1, otherwise 0)."""
        return jnp.asarray(self.observed(seen)[1])

    def arrange(self, data: Any) -> Seen:
        """Check and shape data, once, by numpy; every leaf has a leading run axis.

        Raises:
            ValueError: If the data do not suit the family.
        """
        return jax.tree.map(np.asarray, data)

    def summarise(self, seen: Seen) -> Any:
        """Reduce one run to the statistics that `log_likelihood` needs; computed once, not at every step."""
        return seen

    def log_likelihood(self, theta: Theta, summary: Any) -> Float[Array, ""]:
        """Compute log p(D | θ) of one run."""
        return self.pointwise(theta, summary).sum()

    @property
    def monitored_names(self) -> tuple[str, ...]:
        """Names of the monitored numbers."""
        return self.coordinate_names

    def monitored(self, u: Float[Array, "dim"], summary: Any) -> Float[Array, "number"]:
        """Compute the numbers for convergence checks and calibration; these are the coordinates unless overridden.

        If coordinates can be permuted, such as those of groups without an order, these numbers must not depend on the
        order. They may also depend on the data (Modrák et al. 2023, arXiv:2211.02383).
        """
        del summary
        return u

    def cautions(self, seen: Seen) -> list[str]:
        """List warnings about the data, one line each.

        Args:
            seen: Arranged observations, with a run axis.

        Raises:
            ValueError: If a run has no observation at all.
        """
        values, was_seen = (np.asarray(part) for part in jax.vmap(self.observed)(jax.tree.map(jnp.asarray, seen)))
        empty = np.flatnonzero(was_seen.sum(axis=1) == 0)
        if empty.size:
            raise ValueError(f"data: run {empty[0]} has no observation; leave it out")
        least = np.where(was_seen > 0, values, np.inf).min(axis=1)
        most = np.where(was_seen > 0, values, -np.inf).max(axis=1)
        constant = np.flatnonzero((least == most) & (was_seen.sum(axis=1) > 1))
        if constant.size:
            more = f" and {constant.size - 1} more" if constant.size > 1 else ""
            return [f"every choice of run {constant[0]}{more} is the same; it bounds the parameters on one side only"]
        return []

    @property
    def free(self) -> tuple[Parameter, ...]:
        """The parameters that are inferred, with the priors in use."""
        given = {parameter.name: parameter for parameter in self.priors}
        known = dict(self.fixed)
        return tuple(given.get(own.name, own) for own in self.parameters if own.name not in known)

    @property
    def dimension(self) -> int:
        """Number of whitened coordinates."""
        return len(self.free)

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        """A name for each whitened coordinate."""
        return tuple(parameter.name for parameter in self.free)

    @property
    def mode_labels(self) -> tuple[str, ...]:
        """Labels of the values of the discrete parameter; a single empty label if there is none."""
        return ("",)

    @property
    def log_mode_prior(self) -> tuple[float, ...]:
        """Log prior of each mode; uniform unless overridden."""
        return (-math.log(len(self.mode_labels)),) * len(self.mode_labels)

    def theta(self, u: Float[Array, "dim"], mode: Array | int = 0) -> Theta:
        """Parameters at whitened coordinates."""
        theta: Theta = {name: jnp.asarray(value) for name, value in self.fixed}
        for index, parameter in enumerate(self.free):
            theta[parameter.name] = parameter.value(u[index])
        if self.mode_name is not None:
            theta[self.mode_name] = jnp.asarray(mode, jnp.int32)
        return theta

    def fix(self: F, **values: float) -> F:
        """Fix parameters at known values.

        Raises:
            ValueError: If there is no such parameter, or the value is outside its range.
        """
        return dataclasses.replace(self, fixed=self.fixed + tuple(_checked(self.parameters, values)))

    def unfix(self: F, *names: str) -> F:
        """Infer parameters that were fixed.

        Raises:
            ValueError: If one of them is not fixed.
        """
        known = dict(self.fixed)
        for name in names:
            if name not in known:
                raise ValueError(f"{name} is not fixed; fixed are {', '.join(known) or 'none'}")
        return dataclasses.replace(self, fixed=tuple(pair for pair in self.fixed if pair[0] not in names))

    def with_priors(self: F, *priors: Parameter) -> F:
        """Replace the priors of some parameters.

        Raises:
            ValueError: If there is no such parameter.
        """
        _known(self.parameters, [prior.name for prior in priors])
        replaced = {prior.name: prior for prior in (*self.priors, *priors)}
        return dataclasses.replace(self, priors=tuple(replaced.values()))


def rows_by_run(arranged: Seen, rows: int, what: str) -> Seen:
    """Reshape rows by run: leaves (run × row, …) become (run, row, …).

    Raises:
        ValueError: If the rows do not fit.

    Example:
        >>> rows_by_run(np.arange(6), 3, "users").tolist()
        [[0, 1, 2], [3, 4, 5]]
    """
    total = int(np.shape(jax.tree.leaves(arranged)[0])[0])
    if total % rows:
        raise ValueError(f"data: {total} rows do not make runs of {rows} {what}")
    return jax.tree.map(lambda leaf: np.reshape(leaf, (-1, rows, *np.shape(leaf)[1:])), arranged)


def _known(parameters: tuple[Parameter, ...], names: list[str]) -> None:
    own = [parameter.name for parameter in parameters]
    for name in names:
        if name not in own:
            raise ValueError(f"no parameter {name!r}; there are {', '.join(own)}")


def _checked(parameters: tuple[Parameter, ...], values: Mapping[str, float]) -> list[tuple[str, float]]:
    _known(parameters, list(values))
    for parameter in parameters:
        value = values.get(parameter.name, parameter.low if math.isfinite(parameter.low) else 0.0)
        if not parameter.low <= value <= parameter.high:
            raise ValueError(f"{parameter.name}: {value:g} is outside {parameter.low:g}..{parameter.high:g}")
    return [(name, float(value)) for name, value in values.items()]
