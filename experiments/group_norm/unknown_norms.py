"""Warnings about users' norms that are not among the assistants' hypotheses."""

from __future__ import annotations

import sys

import jax.numpy as jnp
import numpy as np

from envs import Population
from envs.soft_policy import PolicyTable
from inference.discrete.mixtures import MixtureHypotheses
from scai_irl.loop.setting import Setting, population_name

_STAKES = (40, 97)  # stakes at which behaviour is compared
_ALIKE = 0.01


def warn_of_unknown_norms(setting: Setting) -> list[str]:
    """Print a warning for every population that is not among the hypotheses, and return the warnings as remarks."""
    remarks = unknown_norms(setting)
    for remark in remarks:
        print(remark, file=sys.stderr, flush=True)
    return remarks


def unknown_norms(setting: Setting) -> list[str]:
    """Sentences that name every population that is not among the hypotheses."""
    populations = [others for c in setting.conditions for others in (c.population, *(later for _, later in c.later))]
    return [
        f"warning: {name} users match none of the assistants' hypotheses, so no posterior can identify their norm; "
        "give assistants other hypotheses with --family"
        for population, name in ((one, population_name(one)) for one in dict.fromkeys(populations))
        if not is_among_hypotheses(setting, population)
    ]


def is_among_hypotheses(setting: Setting, population: Population) -> bool:
    """Check whether a population has the norms, or the behaviour, of one of the assistants' hypotheses."""
    hypotheses = setting.hypotheses
    if set(population.norms) <= set(hypotheses.norms):
        if len(population.norms) == 1:
            return True
        if isinstance(hypotheses, MixtureHypotheses):
            weights = dict(zip(*population, strict=True))
            own = np.array([weights.get(norm, 0.0) for norm in hypotheses.norms])
            return bool((np.abs(np.asarray(hypotheses.weights) - own) < _ALIKE).all(axis=-1).any())
    stakes = jnp.asarray(_STAKES)
    truth = _chances(population.policy(setting.rationality, setting.lapse).table(stakes))
    believed = _chances(hypotheses.table(stakes))
    return bool((np.abs(believed - truth[:, :, None]).max(axis=(0, 1, 3)) < _ALIKE).any())


def _chances(table: PolicyTable) -> np.ndarray:
    """Probabilities of offers and acceptance, (kind, stake, …, offer); 0 for offers that a stake does not allow."""
    chances = np.exp(np.stack([np.asarray(table.offer, float), np.asarray(table.accept, float)]))
    return np.asarray(np.nan_to_num(chances))
