r"""Cross-validation of hierarchies, with each row's own parameters integrated out.

A row (a person) of a hierarchy has few observations. Leaving out one of them changes the row's parameters so much that
importance weights of their draws fail. The population's parameters φ hardly change. Given φ, the row's w is integrated
over new members of the population, w_m ~ p(w | φ):

    p(y_j | φ)            = mean_m Π_i p(y_ji | w_m)
    p(y_ji | y_j,−i, φ)   = Σ_m Π_k p(y_jk | w_m) / Σ_m Π_{k≠i} p(y_jk | w_m)

Smoothed importance sampling is then over φ only. Its weights are 1 / p(y_ji | y_j,−i, φ) to leave out an observation,
and 1 / p(y_j | φ) to leave out the whole row, which predicts a new person (Vehtari, Mononen, Tolvanen, Sivula & Winther
2016, JMLR 17(103); Merkle, Furr & Rabe-Hesketh 2019, Psychometrika 84). The mean over members is slightly noisy and
therefore slightly low; the time is proportional to their number.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from inference.checks.loo import Loo, loo_of_densities
from inference.checks.pointwise import observations, thinned
from inference.continuous.family import Seen
from inference.continuous.hierarchy import Hierarchical
from inference.samplers.compiled import program
from inference.samplers.posterior import SampledPosterior


class LooOfRows(NamedTuple):
    """Cross-validation of a hierarchy.

    Attributes:
        observations: Leaving out one observation at a time.
        rows: Leaving out one row at a time. Rows are in the column ``group``, so `compare` can pair them with a pooled
            family's groups.
    """

    observations: Loo
    rows: Loo


def integrated_loo(posterior: SampledPosterior, key: Key[Array, ""], draws: int = 200, members: int = 500) -> LooOfRows:
    """Cross-validate a hierarchy of exchangeable rows by leaving out observations and by leaving out rows.

    Args:
        posterior: Posterior over a hierarchy, of each run.
        key: Randomness of the members.
        draws: Number of draws to use from each run.
        members: Number of members of the population for each draw.

    Raises:
        TypeError: If the family is no hierarchy.
        ValueError: If rows have positions and are not exchangeable, or `draws` is too small.
    """
    family = posterior.family
    if not isinstance(family, Hierarchical):
        raise TypeError(f"{type(family).__name__} is no hierarchy; use `loo`")
    if family.places:
        raise ValueError("posterior: rows that have positions are not exchangeable; use `loo`")
    key_draws, key_members = jax.random.split(key)
    subset = thinned(posterior, draws, key_draws)
    values, was_seen = observations(subset)
    u = jnp.asarray(subset.fit.u)
    flat = u.reshape(subset.runs, subset.draws, -1)
    keys = jax.random.split(key_members, (subset.runs, subset.draws))
    seen = jax.tree.map(jnp.asarray, subset.seen)
    each, rows = (np.asarray(array) for array in _integrated(family, members, flat, keys, seen))
    shared = np.asarray(u)[..., : len(family.free) + 2 * family.base.dimension]
    by_observation = loo_of_densities(each.reshape(subset.runs, subset.draws, -1), was_seen, values, shared)
    row_seen = np.asarray(was_seen.reshape(subset.runs, family.rows, -1).any(axis=2))
    by_row = loo_of_densities(rows, row_seen, values, shared, "group")
    return LooOfRows(by_observation, dataclasses.replace(by_row, observed=by_observation.observed))


@program("family", "members")
def _integrated(
    family: Hierarchical, members: int, u: Float[Array, "run draw dim"], keys: Key[Array, "run draw"], seen: Seen
) -> tuple[Float[Array, "run draw row play"], Float[Array, "run draw row"]]:
    """Log p(y_ji | y_j,−i, φ) and log p(y_j | φ) at each draw of φ."""
    base = family.base

    def run(entry: tuple[Array, Array, Seen]) -> tuple[Array, Array]:
        own_u, own_keys, own = entry

        def draw(pair: tuple[Array, Array]) -> tuple[Array, Array]:
            at, key = pair
            mean, spread = family.population(at)
            theta = jax.vmap(base.theta)(mean + spread * jax.random.normal(key, (members, mean.shape[0])))

            def row(of_row: Seen) -> tuple[Array, Array]:
                single = jax.vmap(lambda member: base.pointwise(member, of_row))(theta)
                together = single.sum(axis=1)
                whole = jax.nn.logsumexp(together)
                without = jax.nn.logsumexp(together[:, None] - single, axis=0)
                return whole - without, whole - jnp.log(members)

            log_densities: tuple[Array, Array] = jax.lax.map(row, own)
            return log_densities

        log_densities: tuple[Array, Array] = jax.lax.map(draw, (own_u, own_keys))
        return log_densities

    log_densities: tuple[Array, Array] = jax.lax.map(run, (u, keys, seen))
    return log_densities
