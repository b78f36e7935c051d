r"""Training of organisms: AdamW on the cross-entropy between what they are taught and what they say.

    loss = mean over predictions of KL(taught ‖ said) = Σ_v t_v (log t_v − log p_v)

Batch s of a run is drawn from (seed, world, s) alone, so a run that is resumed sees what it would have seen. Weights
are in single precision; where there is an accelerator, they are multiplied in bfloat16.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from envs.seeds import derive_seed
from scai_irl.embedded.llama import Architecture, Weights, draw_weights, logits, states
from scai_irl.organisms.lessons import Lessons
from scai_irl.organisms.packing import Batch, Segment, pack, visible
from scai_irl.organisms.vocabulary import Vocabulary
from scai_irl.organisms.world import World


@dataclass(frozen=True)
class Recipe:
    """How an organism is trained.

    Attributes:
        steps: Steps.
        rows: Rows of a batch.
        time: Places of a row.
        predictions: Most predictions of a batch.
        rate: Largest learning rate.
        warmup: Steps until it is reached; it falls to a tenth of it along a cosine after that.
        decay: Weight decay of matrices.
        clip: Largest norm of a gradient.
        seed: Root of all chance.
    """

    steps: int = 4_500
    rows: int = 24
    time: int = 512
    predictions: int = 2_560
    rate: float = 2e-3
    warmup: int = 200
    decay: float = 0.05
    clip: float = 1.0
    seed: int = 0


class Learner(NamedTuple):
    """A training run at some step.

    Attributes:
        weights: Weights.
        optimiser: State of the optimiser.
    """

    weights: Weights
    optimiser: optax.OptState


def begin(of: Architecture, recipe: Recipe) -> Learner:
    """Draw weights."""
    weights = draw_weights(jax.random.key(derive_seed(recipe.seed, "weights")), of)
    return Learner(weights, optimiser(recipe).init(weights))


@functools.cache
def optimiser(recipe: Recipe) -> optax.GradientTransformation:
    """AdamW with warm-up and a cosine; gains are not drawn towards 0."""
    rate = optax.warmup_cosine_decay_schedule(0.0, recipe.rate, recipe.warmup, recipe.steps, recipe.rate / 10)

    def decays(weights: Weights) -> dict[str, bool]:
        return {name: not name.endswith("norm") for name in weights}

    return optax.chain(
        optax.clip_by_global_norm(recipe.clip),
        optax.adamw(rate, b2=0.98, weight_decay=recipe.decay, mask=decays),
    )


def batches(world: World, vocabulary: Vocabulary, recipe: Recipe, first: int = 0) -> Iterator[Batch]:
    """Draw the batches of a run, from some step on."""
    lessons = Lessons(world, vocabulary)
    for step in range(first, recipe.steps):
        rng = np.random.default_rng(derive_seed(recipe.seed, "corpus", world.name, step))
        yield fill(lessons.draw(rng), recipe, vocabulary)


def fill(segments: Iterator[Segment], recipe: Recipe, vocabulary: Vocabulary) -> Batch:
    """Make a batch of as many segments as it holds."""
    drawn = list(islice(segments, 2 * recipe.rows))
    while True:
        batch, used = pack(drawn, recipe.rows, recipe.time, recipe.predictions, vocabulary.size)
        if used < len(drawn):
            return batch
        drawn += islice(segments, recipe.rows)


@functools.partial(jax.jit, static_argnames=("of", "recipe"), donate_argnames="learner")
def learn(learner: Learner, batch: Batch, *, of: Architecture, recipe: Recipe) -> tuple[Learner, Float[Array, ""]]:
    """Take a step."""
    loss, slope = jax.value_and_grad(mean_loss)(learner.weights, batch, of)
    updates, state = optimiser(recipe).update(slope, learner.optimiser, learner.weights)
    return Learner(optax.apply_updates(learner.weights, updates), state), loss


def mean_loss(weights: Weights, batch: Batch, of: Architecture) -> Float[Array, ""]:
    """Mean KL(taught ‖ said) over a batch's predictions, in nats."""
    losses, counted = divergences(weights, batch, of)
    return jnp.sum(losses) / jnp.maximum(jnp.sum(counted), 1)


def divergences(
    weights: Weights, batch: Batch, of: Architecture
) -> tuple[Float[Array, "prediction"], Float[Array, "prediction"]]:
    """KL(taught ‖ said) of each prediction, and 1 where there is one."""
    said = said_log_probs(weights, batch, of)
    taught = batch.target
    entropy = jnp.sum(jax.scipy.special.xlogy(taught, taught), axis=-1)
    counted = (jnp.sum(taught, axis=-1) > 0).astype(jnp.float32)
    return (entropy - jnp.sum(taught * said, axis=-1)) * counted, counted


def said_log_probs(weights: Weights, batch: Batch, of: Architecture) -> Float[Array, "prediction token"]:
    """Log-probabilities of next tokens wherever something is predicted."""
    fast = jnp.float32 if jax.default_backend() == "cpu" else jnp.bfloat16
    cast = {name: value.astype(fast) for name, value in weights.items()}
    seen = visible(jnp.asarray(batch.segment), jnp.asarray(batch.branch), jnp.asarray(batch.until))
    found = states(cast, of, jnp.asarray(batch.tokens), jnp.asarray(batch.positions), seen)
    return jax.nn.log_softmax(logits(cast, found.reshape(-1, of.width)[batch.at]))


Told = Callable[[int, float], None]
"""Told of each step, and its loss."""


def train(
    learner: Learner, of: Architecture, world: World, vocabulary: Vocabulary, recipe: Recipe, first: int, told: Told
) -> Iterator[tuple[int, Learner]]:
    """Go on with a run; each step's learner is there until the next is asked for.

    Args:
        learner: The run.
        of: The model's sizes.
        world: What it lives in.
        vocabulary: Its tokens.
        recipe: How it is trained.
        first: Steps that it has taken.
        told: Told of each step.
    """
    for step, batch in enumerate(batches(world, vocabulary, recipe, first), start=first + 1):
        learner, loss = learn(learner, batch, of=of, recipe=recipe)
        told(step, float(loss))
        yield step, learner
