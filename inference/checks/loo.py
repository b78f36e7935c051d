r"""Leave-one-out cross-validation of posteriors, which measures predictions of unseen data.

    elpd = Σ_i log p(y_i | y_−i),   p(y_i | y_−i) = ∫ p(y_i | θ) p(θ | y_−i) dθ

The posterior without y_i is obtained from the full posterior by importance weights 1 / p(y_i | θ). Their tail is
smoothed by a generalised Pareto distribution, whose shape k̂ shows where this fails (Vehtari, Gelman & Gabry 2017,
Stat. Comput. 27).

The choice of the left-out unit is part of the question. Leaving out single choices predicts a choice from the person's
other choices. Leaving out persons (`groups`) predicts a new person, with the sum of the log-likelihoods of the person's
choices. This is correct only if all persons share θ (a pooled family). In a hierarchy, θ has an entry for the person,
so the sum would score a known person; see `inference.checks.integrated_loo`.
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
            family's `part`), ``elpd`` (log p(y_i | y_−i)), ``p_loo`` (loss from leaving it out) and ``pareto_k``.
        draws: Number of draws in the computation.
        observed: Value of each observation, to check that two posteriors have the same data.
    """

    pointwise: pd.DataFrame
    draws: int
    observed: Float[np.ndarray, "seen"] = dataclasses.field(repr=False)

    @property
    def elpd(self) -> float:
        """Expected log predictive density, in nats, summed over the left-out parts."""
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
        """Largest acceptable k̂ for S draws: min(1 − 1/log₁₀ S, 0.7) (Vehtari et al. 2024)."""
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

    The runs have separate posteriors, so an observation's density is conditional on the other observations of its run.

    Args:
        posterior: Posterior of each run.
        draws: Number of draws to use from each run.
        groups: Index of each observation's group, such as its subject, to leave out a group at a time; for pooled
            families only (see this module's docstring). Groups of different runs are distinct.
        key: Randomness of drawing weighted draws (of a grid) again.

    Raises:
        ValueError: If the groups do not fit, or a run has only one.

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
        part_seen: Whether the part exists.
        values: Values of the observations; those of the parts, if parts are observations.
        u: Coordinates that the weights depend on, from which the effective number of draws is computed.
        part: Name of a part.

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
    r"""Rank posteriors of the same observations by their expected log predictive density.

    With d_i = elpd_i(best) − elpd_i(other), a row has ``elpd``, ``se``, ``p_loo``, ``elpd_diff`` = Σ d_i, its standard
    error ``se_diff`` = √(n Var d_i) (Vehtari, Gelman & Gabry 2017, eq. 24), the largest ``pareto_k`` and ``warnings``.
    Differences below about 4, or of less than two standard errors, mean little (Sivula, Magnusson & Vehtari 2020).

    Args:
        posteriors: Posteriors, or their results of `loo`, by name.
        draws: Number of draws to use from each run of a posterior.
        key: Randomness of drawing weighted draws again.

    Returns:
        A row for each posterior, the best first, with its name in the index ``name``.

    Raises:
        ValueError: If there is no posterior, or observations differ.
    """
    if not posteriors:
        raise ValueError("posteriors: none given; give at least one, by name")
    loo_by_name = {name: p if isinstance(p, Loo) else loo(p, draws, key=key) for name, p in posteriors.items()}
    first = next(iter(loo_by_name))
    for name, other in loo_by_name.items():
        one, two = loo_by_name[first].pointwise, other.pointwise
        # Users, items and groups may be the same parts under different names; single observations are not.
        same = len(one) == len(two) and ("observation" in one) == ("observation" in two)
        if not same or not np.array_equal(other.observed, loo_by_name[first].observed):
            raise ValueError(
                f"posteriors: {name} and {first} have different observations; compare fits to the same data"
            )
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
    """Sum log-likelihoods of the seen observations in each group."""
    count = int(np.where(was_seen, groups, 0).max()) + 1
    summed = np.zeros((*densities.shape[:2], count))
    there = np.zeros((len(groups), count), bool)
    for run, (of_run, seen, names) in enumerate(zip(densities, was_seen, groups, strict=True)):
        np.add.at(summed[run].T, names[seen], of_run[:, seen].T)
        there[run, names[seen]] = True
    return summed, there


def _distinct_columns(densities: np.ndarray, relative_efficiency: float) -> tuple[np.ndarray, np.ndarray]:
    """Compute PSIS once for each distinct column; in pooled families, equal choices have equal columns."""
    numbers: dict[bytes, int] = {}
    own = np.array([numbers.setdefault(column.tobytes(), len(numbers)) for column in densities.T])
    _, first = np.unique(own, return_index=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # k̂ gives the same information by observation
        elpd, k = arviz_compat.psis_loo(densities[:, first], relative_efficiency)
    return elpd[own], k[own]


def _relative_efficiency(u: Float[np.ndarray, "chain draw dim"]) -> float:
    """Mean over coordinates of the effective draws per draw for means, as in `arviz.loo`."""
    effective = [arviz_compat.effective_draws_of_mean(u[..., number]) for number in range(u.shape[-1])]
    return float(np.mean(effective)) / float(u.shape[0] * u.shape[1])


def _standard_error(values: np.ndarray) -> float:
    return float(np.sqrt(len(values) * np.var(values)))
