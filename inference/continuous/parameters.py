r"""Parameters as monotone functions of standard normal numbers.

Every continuous family is written in *whitened* coordinates u with prior N(0, I). A parameter is a function of one of
them, θ = g(m + s u), where g is the identity, an exponential or a scaled normal distribution function, by its range:

    (−∞, ∞)      θ = m + s u                        normal
    (low, ∞)     θ = low + exp(m + s u)             log-normal
    (low, high)  θ = low + (high − low) Φ(m + s u)  logit-normal's probit twin; uniform when m = 0, s = 1

So prior, transform and Jacobian have one definition, and methods do not depend on ranges. Hierarchies vary m without a
second definition (the non-centred form of Betancourt & Girolami 2015, arXiv:1312.0906).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_FARTHEST = 12.0  # standard deviations; beyond them the tail underflows in single precision
_SMALLEST, _NEAREST_TO_ONE = 1e-30, 1e-7  # smallest and largest probability that single precision can invert
_LARGEST_LOG = 60.0  # larger exponents would overflow single precision


class Parameter(NamedTuple):
    """A parameter of a hypothesis, with its prior.

    Attributes:
        name: Its name.
        low: Lower end of its range.
        high: Upper end of its range.
        location: m, on the scale before g.
        scale: s > 0, on the scale before g.
        meaning: Short description with the unit.
        source: Source of the range or prior.

    Example:
        >>> envy = Parameter("alpha", 0.0, 4.0)
        >>> float(envy.value(jnp.asarray(0.0)))
        2.0
    """

    name: str
    low: float = -math.inf
    high: float = math.inf
    location: float = 0.0
    scale: float = 1.0
    meaning: str = ""
    source: str = ""

    def value(self, u: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """θ at whitened coordinates."""
        return self.from_line(self.location + self.scale * u)

    def from_line(self, x: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """Compute g(x), which maps the real line to the range."""
        if math.isfinite(self.high):
            return self.low + (self.high - self.low) * jax.scipy.special.ndtr(x)
        if math.isfinite(self.low):
            return self.low + jnp.exp(jnp.minimum(x, _LARGEST_LOG))
        return x


def half_normal(u: Float[Array, "*n"], scale: float) -> Float[Array, "*n"]:
    """Quantile of a half-normal at Φ(u), for a standard deviation that may be 0.

    |z| has the distribution function 2Φ(z) − 1, so its quantile at p = Φ(u) is −Φ⁻¹(Φ(−u)/2). This form is precise for
    large u.

    Example:
        >>> round(float(half_normal(jnp.asarray(0.0), 1.0)), 4)  # the median of |z|
        0.6745
    """
    return scale * _folded(u)


@jax.custom_jvp
def _folded(u: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Solve 2Φ(z) − 1 = Φ(u) for z."""
    upper_tail = jax.scipy.special.ndtr(-jnp.minimum(u, _FARTHEST))
    return -jax.scipy.special.ndtri(upper_tail / 2)


@_folded.defjvp
def _folded_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    """Derivative dz/du = φ(u) / 2φ(z), which is cheaper than the derivative of Φ⁻¹'s polynomials."""
    (u,), (du,) = primals, tangents
    z = _folded(u)
    return z, jnp.where(u < _FARTHEST, 0.5 * jnp.exp((z**2 - u**2) / 2), 0.0) * du


def falling(u: Float[Array, "number"]) -> Float[Array, "number"]:
    r"""Order statistics of standard normal numbers, the largest first, from as many independent ones.

    The largest of G uniform numbers is distributed as V^{1/G}, the next as V'^{1/(G−1)} times the largest, and so on
    (Devroye 1986, V.3). So an ordered sample has a smooth one-to-one parametrisation.

    Example:
        >>> [round(float(x), 3) for x in falling(jnp.zeros(3))]
        [0.819, 0.154, -0.581]
    """
    left = jnp.arange(u.shape[0], 0, -1)
    log_uniform = jnp.cumsum(jax.scipy.special.log_ndtr(u) / left)
    return jax.scipy.special.ndtri(jnp.clip(jnp.exp(log_uniform), _SMALLEST, 1 - _NEAREST_TO_ONE))


def stick_breaking(u: Float[Array, "stick"], concentration: Float[Array, "stick"]) -> Float[Array, "part"]:
    r"""Weights from stick-breaking fractions v_k ~ Beta(1, b_k): w_k = v_k Π_{j<k} (1 − v_j).

    Beta(1, b) has the quantile 1 − (1 − p)^{1/b}, so fractions are functions of standard normal numbers. With b_k = K −
    k the weights of K parts are uniform on the simplex. With b_k = α they are a Dirichlet process truncated after K
    parts (Sethuraman 1994; Ishwaran & James 2001).

    Example:
        >>> [round(float(w), 3) for w in stick_breaking(jnp.zeros(2), jnp.asarray([2.0, 1.0]))]
        [0.293, 0.354, 0.354]
    """
    log_rest = jax.scipy.special.log_ndtr(-u) / concentration  # log(1 − v)
    before = jnp.concatenate([jnp.zeros(1), jnp.cumsum(log_rest)])
    taken = jnp.concatenate([-jnp.expm1(log_rest), jnp.ones(1)])
    return taken * jnp.exp(before)
