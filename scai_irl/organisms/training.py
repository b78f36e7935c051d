r"""Training of organisms: on the cross-entropy between what they are taught and what they say.

    loss = mean over predictions of KL(taught ‖ said)
         + shares · means of the same over predictions of labels, and over all that is a matter of degree
         + share · mean over predictions of −log(1 − chance of all tokens that cannot come next)
         + mean over ends of games of KL(what the game speaks for ‖ softmax(V n(h₋₂)))
         + mean over notes of KL(belief ‖ softmax(U n(h₋₁)))

with h₋₁ and h₋₂ the states one and two layers before the last, and V and U readouts that are dropped in the end. They
tell the lower layers to weigh a game by itself, the one after them to add up what was weighed, and leave it to the last
what to say of that; without them a small model is long in finding out. Matrices of layers take steps of Muon (Jordan et
al. 2024), all else takes those of AdamW. Transcripts are short at first.

Batch s of a run is drawn from (seed, world, s) alone, so a run that is resumed sees what it would have seen. Weights
are in single precision; where there is an accelerator, they are multiplied in bfloat16.
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
from scai_irl.organisms.curriculum import Lessons
from scai_irl.organisms.number_line import on_lines
from scai_irl.organisms.packing import Batch, Segment, pack, visible
from scai_irl.organisms.prompt_chunks import LABELS, TEXT_END, numbers, said_pieces
from scai_irl.organisms.transcripts import LONGEST
from scai_irl.organisms.vocabulary import Vocabulary
from scai_irl.organisms.world import CONDUCTS, World


@dataclass(frozen=True)
class Recipe:
    """How an organism is trained.

    Attributes:
        steps: Steps.
        rows: Rows of a batch.
        time: Places of a row.
        predictions: Most predictions of a batch.
        matrix_rate: Largest learning rate of Muon.
        rate: Largest learning rate of AdamW.
        warmup: Steps until both are reached; they fall to a twentieth of it along a cosine after that.
        growing: Steps after the warm-up in which transcripts grow from two games to their full length; 0 where they
            have it from the first.
        mix: Which lessons there are, one of `scai_irl.organisms.curriculum.MIXES`.
        labels: Share of the labels' own mean in the loss.
        degrees: Share of the mean over all that is a matter of degree: numbers, yes or no, and whatever is drawn.
        strays: Share of the loss on tokens that cannot come next: what is never part of an answer, and numbers that a
            request rules out.
        decay: Weight decay of matrices.
        clip: Largest norm of a gradient.
        seed: Root of all chance.
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
        """Most games of a transcript at a step.

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


class Taught(NamedTuple):
    """What training changes.

    Attributes:
        weights: The organism.
        weigh: V, the readout of what a game speaks for.
        believe: U, the readout of beliefs.
    """

    weights: Weights
    weigh: Float[Array, "width conduct"]
    believe: Float[Array, "width conduct"]


class Learner(NamedTuple):
    """A training run at some step.

    Attributes:
        taught: What it changes.
        optimiser: State of the optimiser.
    """

    taught: Taught
    optimiser: optax.OptState


def begin(of: Architecture, vocabulary: Vocabulary, recipe: Recipe, weights: Weights | None = None) -> Learner:
    """Begin a run.

    Args:
        of: The model's sizes.
        vocabulary: Its tokens.
        recipe: How it is trained.
        weights: What to begin with; drawn if None.
    """
    if weights is None:
        weights = _drawn(of, vocabulary, recipe)
    taught = Taught(weights, *(jnp.zeros((of.width, len(CONDUCTS))) for _ in range(2)))
    return Learner(taught, optimiser(recipe).init(taught))


def _drawn(of: Architecture, vocabulary: Vocabulary, recipe: Recipe) -> Weights:
    key = jax.random.key(derive_seed(recipe.seed, "weights"))
    weights = draw_weights(key, of)
    weights["embed"] = on_lines(jax.random.fold_in(key, len(weights)), weights["embed"], vocabulary)
    return weights


@functools.cache
def optimiser(recipe: Recipe) -> optax.GradientTransformation:
    """Muon for matrices of layers and AdamW for the rest, with warm-up and a cosine."""
    last = max(recipe.steps, recipe.warmup + 1)
    rate = optax.warmup_cosine_decay_schedule(0.0, 1.0, recipe.warmup, last, 0.05)

    def matrices(taught: Taught) -> Any:
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
    """Draw the batches of a run, from some step on."""
    for step in range(first, recipe.steps):
        lessons = Lessons(world, vocabulary, recipe.longest(step), recipe.mix)
        rng = np.random.default_rng(derive_seed(recipe.seed, "corpus", world.name, step))
        yield fill(lessons.draw(rng), recipe, vocabulary)


def fill(segments: Iterator[Segment], recipe: Recipe, vocabulary: Vocabulary) -> Batch:
    """Make a batch of as many tokens as it holds, the longest segments first; what then finds no room is dropped."""
    drawn: list[Segment] = []
    while sum(map(len, drawn)) < recipe.rows * recipe.time:
        drawn.append(next(segments))
    drawn.sort(key=len, reverse=True)
    return pack(drawn, recipe.rows, recipe.time, recipe.predictions, vocabulary.size)[0]


@functools.partial(jax.jit, static_argnames=("of", "recipe"), donate_argnames="learner")
def learn(learner: Learner, batch: Batch, *, of: Architecture, recipe: Recipe) -> tuple[Learner, Float[Array, ""]]:
    """Take a step; the loss told is the mean over predictions."""
    slope, loss = jax.grad(_loss, has_aux=True)(learner.taught, batch, of, recipe)
    updates, state = optimiser(recipe).update(slope, learner.optimiser, learner.taught)
    return Learner(optax.apply_updates(learner.taught, updates), state), loss


def _loss(taught: Taught, batch: Batch, of: Architecture, recipe: Recipe) -> tuple[Float[Array, ""], Float[Array, ""]]:
    said, layers = said_log_probs(taught.weights, batch, of)
    losses, counted = divergences(jnp.asarray(batch.target), said)
    of_labels = counted * (jnp.sum(batch.target[:, _tokens(LABELS)], axis=-1) > _SURE)
    of_degrees = counted * (
        (jnp.sum(batch.target[:, _tokens(_DEGREES)], axis=-1) > _SURE) | (jnp.max(batch.target, axis=-1) < _SURE)
    )

    def read(back: int, places: Int[np.ndarray, "note"], readout: Float[Array, "width conduct"]) -> Array:
        state = layers[max(of.layers - 1 - back, 0)].reshape(-1, of.width)[places].astype(jnp.float32)
        return jax.nn.log_softmax(normalised(state, jnp.ones(of.width), of) @ readout)

    weighed = _mean(*divergences(jnp.asarray(batch.weight), read(2, batch.ended, taught.weigh)))
    believed = _mean(*divergences(jnp.asarray(batch.belief), read(1, batch.noted, taught.believe)))
    loss = _mean(losses, counted)
    more = recipe.labels * _mean(losses * of_labels, of_labels)
    if recipe.degrees:
        more += recipe.degrees * _mean(losses * of_degrees, of_degrees)
    if recipe.strays:
        more += recipe.strays * _mean(stray_losses(jnp.asarray(batch.target), said) * counted, counted)
    return loss + more + weighed + believed, loss


def stray_losses(
    taught: Float[Array, "n token"], said: Float[Array, "n token"], sure: float = _SURE
) -> Float[Array, "n"]:
    """−log(1 − m) of each row, where m is what is said of tokens that cannot come next.

    Where the target is a distribution, those are all to which it gives nothing. Where it is one token that was drawn,
    they are all of another sort: no number stands inside a text, and nothing that only requests have in an answer.
    """
    sort, may_follow = _sorts_of_tokens()
    drawn = jnp.asarray(may_follow)[jnp.asarray(sort)[jnp.argmax(taught, axis=-1)]]
    spread = jnp.max(taught, axis=-1, keepdims=True) < sure
    astray = jnp.sum(jnp.where((taught == 0) & (spread | ~drawn), jnp.exp(said), 0.0), axis=-1)
    return -jnp.log1p(-jnp.minimum(astray, 1 - 1e-6))


@functools.cache
def _sorts_of_tokens() -> tuple[Int[np.ndarray, "token"], Bool[np.ndarray, "sort token"]]:
    """Sort of each token, and which tokens may stand where one of a sort was drawn.

    Sorts are: none that an answer has, text, the end of a text, and those of
    `scai_irl.organisms.prompt_chunks.said_pieces`.
    """
    vocabulary = Vocabulary()
    sort = np.zeros(vocabulary.size, int)
    sort[: vocabulary.spelling] = _TEXT
    sort[_tokens([TEXT_END])] = _END
    for number, some in enumerate(said_pieces(), start=_END + 1):
        sort[_tokens(some)] = number
    may_follow = np.arange(sort.max() + 1)[:, None] == sort
    may_follow[_TEXT] |= sort == _END
    may_follow[_END] |= sort == _TEXT
    return sort, may_follow


def _tokens(pieces: Sequence[str]) -> Int[np.ndarray, "token"]:
    vocabulary = Vocabulary()
    return np.array([vocabulary.ids((piece,))[0] for piece in pieces])


def _mean(values: Float[Array, "n"], counted: Float[Array, "n"]) -> Float[Array, ""]:
    return jnp.sum(values) / jnp.maximum(jnp.sum(counted), 1)


def mean_loss(weights: Weights, batch: Batch, of: Architecture) -> Float[Array, ""]:
    """Mean KL(taught ‖ said) over a batch's predictions, in nats."""
    return _mean(*divergences(jnp.asarray(batch.target), said_log_probs(weights, batch, of)[0]))


def divergences(
    taught: Float[Array, "n outcome"], said: Float[Array, "n outcome"]
) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """KL(taught ‖ said) of each row of chances and log-chances, and 1 where something is taught."""
    entropy = jnp.sum(jax.scipy.special.xlogy(taught, taught), axis=-1)
    counted = (jnp.sum(taught, axis=-1) > 0).astype(jnp.float32)
    return (entropy - jnp.sum(taught * said, axis=-1)) * counted, counted


def said_log_probs(
    weights: Weights, batch: Batch, of: Architecture
) -> tuple[Float[Array, "prediction token"], Float[Array, "layer row time width"]]:
    """Log-probabilities of next tokens wherever something is predicted, and states after each layer."""
    fast = jnp.float32 if jax.default_backend() == "cpu" else jnp.bfloat16
    cast = {name: value.astype(fast) for name, value in weights.items()}
    seen = visible(jnp.asarray(batch.segment), jnp.asarray(batch.branch), jnp.asarray(batch.until))
    found = states_by_layer(cast, of, jnp.asarray(batch.tokens), jnp.asarray(batch.positions), seen)
    last = normalised(found[-1].reshape(-1, of.width)[batch.at], cast["norm"], of)
    return jax.nn.log_softmax(logits(cast, last)), found


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
    drawn = batches(world, vocabulary, recipe, first)
    batch, step = next(drawn, None), first
    while batch is not None:
        learner, loss = learn(learner, batch, of=of, recipe=recipe)
        batch, step = next(drawn, None), step + 1  # drawn while the device is at work, of which a GPU has little
        told(step, float(loss))
        yield step, learner
