r"""Training of organisms, by the divergence between target and predicted distributions of tokens.

    loss = mean over predictions of KL(target ‖ predicted)
         + shares · means of the same over predictions of labels, and over predictions of graded values
         + share · mean over predictions of −log(1 − probability of all tokens that cannot come next)
         + mean over ends of interactions of KL(likelihood of the interaction ‖ softmax(V n(h₋₂)))
         + mean over notes of KL(belief ‖ softmax(U n(h₋₁)))

with h₋₁ and h₋₂ the states one and two layers before the last, and V and U readouts that are dropped after training.
The readouts guide the layers: lower layers compute the likelihood of each interaction, the next one adds them up, and
the last one writes the answer. Without them a small model learns this slowly. Matrices of layers are trained by Muon
(Jordan et al. 2024), all other weights by AdamW. Transcripts are short at first.

Batch s of a run depends only on (seed, world, s), so a resumed run sees the same batches. Weights are in single
precision; on an accelerator, products are computed in bfloat16.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from jaxtyping import Array, Bool, Float, Int

from envs.seeds import derive_seed
from scai_irl.llama.model_pass import Architecture, Weights, draw_weights, logits, normalised, states_by_layer
from scai_irl.organisms.curriculum import Curriculum
from scai_irl.organisms.number_line import on_lines
from scai_irl.organisms.packing import Batch, Segment, pack, visible
from scai_irl.organisms.prompt_chunks import LABELS, TEXT_END, answer_chunks, numbers
from scai_irl.organisms.transcripts import LONGEST
from scai_irl.organisms.vocabulary import Vocabulary
from scai_irl.organisms.world import CONDUCTS, World


@dataclass(frozen=True)
class Recipe:
    """Settings of an organism's training.

    Attributes:
        steps: Steps.
        rows: Rows of a batch.
        time: Tokens of a row.
        predictions: Most predictions of a batch.
        matrix_rate: Largest learning rate of Muon.
        rate: Largest learning rate of AdamW.
        warmup: Steps until the largest rates; then they fall to a twentieth along a cosine.
        growing: Steps after the warm-up in which transcripts grow from two interactions to their full length; 0 for the
            full length from the beginning.
        mix: Mix of requests, one of `scai_irl.organisms.curriculum.MIXES`.
        labels: Weight of the labels' own mean in the loss.
        degrees: Weight of the mean over graded values: numbers, yes or no, and sampled values.
        strays: Weight of the loss on tokens that cannot come next: chunks that are never part of an answer, and numbers
            that the request excludes.
        decay: Weight decay of matrices.
        clip: Largest norm of a gradient.
        seed: Root seed.
    """

    steps: int = 4_500
    rows: int = 16
    time: int = 336
    predictions: int = 4_096
    matrix_rate: float = 0.01
    rate: float = 2e-3
    warmup: int = 100
    growing: int = 400
    mix: str = "believing"
    labels: float = 1.0
    degrees: float = 0.0
    strays: float = 0.0
    decay: float = 0.01
    clip: float = 1.0
    seed: int = 0

    def longest(self, step: int) -> int:
        """Return the most interactions of a transcript at a step.

        Example:
            >>> [Recipe().longest(step) for step in (0, 100, 300, 4_000)]
            [2, 2, 21, 40]
        """
        if not self.growing:
            return LONGEST
        grown = max(0, step - self.warmup) / self.growing
        return min(LONGEST, _SHORTEST + int((LONGEST - _SHORTEST) * grown))


_SHORTEST = 2
_SURE = 0.99
_TEXT, _END = 1, 2
_DEGREES = ("true", "false", *(token for tokens in numbers() for token in tokens))


class Trainable(NamedTuple):
    """Parameters that training changes.

    Attributes:
        weights: The organism's weights.
        weigh: V, the readout of an interaction's likelihood.
        believe: U, the readout of beliefs.
    """

    weights: Weights
    weigh: Float[Array, "width conduct"]
    believe: Float[Array, "width conduct"]


class Learner(NamedTuple):
    """A training run at some step.

    Attributes:
        taught: Trained parameters.
        optimiser: State of the optimiser.
    """

    taught: Trainable
    optimiser: optax.OptState


def begin(
    architecture: Architecture, vocabulary: Vocabulary, recipe: Recipe, weights: Weights | None = None
) -> Learner:
    """Return the initial state of a run.

    Args:
        architecture: The model's sizes.
        vocabulary: Its tokens.
        recipe: Settings of training.
        weights: Initial weights; drawn if None.
    """
    if weights is None:
        weights = _initial_weights(architecture, vocabulary, recipe)
    taught = Trainable(weights, *(jnp.zeros((architecture.width, len(CONDUCTS))) for _ in range(2)))
    return Learner(taught, optimiser(recipe).init(taught))


def _initial_weights(architecture: Architecture, vocabulary: Vocabulary, recipe: Recipe) -> Weights:
    key = jax.random.key(derive_seed(recipe.seed, "weights"))
    weights = draw_weights(key, architecture)
    weights["embed"] = on_lines(jax.random.fold_in(key, len(weights)), weights["embed"], vocabulary)
    return weights


@functools.cache
def optimiser(recipe: Recipe) -> optax.GradientTransformation:
    """Return the optimiser: Muon for matrices of layers and AdamW for the rest, with warm-up and a cosine."""
    last = max(recipe.steps, recipe.warmup + 1)
    rate = optax.warmup_cosine_decay_schedule(0.0, 1.0, recipe.warmup, last, 0.05)

    def matrices(taught: Trainable) -> Any:
        return jax.tree.map(lambda value: optax.contrib.MuonDimensionNumbers(1, 2) if value.ndim == 3 else None, taught)

    return optax.chain(
        optax.clip_by_global_norm(recipe.clip),
        optax.contrib.muon(
            lambda step: recipe.matrix_rate * rate(step),
            weight_decay=recipe.decay,
            adam_b2=0.98,
            adam_learning_rate=lambda step: recipe.rate * rate(step),
            muon_weight_dimension_numbers=matrices,
        ),
    )


def batches(world: World, vocabulary: Vocabulary, recipe: Recipe, first: int = 0) -> Iterator[Batch]:
    """Yield the batches of a run, from a given step on."""
    for step in range(first, recipe.steps):
        curriculum = Curriculum(world, vocabulary, recipe.longest(step), recipe.mix)
        rng = np.random.default_rng(derive_seed(recipe.seed, "corpus", world.name, step))
        yield fill(curriculum.draw(rng), recipe, vocabulary)


def fill(segments: Iterator[Segment], recipe: Recipe, vocabulary: Vocabulary) -> Batch:
    """Pack segments into a full batch, the longest first; segments that do not fit are dropped."""
    sampled: list[Segment] = []
    while sum(map(len, sampled)) < recipe.rows * recipe.time:
        sampled.append(next(segments))
    sampled.sort(key=len, reverse=True)
    return pack(sampled, recipe.rows, recipe.time, recipe.predictions, vocabulary.size)[0]


@functools.partial(jax.jit, static_argnames=("architecture", "recipe"), donate_argnames="learner")
def learn(
    learner: Learner, batch: Batch, *, architecture: Architecture, recipe: Recipe
) -> tuple[Learner, Float[Array, ""]]:
    """Take a step; the returned loss is the mean over predictions."""
    slope, loss = jax.grad(_loss, has_aux=True)(learner.taught, batch, architecture, recipe)
    updates, state = optimiser(recipe).update(slope, learner.optimiser, learner.taught)
    return Learner(optax.apply_updates(learner.taught, updates), state), loss


def _loss(
    taught: Trainable, batch: Batch, architecture: Architecture, recipe: Recipe
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    predicted, layers = predicted_log_probs(taught.weights, batch, architecture)
    losses, counted = divergences(jnp.asarray(batch.target), predicted)
    of_labels = counted * (jnp.sum(batch.target[:, _tokens(LABELS)], axis=-1) > _SURE)
    of_degrees = counted * (
        (jnp.sum(batch.target[:, _tokens(_DEGREES)], axis=-1) > _SURE) | (jnp.max(batch.target, axis=-1) < _SURE)
    )

    def read(back: int, places: Int[np.ndarray, "note"], readout: Float[Array, "width conduct"]) -> Array:
        state = (
            layers[max(architecture.layers - 1 - back, 0)].reshape(-1, architecture.width)[places].astype(jnp.float32)
        )
        return jax.nn.log_softmax(normalised(state, jnp.ones(architecture.width), architecture) @ readout)

    weighed = _mean(*divergences(jnp.asarray(batch.weight), read(2, batch.ended, taught.weigh)))
    believed = _mean(*divergences(jnp.asarray(batch.belief), read(1, batch.noted, taught.believe)))
    loss = _mean(losses, counted)
    more = recipe.labels * _mean(losses * of_labels, of_labels)
    if recipe.degrees:
        more += recipe.degrees * _mean(losses * of_degrees, of_degrees)
    if recipe.strays:
        more += recipe.strays * _mean(impossible_token_losses(jnp.asarray(batch.target), predicted) * counted, counted)
    return loss + more + weighed + believed, loss


def impossible_token_losses(
    taught: Float[Array, "n token"], predicted: Float[Array, "n token"], sure: float = _SURE
) -> Float[Array, "n"]:
    """Compute −log(1 − m) of each row, where m is the predicted mass on tokens that cannot come next.

    If the target is a distribution, these are the tokens with probability 0. If it is one sampled token, they are the
    tokens of another sort: for example, no number occurs inside a text, and no chunk of requests occurs in an answer.
    """
    sort, may_follow = _sorts_of_tokens()
    allowed = jnp.asarray(may_follow)[jnp.asarray(sort)[jnp.argmax(taught, axis=-1)]]
    spread = jnp.max(taught, axis=-1, keepdims=True) < sure
    astray = jnp.sum(jnp.where((taught == 0) & (spread | ~allowed), jnp.exp(predicted), 0.0), axis=-1)
    return -jnp.log1p(-jnp.minimum(astray, 1 - 1e-6))


@functools.cache
def _sorts_of_tokens() -> tuple[Int[np.ndarray, "token"], Bool[np.ndarray, "sort token"]]:
    """Return the sort of each token, and the tokens that can replace a sampled token of each sort.

    Sorts are: not part of answers, text, the end of a text, and those of
    `scai_irl.organisms.prompt_chunks.answer_chunks`.
    """
    vocabulary = Vocabulary()
    sort = np.zeros(vocabulary.size, int)
    sort[: vocabulary.spelling] = _TEXT
    sort[_tokens([TEXT_END])] = _END
    for number, some in enumerate(answer_chunks(), start=_END + 1):
        sort[_tokens(some)] = number
    may_follow = np.arange(sort.max() + 1)[:, None] == sort
    may_follow[_TEXT] |= sort == _END
    may_follow[_END] |= sort == _TEXT
    return sort, may_follow


def _tokens(chunks: Sequence[str]) -> Int[np.ndarray, "token"]:
    vocabulary = Vocabulary()
    return np.array([vocabulary.ids((chunk,))[0] for chunk in chunks])


def _mean(values: Float[Array, "n"], counted: Float[Array, "n"]) -> Float[Array, ""]:
    return jnp.sum(values) / jnp.maximum(jnp.sum(counted), 1)


def mean_loss(weights: Weights, batch: Batch, architecture: Architecture) -> Float[Array, ""]:
    """Compute the mean KL(target ‖ predicted) over a batch's predictions, in nats."""
    return _mean(*divergences(jnp.asarray(batch.target), predicted_log_probs(weights, batch, architecture)[0]))


def divergences(
    taught: Float[Array, "n outcome"], predicted: Float[Array, "n outcome"]
) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """Compute KL(target ‖ predicted) of each row, and 1 for rows with a target, else 0."""
    entropy = jnp.sum(jax.scipy.special.xlogy(taught, taught), axis=-1)
    counted = (jnp.sum(taught, axis=-1) > 0).astype(jnp.float32)
    return (entropy - jnp.sum(taught * predicted, axis=-1)) * counted, counted


def predicted_log_probs(
    weights: Weights, batch: Batch, architecture: Architecture
) -> tuple[Float[Array, "prediction token"], Float[Array, "layer row time width"]]:
    """Compute the log-probabilities of the next token at each target, and the states after each layer."""
    fast = jnp.float32 if jax.default_backend() == "cpu" else jnp.bfloat16
    cast = {name: value.astype(fast) for name, value in weights.items()}
    seen = visible(jnp.asarray(batch.segment), jnp.asarray(batch.branch), jnp.asarray(batch.until))
    layers = states_by_layer(cast, architecture, jnp.asarray(batch.tokens), jnp.asarray(batch.positions), seen)
    last = normalised(layers[-1].reshape(-1, architecture.width)[batch.at], cast["norm"], architecture)
    return jax.nn.log_softmax(logits(cast, last)), layers


OnStep = Callable[[int, float], None]
"""Function called after each step, with its loss."""


def train(
    learner: Learner,
    architecture: Architecture,
    world: World,
    vocabulary: Vocabulary,
    recipe: Recipe,
    first: int,
    on_step: OnStep,
) -> Iterator[tuple[int, Learner]]:
    """Continue a run, and yield the learner after each step; it is valid until the next step.

    Args:
        learner: The run.
        architecture: The model's sizes.
        world: Its world.
        vocabulary: Its tokens.
        recipe: Settings of training.
        first: Number of earlier steps.
        on_step: Called after each step.
    """
    remaining = batches(world, vocabulary, recipe, first)
    batch, step = next(remaining, None), first
    while batch is not None:
        learner, loss = learn(learner, batch, architecture=architecture, recipe=recipe)
        batch, step = next(remaining, None), step + 1  # drawn while the device computes
        on_step(step, float(loss))
        yield step, learner
