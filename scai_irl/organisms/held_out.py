"""An organism's beliefs about held-out transcripts, compared with the exact ones."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float
from scipy.special import rel_entr

from envs.seeds import derive_seed
from scai_irl.language.instructions import WORDINGS
from scai_irl.llama.model_pass import Architecture, Weights
from scai_irl.organisms.curriculum import Curriculum
from scai_irl.organisms.packing import Batch, Segment, pack
from scai_irl.organisms.prompt_chunks import LABELS
from scai_irl.organisms.training import Recipe, predicted_log_probs
from scai_irl.organisms.transcripts import draw_transcript
from scai_irl.organisms.vocabulary import Vocabulary
from scai_irl.organisms.world import World

OPEN = 0.9
"""A belief is open if no norm has a larger exact probability than this."""

_ROWS, _TIME, _PREDICTIONS = 8, 512, 512  # enough for all transcripts but those with very long talk, which are left out


class Distance(NamedTuple):
    """Distance of beliefs from exact ones.

    Attributes:
        kl: Mean KL(exact ‖ verbal), in nats, token channel; NaN without beliefs.
        tv: Mean total variation.
        beliefs: Number of beliefs.
    """

    kl: float
    tv: float
    beliefs: int


class HeldOut(NamedTuple):
    """Distances of beliefs about held-out transcripts from exact ones.

    Attributes:
        every: Over all beliefs, most of which are nearly certain.
        open: Over beliefs whose exact probabilities are all at most `OPEN`.
    """

    every: Distance
    open: Distance


def held_out(
    weights: Weights,
    architecture: Architecture,
    world: World,
    vocabulary: Vocabulary,
    recipe: Recipe,
    transcripts: int = 64,
    *,
    odd: bool = False,
) -> HeldOut:
    """Measure beliefs about transcripts of 1 to 40 interactions, after each interaction.

    Probabilities are the model's, normalised over the labels. Nearly certain beliefs count like all others.

    Args:
        weights: The model's weights.
        architecture: Its architecture.
        world: World that generates the transcripts, and whose Bayesian is exact.
        vocabulary: Tokens.
        recipe: Settings of training, with the seed of the draws.
        transcripts: Number of transcripts.
        odd: Whether to include groups that do not occur in the world (`draw_transcript`).
    """
    curriculum = Curriculum(world, vocabulary)
    rng = np.random.default_rng(derive_seed(recipe.seed, "held out", world.name))
    segments: list[Segment] = []
    for number in range(transcripts):
        transcript = draw_transcript(world, rng, odd=odd)
        segment = curriculum.choose(transcript, 1 + number % WORDINGS, range(1, len(transcript.games) + 1))
        segments += [segment] if len(segment) <= _TIME else []
    labels = [vocabulary.ids((label,))[0] for label in LABELS]
    exact_chances, verbal_chances = [], []
    while segments:
        batch, left = pack(segments, _ROWS, _TIME, _PREDICTIONS, vocabulary.size)
        segments = [segments[number] for number in left]
        predicted = np.asarray(_predicted(weights, batch, architecture=architecture), np.float64)
        taught = np.asarray(batch.target, np.float64)
        some = taught.any(axis=1)
        among = predicted[some][:, labels]
        exact_chances.append(taught[some][:, labels])
        verbal_chances.append(np.exp(among - np.logaddexp.reduce(among, axis=1, keepdims=True)))
    exact, verbal = np.concatenate(exact_chances), np.concatenate(verbal_chances)
    exact /= exact.sum(axis=1, keepdims=True)  # they were stored in single precision, so the smallest may be 0
    unsure = exact.max(axis=1) < OPEN
    return HeldOut(distance(exact, verbal), distance(exact[unsure], verbal[unsure]))


def distance(exact: Float[np.ndarray, "belief norm"], verbal: Float[np.ndarray, "belief norm"]) -> Distance:
    """Compute mean distances of beliefs from exact ones, which may be certain.

    Example:
        >>> distance(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.5, 0.5]]))
        Distance(kl=0.34657359027997264, tv=0.25, beliefs=2)
    """
    if not len(exact):
        return Distance(float("nan"), float("nan"), 0)
    kl, tv = rel_entr(exact, verbal).sum(axis=1), np.abs(exact - verbal).sum(axis=1) / 2
    return Distance(float(kl.mean()), float(tv.mean()), len(exact))


@functools.partial(jax.jit, static_argnames="architecture")
def _predicted(weights: Weights, batch: Batch, *, architecture: Architecture) -> Float[Array, "prediction token"]:
    return predicted_log_probs(weights, batch, architecture)[0]
