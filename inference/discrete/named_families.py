"""Families of hypotheses by name, and their constructors.

A new family is one function that returns hypotheses, and one line in `FAMILIES` or an entry point of the group
``scai_irl.families``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from envs.norm_names import read_norm
from envs.plugins import Registry
from envs.utilities import get_utility
from inference.discrete.hypotheses import Block, Hypotheses, PolicyHypotheses
from inference.discrete.mixtures import MixtureHypotheses

NAMED_NORMS = ("selfish", "fair", "altruistic")
"""The three norms of SCAI (2023)."""


def named_norms(
    names: Sequence[str] = NAMED_NORMS,
    rationality: Iterable[float] = (200.0,),
    lapse: Iterable[float] = (0.0,),
) -> PolicyHypotheses:
    """Norms by name (`envs.norm_names`), crossed with settings of λ and ε.

    With one λ and one ε there is one hypothesis for each name. With several, the posterior over names is the marginal
    over unknown settings.

    Example:
        >>> named_norms(lapse=(0.01, 0.1)).size
        6
    """
    settings = np.array(list(itertools.product(rationality, lapse)), np.float32)
    _check_settings(settings)
    norms = [read_norm(name) for name in names]
    blocks = tuple(
        _block(norm.utility, np.tile(np.asarray(norm.theta, np.float32), (len(settings), 1)), settings)
        for norm in norms
    )
    return PolicyHypotheses(blocks)


def parameter_grid(
    utility: str,
    values: Mapping[str, Iterable[float]],
    rationality: Iterable[float] = (50.0,),
    lapse: Iterable[float] = (0.0,),
) -> PolicyHypotheses:
    """All combinations of given values of a utility's parameters, λ and ε.

    Args:
        utility: Name in `envs.utilities.UTILITIES`.
        values: Grid of each parameter, by name.
        rationality: Grid of λ.
        lapse: Grid of ε.

    Raises:
        ValueError: If the names are not those of the utility's parameters.

    Example:
        >>> parameter_grid("fehr_schmidt", {"alpha": (0, 1), "beta": (0, 0.3, 0.6)}).size
        6
    """
    names = get_utility(utility).parameters
    if set(values) != set(names):
        raise ValueError(f"{utility} has the parameters {', '.join(names)}; got {', '.join(values)}")
    axes = [*(values[name] for name in names), rationality, lapse]
    points = np.array(list(itertools.product(*axes)), np.float32)
    _check_settings(points[:, -2:])
    return PolicyHypotheses((_block(utility, points[:, :-2], points[:, -2:]),))


def norm_mixtures(
    names: Sequence[str] = NAMED_NORMS,
    steps: int = 20,
    rationality: Iterable[float] = (200.0,),
    lapse: Iterable[float] = (0.0,),
) -> MixtureHypotheses:
    """All mixtures of named norms with weights that are multiples of 1/steps.

    Raises:
        ValueError: If the number of steps is below 1.

    Example:
        >>> norm_mixtures(("selfish", "altruistic"), steps=10).size
        11
    """
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, got {steps}")
    compositions = [point for point in itertools.product(range(steps + 1), repeat=len(names)) if sum(point) == steps]
    weights = np.array(compositions, np.float32) / np.float32(steps)
    return MixtureHypotheses(named_norms(names, rationality, lapse), jnp.asarray(weights))


def _block(utility: str, theta: np.ndarray, settings: np.ndarray) -> Block:
    return Block(utility, jnp.asarray(theta), jnp.asarray(settings[:, 0]), jnp.asarray(settings[:, 1]))


def _check_settings(settings: np.ndarray) -> None:
    rationality = settings[:, 0]
    wrong = ~(np.isfinite(rationality) & (rationality >= 0))
    if wrong.any():
        raise ValueError(f"rationality must be a number of 0 or more, got {rationality[wrong][0]:g}")
    if not ((settings[:, 1] >= 0) & (settings[:, 1] <= 1)).all():
        raise ValueError("lapse must lie between 0 and 1")


@dataclass(frozen=True)
class Family:
    """A family of hypotheses in the registry.

    Attributes:
        name: Key in `FAMILIES`.
        summary: One line for ``scai-irl list``.
        make: Constructor with the family's usual grid, given λ and ε.
    """

    name: str
    summary: str
    make: Callable[[Sequence[float], Sequence[float]], Hypotheses]


def _grid_over_bounds(utility: str, points: int) -> Callable[[Sequence[float], Sequence[float]], Hypotheses]:
    def make(rationality: Sequence[float], lapse: Sequence[float]) -> Hypotheses:
        described = get_utility(utility)
        axes = {
            name: np.linspace(low, high, points).tolist()
            for name, (low, high) in zip(described.parameters, described.bounds, strict=True)
        }
        return parameter_grid(utility, axes, rationality, lapse)

    return make


_OWN = (
    Family(
        "named-norms",
        "selfish, fair or altruistic, the same for all users",
        lambda rationality, lapse: named_norms(NAMED_NORMS, rationality, lapse),
    ),
    Family(
        "norm-mixtures",
        "shares of selfish, fair and altruistic users, in steps of 5 %",
        lambda rationality, lapse: norm_mixtures(NAMED_NORMS, 20, rationality, lapse),
    ),
    Family(
        "fehr-schmidt-grid",
        "envy and guilt on a 41 x 41 grid (Fehr & Schmidt 1999)",
        _grid_over_bounds("fehr_schmidt", 41),
    ),
    Family(
        "charness-rabin-grid",
        "weights on the other when ahead and behind, 41 x 41 (Charness & Rabin 2002)",
        _grid_over_bounds("charness_rabin", 41),
    ),
    Family(
        "ces-grid",
        "own weight and substitution on a 41 x 41 grid (Andreoni & Miller 2002)",
        _grid_over_bounds("ces", 41),
    ),
)

FAMILIES: Registry[Family] = Registry("family", "scai_irl.families", Family, {family.name: family for family in _OWN})
"""Families by name."""


def make_family(name: str, rationality: Sequence[float], lapse: Sequence[float]) -> Hypotheses:
    """Make a family's hypotheses.

    Raises:
        ValueError: If no family has that name.

    Example:
        >>> make_family("named-norms", [50.0], [0.0]).norms
        ('selfish', 'fair', 'altruistic')
    """
    return FAMILIES.look_up(name).make(rationality, lapse)
