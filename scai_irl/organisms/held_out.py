"""What an organism believes of transcripts that it was not trained on, beside what is to be believed of them."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from envs.seeds import derive_seed
from scai_irl.embedded.llama import Architecture, Weights
from scai_irl.language.instructions import WORDINGS
from scai_irl.organisms.lessons import Lessons
from scai_irl.organisms.packing import Batch, Segment, pack
from scai_irl.organisms.training import Recipe, said_log_probs
from scai_irl.organisms.transcripts import draw_transcript
from scai_irl.organisms.vocabulary import Vocabulary
from scai_irl.organisms.world import World

_ROWS, _TIME, _PREDICTIONS = 8, 512, 512  # room for any transcript but those with very long talk, which are left out


class HeldOut(NamedTuple):
    """How far beliefs about transcripts that were not trained on are from exact ones.

    Attributes:
        kl: Mean KL(exact ‖ verbal), in nats, token channel.
        tv: Mean total variation.
        beliefs: How many.
    """

    kl: float
    tv: float
    beliefs: int


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

    Probabilities are those among labels: the model's, made to sum to 1 over the labels.

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
    kl, tv = [], []
    while segments:
        batch, left = pack(segments, _ROWS, _TIME, _PREDICTIONS, vocabulary.size)
        segments = [segments[number] for number in left]
        said = np.asarray(_said(weights, batch, of=of), np.float64)
        for log_probs, taught in zip(said, batch.target, strict=True):
            labels = np.flatnonzero(taught) if taught.any() else ()
            if len(labels) < 2:
                continue
            exact = taught[labels].astype(np.float64) / taught[labels].sum()
            verbal = np.exp(log_probs[labels] - np.logaddexp.reduce(log_probs[labels]))
            kl.append(float(np.sum(exact * np.log(exact / verbal))))
            tv.append(float(np.abs(exact - verbal).sum() / 2))
    return HeldOut(float(np.mean(kl)), float(np.mean(tv)), len(kl))


@functools.partial(jax.jit, static_argnames="of")
def _said(weights: Weights, batch: Batch, *, of: Architecture) -> Float[Array, "prediction token"]:
    return said_log_probs(weights, batch, of)[0]
