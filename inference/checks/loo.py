r"""How well hypotheses predict what they have not seen: leave-one-out cross-validation of posteriors.

    elpd = Σ_i log p(y_i | y_−i),   p(y_i | y_−i) = ∫ p(y_i | θ) p(θ | y_−i) dθ

The posterior without y_i comes from the one with it by importance weights 1 / p(y_i | θ), whose tail is smoothed by a
generalised Pareto distribution; its shape k̂ tells where that fails (Vehtari, Gelman & Gabry 2017, Stat. Comput. 27).

What is left out is part of the question. Left out one by one, the choices of a person are predicted with the person's
others at hand. Left out person by person (`groups`), a new person is predicted; then the log-likelihoods of a person's
choices are summed, which is right only where θ belongs to all (a pooled family). A hierarchy's θ has an entry for the
person, so that the sum would score a person already known; see `inference.checks.integrated_loo`.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Array, Bool, Float, Int, Key

from inference import arviz_compat
from inference.checks.pointwise import observations, parts_seen, pointwise_log_likelihood, thinned
from inference.samplers.posterior import SampledPosterior

_USUAL_LEVEL = 0.7


@dataclasses.dataclass(frozen=True)
class Loo:
    """Leave-one-out cross-validation of one posterior.

    Attributes:
        pointwise: A row for each observation or group that was left out: ``run``, ``observation`` (or ``group``, or a
            family's `part`), ``elpd`` (log p(y_i | y_−i)), ``p_loo`` (how much was lost by leaving it out) and
            ``pareto_k``.
        draws: Draws it was computed from.
        observed: Value of each observation, by which two posteriors are found to be of the same data.
    """

    pointwise: pd.DataFrame
    draws: int
    observed: Float[np.ndarray, "seen"] = dataclasses.field(repr=False)

    @property
    def elpd(self) -> float:
        """Expected log predictive density, in nats, summed over what was left out."""
        return float(self.pointwise["elpd"].sum())

    @property
    def se(self) -> float:
        """Standard error of `elpd`: √(n Var elpd_i)."""
        return _standard_error(self.pointwise["elpd"].to_numpy())

    @property
    def p_loo(self) -> float:
        """Effective number of parameters: log p(y | y) − elpd."""
        return float(self.pointwise["p_loo"].sum())

    @property
    def good_k(self) -> float:
        """Largest k̂ that so many draws allow: min(1 − 1/log₁₀ S, 0.7) (Vehtari et al. 2024)."""
        return min(1 - 1 / math.log10(self.draws), _USUAL_LEVEL)

    def warnings(self) -> list[str]:
        """List the warnings, one line each."""
        k = self.pointwise["pareto_k"]
        high = int((k > self.good_k).sum())
        if not high:
            return []
        return [
            f"Pareto k̂ of {high} of {len(k)} is above {self.good_k:.2f} (largest {k.max():.2f}): "
            "their elpd cannot be trusted; refit without them"
        ]


def loo(
    posterior: SampledPosterior,
    draws: int = 1_000,
    groups: Int[np.ndarray, "run observation"] | None = None,
    key: Key[Array, ""] | None = None,
) -> Loo:
    """Cross-validate a posterior, leaving out each observation, or each group of them, in turn.

    The runs' posteriors are apart, so an observation's density is given the others of its own run.

    Args:
        posterior: Posterior of each run.
        draws: Draws to use of each run.
        groups: Number of each observation's group, 0 or more, such as its subject, to leave out a group at a time; for
            pooled families only (see this module's docstring). Those of runs are apart.
        key: Randomness of drawing weighted draws (of a grid) again.

    Raises:
        ValueError: If the groups do not fit, or a run has but one.

    Example:
        >>> from inference import evidence, infer
        >>> from inference.continuous.one_shot import FehrSchmidt
        >>> family = FehrSchmidt().fix(beta=0.2, lapse=0.1)
        >>> seen = evidence([20] * 6, [1, 2, 5, 6, 8, 9], [0, 0, 0, 1, 1, 1], offer_seen=False)
        >>> found = loo(infer(family, seen, method="grid"))
        >>> len(found.pointwise), found.elpd < 0
        (6, True)
    """
    subset = thinned(posterior, draws, key)
    values, was_seen = observations(subset)
    densities = pointwise_log_likelihood(subset, subset.draws).reshape(subset.runs, subset.draws, -1)
    if groups is not None and densities.shape[2:] != was_seen.shape[1:]:
        raise ValueError(f"groups: this family leaves out whole {subset.family.part}s already; give no groups")
    if groups is not None and np.shape(groups) != was_seen.shape:
        raise ValueError(f"groups: {np.shape(groups)} does not fit observations of {was_seen.shape} (run, observation)")
    u = np.asarray(subset.fit.u)
    if groups is None:
        cross_validated = loo_of_densities(densities, parts_seen(subset), values, u, subset.family.part)
        return dataclasses.replace(cross_validated, observed=values[was_seen])
    summed, group_seen = _by_group(densities, was_seen, np.asarray(groups))
    cross_validated = loo_of_densities(summed, group_seen, values, u, "group")
    return dataclasses.replace(cross_validated, observed=values[was_seen])


def loo_of_densities(
    densities: Float[np.ndarray, "run draw part"],
    part_seen: Bool[np.ndarray, "run part"],
    values: Float[np.ndarray, "run observation"],
    u: Float[np.ndarray, "run chain draw_of_chain dim"],
    part: str = "observation",
) -> Loo:
    """Cross-validate from log densities of the parts that are left out in turn.

    Args:
        densities: log p(part | θ) at each draw of θ.
        part_seen: Whether there is such a part.
        values: Values of the observations; those of the parts, where parts are observations.
        u: Coordinates that the weights depend on, whose effective draws count.
        part: What a part is called.

    Raises:
        ValueError: If a run has fewer than two parts.
    """
    tables = []
    for run, of_run in enumerate(densities):
        index = np.flatnonzero(part_seen[run])
        if len(index) < 2:
            raise ValueError(f"{part}s: run {run} has {len(index)} to leave out; give two or more")
        own = of_run[:, index].astype(np.float64)
        elpd, k = _distinct_columns(own, _relative_efficiency(u[run]))
        lppd = np.logaddexp.reduce(own, axis=0) - math.log(own.shape[0])
        tables.append(pd.DataFrame({"run": run, part: index, "elpd": elpd, "p_loo": lppd - elpd, "pareto_k": k}))
    observed = values[part_seen] if values.shape == part_seen.shape else values.reshape(-1)
    return Loo(pd.concat(tables, ignore_index=True), densities.shape[1], observed)


def compare(
    posteriors: Mapping[str, SampledPosterior | Loo], draws: int = 1_000, key: Key[Array, ""] | None = None
) -> pd.DataFrame:
    r"""Rank posteriors of the same observations by how well they predict each from the others.

    With d_i = elpd_i(best) − elpd_i(other), a row has ``elpd``, ``se``, ``p_loo``, ``elpd_diff`` = Σ d_i, its standard
    error ``se_diff`` = √(n Var d_i) (Vehtari, Gelman & Gabry 2017, eq. 24), the largest ``pareto_k`` and ``warnings``.
    Differences below about 4, or of less than two standard errors, mean little (Sivula, Magnusson & Vehtari 2020).

    Args:
        posteriors: Posteriors, or what `loo` gave for them, by name.
        draws: Draws to use of each run of a posterior.
        key: Randomness of drawing weighted draws again.

    Returns:
        A row for each, the best first, named in the index ``name``.

    Raises:
        ValueError: If there is none, or they are of other observations.
    """
    if not posteriors:
        raise ValueError("posteriors: none given; give at least one, by name")
    loo_by_name = {name: p if isinstance(p, Loo) else loo(p, draws, key=key) for name, p in posteriors.items()}
    first = next(iter(loo_by_name))
    for name, other in loo_by_name.items():
        one, two = loo_by_name[first].pointwise, other.pointwise
        # Users, items and groups may be the same parts by different names; single observations are not.
        same = len(one) == len(two) and ("observation" in one) == ("observation" in two)
        if not same or not np.array_equal(other.observed, loo_by_name[first].observed):
            raise ValueError(f"posteriors: {name} and {first} are of other observations; compare fits to the same data")
    ranked = sorted(loo_by_name, key=lambda name: -loo_by_name[name].elpd)
    best = loo_by_name[ranked[0]].pointwise["elpd"].to_numpy()
    rows = []
    for rank, name in enumerate(ranked):
        own = loo_by_name[name]
        behind = best - own.pointwise["elpd"].to_numpy()
        rows.append(
            {
                "name": name,
                "rank": rank,
                "elpd": own.elpd,
                "se": own.se,
                "p_loo": own.p_loo,
                "elpd_diff": float(behind.sum()),
                "se_diff": _standard_error(behind),
                "pareto_k": float(own.pointwise["pareto_k"].max()),
                "warnings": "; ".join(own.warnings()),
            }
        )
    return pd.DataFrame(rows).set_index("name")


def _by_group(
    densities: np.ndarray, was_seen: np.ndarray, groups: np.ndarray
) -> tuple[Float[np.ndarray, "run draw group"], Bool[np.ndarray, "run group"]]:
    """Sum log-likelihoods of what was seen in each group."""
    count = int(np.where(was_seen, groups, 0).max()) + 1
    summed = np.zeros((*densities.shape[:2], count))
    there = np.zeros((len(groups), count), bool)
    for run, (of_run, seen, names) in enumerate(zip(densities, was_seen, groups, strict=True)):
        np.add.at(summed[run].T, names[seen], of_run[:, seen].T)
        there[run, names[seen]] = True
    return summed, there


def _distinct_columns(densities: np.ndarray, relative_efficiency: float) -> tuple[np.ndarray, np.ndarray]:
    """PSIS of each distinct column once: in pooled families, equal choices at equal offers have equal columns."""
    numbers: dict[bytes, int] = {}
    own = np.array([numbers.setdefault(column.tobytes(), len(numbers)) for column in densities.T])
    _, first = np.unique(own, return_index=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # k̂ says the same by observation
        elpd, k = arviz_compat.psis_loo(densities[:, first], relative_efficiency)
    return elpd[own], k[own]


def _relative_efficiency(u: Float[np.ndarray, "chain draw dim"]) -> float:
    """Effective draws per draw for means of the coordinates, on average, as `arviz.loo` takes it."""
    effective = [arviz_compat.effective_draws_of_mean(u[..., number]) for number in range(u.shape[-1])]
    return float(np.mean(effective)) / float(u.shape[0] * u.shape[1])


def _standard_error(values: np.ndarray) -> float:
    return float(np.sqrt(len(values) * np.var(values)))
