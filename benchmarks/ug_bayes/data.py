"""Simulated responders as in Xiang, Lohrenz & Montague (2013): offers rise for half of them and fall for the others."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.ug_bayes.protocol import SPREAD, UPPER, Problem
from inference.continuous.learning import UgBayes, bayesian_norm
from inference.discrete.evidence import Evidence, evidence

SUBJECTS, PLAYS, SEED = 30, 60, 0
STAKE = 20
_GROUP = np.array([-0.5, -1.65, -1.7])  # medians α 6.2, β 0.5, τ 0.45
_LOW, _MIDDLE, _HIGH, _SD = 4.0, 8.0, 12.0, 1.5


def simulated(subjects: int = SUBJECTS, plays: int = PLAYS, seed: int = SEED) -> Evidence:
    """Simulate responders of a group with the family itself; a run is a responder."""
    key_offers, key_subjects, key_answers = jax.random.split(jax.random.key(seed), 3)
    rising = (np.arange(subjects) % 2 == 0)[:, None]
    mean = np.where(np.arange(plays) < plays // 2, np.where(rising, _LOW, _HIGH), _MIDDLE)
    simulated_group = mean + _SD * np.asarray(jax.random.normal(key_offers, (subjects, plays)))
    offer = np.clip(np.rint(simulated_group), 0, STAKE).astype(int)
    place = _GROUP + SPREAD * jax.random.normal(key_subjects, (subjects, len(_GROUP)))
    own = jnp.asarray(UPPER) * jax.scipy.special.ndtr(place)
    family = UgBayes()
    design = family.arrange(evidence(STAKE, offer, False, False, True))
    theta = {name: own[:, place] for place, name in enumerate(family.coordinate_names)}
    played = jax.vmap(family.simulate)(jax.random.split(key_answers, subjects), theta, design)
    return evidence(STAKE, offer, np.asarray(played.accepted), False, True)


def problem(data: Evidence) -> Problem:
    """Compute the norms, which every program receives as data."""
    answers = UgBayes().arrange(data)
    norm = np.asarray(jax.vmap(bayesian_norm)(answers), np.float64)
    offer = np.asarray(answers.offer, np.float64)
    behind, ahead = np.maximum(norm - offer, 0), np.maximum(offer - norm, 0)
    return Problem(offer, behind, ahead, np.asarray(answers.accepted, np.int64))
