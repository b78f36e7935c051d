r"""Utilities U_θ(x_own, x_other) over the payoffs of two players.

Payoffs are shares of the stake, in [0, 1], so a rationality λ has the same meaning at every stake. A model in units of
money has λ divided by the stake. Every utility is 0 at (0, 0), the payoffs of a rejected offer and of every step before
the last.

=============== ==================================================================  ============================
name            U_θ(x, y), x own share, y other's share                             source
=============== ==================================================================  ============================
selfish         x                                                                   Fränken et al. 2023
altruistic      y                                                                   Fränken et al. 2023
fair            x/2 + 3y/2 − 4 abs(x − y)                                           see `fair`
fehr_schmidt    x − α max(y − x, 0) − β max(x − y, 0)                               Fehr & Schmidt 1999, eq. 1
charness_rabin  (1 − w) x + w y, w = ρ when x > y, σ when x < y                     Charness & Rabin 2002, eq. 1
ces             (a x^r + (1 − a) y^r)^(1/r)                                         Andreoni & Miller 2002, eq. 3
reciprocity     (1 − w) x + w y, w = α s + β r + γ q + δ v                          Bruhin, Fehr & Schunk 2019, eq. 1
layered_contract  two bounds and a preference, each with a strength                   see `envs.contracts`
=============== ==================================================================  ============================

A new utility is one function and one line in `UTILITIES`, or an entry point of the group ``scai_irl.utilities``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from envs import contracts
from envs.plugins import Registry

UtilityFunction = Callable[[Float[Array, "parameter"], Float[Array, "*n"], Float[Array, "*n"]], Float[Array, "*n"]]

_NO_SHARE = 1e-6  # shares below it are rounding errors of 0, where CES with r ≤ 0 has an infinite slope
_STANDS_FOR_ZERO = 1e-30  # keeps logarithms of CES finite; even its power 0.1 is negligible compared with 1
_COBB_DOUGLAS_BELOW = 1e-3  # |r| under which CES is expanded about its limit r = 0


def selfish(theta: Float[Array, "0"], own: Float[Array, "*n"], other: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Utility of the own share; the other's share does not count."""
    del theta
    return own + 0 * other


def altruistic(theta: Float[Array, "0"], own: Float[Array, "*n"], other: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Utility of the other's share; the own share does not count."""
    del theta
    return other + 0 * own


def fair(theta: Float[Array, "0"], own: Float[Array, "*n"], other: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Utility of equal shares with the greatest total: x/2 + 3y/2 − 4|x − y|.

    SCAI (2023) describes this norm as an equal split of the greatest benefit. As a utility it is the sum of shares
    minus a price on their difference. With price 4 a responder rejects offers below .36 and above .61. This agrees with
    the GPT-4 users of SCAI (2023), who accept 20 % at .30–.40 and 95 % at .40–.49. A weight of ½ is moved from the own
    share to the other's. So the other gets the odd unit of an odd stake, and the best offer is unique.
    """
    del theta
    return 0.5 * own + 1.5 * other - 4 * jnp.abs(own - other)


def fehr_schmidt(theta: Float[Array, "2"], own: Float[Array, "*n"], other: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Utility of inequity aversion: envy α when behind and guilt β when ahead.

    References:
        Fehr & Schmidt (1999), A theory of fairness, competition, and cooperation, QJE 114(3), eq. 1.
    """
    alpha, beta = theta[0], theta[1]
    return own - alpha * jnp.maximum(other - own, 0) - beta * jnp.maximum(own - other, 0)


def charness_rabin(theta: Float[Array, "2"], own: Float[Array, "*n"], other: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Utility with a weight on the other's payoff: ρ when ahead, σ when behind (without reciprocity).

    References:
        Charness & Rabin (2002), Understanding social preferences with simple tests, QJE 117(3), eq. 1.
    """
    rho, sigma = theta[0], theta[1]
    weight = jnp.where(own > other, rho, jnp.where(own < other, sigma, 0.0))
    return (1 - weight) * own + weight * other


def ces(theta: Float[Array, "2"], own: Float[Array, "*n"], other: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Utility of altruism with constant elasticity of substitution 1/(1 − r) and weight a on oneself.

    It is evaluated in logarithms. At r = 0 it is the Cobb–Douglas limit x^a y^(1−a), and near 0 it is the first-order
    expansion in r.

    References:
        Andreoni & Miller (2002), Giving according to GARP, Econometrica 70(2), eq. 3.
    """
    a, r = theta[0], theta[1]
    a = jnp.clip(a, 0.0, 1.0)
    log_own = jnp.log(jnp.where(own > _NO_SHARE, own, _STANDS_FOR_ZERO))
    log_other = jnp.log(jnp.where(other > _NO_SHARE, other, _STANDS_FOR_ZERO))
    near_zero = jnp.abs(r) < _COBB_DOUGLAS_BELOW
    safe_r = jnp.where(near_zero, 1.0, r)
    log_sum = jnp.logaddexp(_log(a) + safe_r * log_own, _log(1 - a) + safe_r * log_other)
    at_zero = a * log_own + (1 - a) * log_other + r / 2 * a * (1 - a) * (log_own - log_other) ** 2
    log_utility = jnp.where(near_zero, at_zero, log_sum / safe_r)
    nothing = (own <= _NO_SHARE) & (other <= _NO_SHARE)
    return jnp.where(nothing, 0.0, jnp.exp(log_utility))


def reciprocity(theta: Float[Array, "4"], own: Float[Array, "*n"], other: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Utility of a proposer: weight α on the other's payoff when behind, β when ahead (see `reciprocal_answer`)."""
    return charness_rabin(jnp.stack([theta[1], theta[0]]), own, other)


def reciprocal_answer(
    theta: Float[Array, "4"], own: Float[Array, "*n"], other: Float[Array, "*n"]
) -> Float[Array, "*n"]:
    """Utility of a responder, with weight α + δ on the proposer's payoff when behind and β + γ when ahead.

    An offer of more than half is kind (q = 1), and an offer of less is unkind (v = 1). So offers identify α and β, and
    answers identify the effect of reciprocity.

    References:
        Bruhin, Fehr & Schunk (2019), The many faces of human sociality, JEEA 17(4), eq. 1; after Charness & Rabin
        (2002).
    """
    alpha, beta, gamma, delta = theta
    return charness_rabin(jnp.stack([beta + gamma, alpha + delta]), own, other)


def _log(weight: Float[Array, ""]) -> Float[Array, ""]:
    """Logarithm with log 0 = −∞ and a gradient of 0 there."""
    positive = weight > 0
    return jnp.where(positive, jnp.log(jnp.where(positive, weight, 1.0)), -jnp.inf)


@dataclass(frozen=True)
class Utility:
    """A utility with the names and usual ranges of its parameters.

    Attributes:
        name: Key in `UTILITIES`.
        function: U(θ, own share, other's share); broadcasts over shares.
        parameters: Names of θ's entries, in order.
        bounds: Plausible range of each parameter in the literature, (low, high).
        responding: U of the player who answers an offer, if it differs.
        phrase: Sentence that states the norm, with its parameters in braces; a generic one if not given.
    """

    name: str
    function: UtilityFunction
    parameters: tuple[str, ...] = ()
    bounds: tuple[tuple[float, float], ...] = ()
    responding: UtilityFunction | None = None
    phrase: str = ""

    @property
    def of_responder(self) -> UtilityFunction:
        """U of the player who answers."""
        return self.responding or self.function


_OWN = (
    Utility("selfish", selfish),
    Utility("fair", fair),
    Utility("altruistic", altruistic),
    Utility("fehr_schmidt", fehr_schmidt, ("alpha", "beta"), ((0.0, 4.0), (0.0, 1.0))),
    Utility("charness_rabin", charness_rabin, ("rho", "sigma"), ((-1.0, 1.0), (-1.0, 1.0))),
    Utility("ces", ces, ("own_weight", "substitution"), ((0.0, 1.0), (-4.0, 1.0))),
    Utility(
        "reciprocity",
        reciprocity,
        ("alpha", "beta", "gamma", "delta"),
        ((-1.0, 1.0),) * 4,
        reciprocal_answer,
    ),
    Utility("layered_contract", contracts.layered_contract, contracts.PARAMETERS, contracts.BOUNDS),
)

UTILITIES: Registry[Utility] = Registry(
    "utility", "scai_irl.utilities", Utility, {utility.name: utility for utility in _OWN}
)
"""Utilities by name."""


def get_utility(name: str) -> Utility:
    """Look up a utility.

    Raises:
        ValueError: If no utility has that name; the message lists all names.

    Example:
        >>> get_utility("fehr_schmidt").parameters
        ('alpha', 'beta')
    """
    return UTILITIES.look_up(name)
