"""What an organism believes of transcripts that it was not trained on, beside what is to be believed of them."""

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
from scai_irl.organisms.curriculum import Lessons
from scai_irl.organisms.packing import Batch, Segment, pack
from scai_irl.organisms.prompt_chunks import LABELS
from scai_irl.organisms.training import Recipe, said_log_probs
from scai_irl.organisms.transcripts import draw_transcript
from scai_irl.organisms.vocabulary import Vocabulary
from scai_irl.organisms.world import World

OPEN = 0.9
"""A belief is open as long as nothing is exactly more likely than this."""

_ROWS, _TIME, _PREDICTIONS = 8, 512, 512  # room for any transcript but those with very long talk, which are left out


class Distance(NamedTuple):
    """How far beliefs are from exact ones.

    Attributes:
        kl: Mean KL(exact ‖ verbal), in nats, token channel; NaN where there are no beliefs.
        tv: Mean total variation.
        beliefs: How many.
    """

    kl: float
    tv: float
    beliefs: int


class HeldOut(NamedTuple):
    """How far beliefs about transcripts that were not trained on are from exact ones.

    Attributes:
        every: All of them, most of which are all but certain.
        open: Those of which the exact one gives nothing more than `OPEN`.
    """

    every: Distance
    open: Distance


def held_out(
    weights: Weights,
    of: Architecture,
    world: World,
    vocabulary: Vocabulary,
    recipe: Recipe,
    transcripts: int = 64,
    *,
    odd: bool = False,
) -> HeldOut:
    """Measure beliefs about transcripts of 1 to 40 games, each after every one of its games.

    Probabilities are those among labels: the model's, made to sum to 1 over the labels. Sure beliefs count like any.

    Args:
        weights: The model's weights.
        of: Its architecture.
        world: World from which transcripts are drawn, and whose Bayesian is exact.
        vocabulary: Tokens.
        recipe: Its seed is that of the draws.
        transcripts: How many.
        odd: Whether some groups are as none in the world is (`draw_transcript`).
    """
    lessons = Lessons(world, vocabulary)
    rng = np.random.default_rng(derive_seed(recipe.seed, "held out", world.name))
    segments: list[Segment] = []
    for number in range(transcripts):
        transcript = draw_transcript(world, rng, odd=odd)
        segment = lessons.choose(transcript, 1 + number % WORDINGS, range(1, len(transcript.games) + 1))
        segments += [segment] if len(segment) <= _TIME else []
    labels = [vocabulary.ids((label,))[0] for label in LABELS]
    exact_chances, verbal_chances = [], []
    while segments:
        batch, left = pack(segments, _ROWS, _TIME, _PREDICTIONS, vocabulary.size)
        segments = [segments[number] for number in left]
        said = np.asarray(_said(weights, batch, of=of), np.float64)
        taught = np.asarray(batch.target, np.float64)
        some = taught.any(axis=1)
        among = said[some][:, labels]
        exact_chances.append(taught[some][:, labels])
        verbal_chances.append(np.exp(among - np.logaddexp.reduce(among, axis=1, keepdims=True)))
    exact, verbal = np.concatenate(exact_chances), np.concatenate(verbal_chances)
    exact /= exact.sum(axis=1, keepdims=True)  # they were stored in single precision, so the least of them may be 0
    unsure = exact.max(axis=1) < OPEN
    return HeldOut(distance(exact, verbal), distance(exact[unsure], verbal[unsure]))


def distance(exact: Float[np.ndarray, "belief norm"], verbal: Float[np.ndarray, "belief norm"]) -> Distance:
    """Mean distances of beliefs from exact ones, which may be certain.

    Example:
        >>> distance(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.5, 0.5]]))
        Distance(kl=0.34657359027997264, tv=0.25, beliefs=2)
    """
    if not len(exact):
        return Distance(float("nan"), float("nan"), 0)
    kl, tv = rel_entr(exact, verbal).sum(axis=1), np.abs(exact - verbal).sum(axis=1) / 2
    return Distance(float(kl.mean()), float(tv.mean()), len(exact))


@functools.partial(jax.jit, static_argnames="of")
def _said(weights: Weights, batch: Batch, *, of: Architecture) -> Float[Array, "prediction token"]:
    return said_log_probs(weights, batch, of)[0]
