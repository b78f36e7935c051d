"""Generation of answers: a batch of prompts is read at once, then every row continues token by token.

Rows are padded on the left to one of a few lengths, and batches to one of two numbers of rows, so that few programs are
compiled.

A token is first sampled from all tokens. If the form of the answer forbids it, the token is sampled from the allowed
ones. Both give the same result: if the largest log p / temperature + noise among all tokens is allowed, it is also the
largest among the allowed ones. A check of one token takes a hundredth of the time of a mask over all tokens.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt
from llguidance import LLMatcher

from scai_irl.llama.model_pass import Architecture, Cache, Caches, Weights, continued, empty_caches, logits
from scai_irl.llama.token_masks import Forms

ROWS = (16, 64)
"""Numbers of rows for which programs are compiled."""

_SHORTEST = 64
_ROOM = 64  # tokens


@dataclass(frozen=True)
class PromptTokens:
    """A prompt as tokens, with its sampler.

    Attributes:
        tokens: Tokens of the conversation.
        seed: Seed of the sampler.
        temperature: Temperature of the sampler; 0 takes the most probable token.
        most: Most tokens in the answer.
        form: Form of the answer; None for any.
    """

    tokens: Sequence[int]
    seed: int
    temperature: float
    most: int
    form: LLMatcher | None = None


@dataclass
class GeneratedText:
    """A generated answer.

    Attributes:
        tokens: Its tokens, without the end token.
        log_probs: Log-probability of each token, before temperature and form.
        ended: Whether the model ended the answer.
    """

    tokens: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    ended: bool = False


def write(
    weights: Weights,
    architecture: Architecture,
    forms: Forms,
    end: int,
    prompts: Sequence[PromptTokens],
    on_done: Callable[[int, GeneratedText], None],
) -> None:
    """Answer every prompt.

    Args:
        weights: The model's weights.
        architecture: Its architecture.
        forms: Compiler of forms to masks.
        end: Token that ends an answer.
        prompts: Prompts, each shorter than the model's positions.
        on_done: Called with the prompt's index and each answer.
    """
    lengths = [bucket(len(prompt.tokens)) for prompt in prompts]
    for length in sorted(set(lengths)):
        indices = [index for index, own in enumerate(lengths) if own == length]
        # Batch prompts with similar limits, since a finished row waits for the others.
        indices.sort(key=lambda index: (-prompts[index].most, index))
        for some in _in_batches(indices):
            batch = _Batch(weights, architecture, forms, end, [prompts[index] for index in some], length)
            for row, answer in batch.answers():
                on_done(some[row], answer)


def bucket(length: int) -> int:
    """Return the length to which a prompt is padded.

    Example:
        >>> [bucket(length) for length in (1, 64, 65, 1000)]
        [64, 64, 128, 1024]
    """
    padded = _SHORTEST
    while padded < length:
        padded *= 2
    return padded


def _in_batches(indices: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(indices), ROWS[-1]):
        yield indices[start : start + ROWS[-1]]


class _Batch:
    """Rows that are generated together."""

    def __init__(
        self,
        weights: Weights,
        architecture: Architecture,
        forms: Forms,
        end: int,
        prompts: Sequence[PromptTokens],
        length: int,
    ) -> None:
        self._weights, self._architecture, self._forms, self._end = weights, architecture, forms, end
        self._prompts = prompts
        self._length = length
        rows = next(rows for rows in ROWS if rows >= len(prompts))
        self._tokens = np.full((rows, length), end, np.int32)
        self._lengths = np.ones(rows, np.int32)
        seeds = np.zeros((rows, 2), np.uint32)
        self._temperatures = np.zeros(rows, np.float32)
        for row, prompt in enumerate(prompts):
            self._tokens[row, length - len(prompt.tokens) :] = prompt.tokens
            self._lengths[row] = len(prompt.tokens)
            seeds[row] = np.divmod(prompt.seed % 2**64, 2**32)
            self._temperatures[row] = prompt.temperature
        self._seeds = jnp.asarray(seeds)

    def answers(self) -> Iterator[tuple[int, GeneratedText]]:
        """Generate all answers, and yield each when it is finished."""
        generated = [GeneratedText() for _ in self._prompts]
        open_rows = set(range(len(generated)))
        matchers = [prompt.form for prompt in self._prompts]
        free = jnp.asarray(self._forms.masks(len(self._lengths), {}))
        lengths = jnp.asarray(self._lengths)
        scores, caches = _read(
            self._weights,
            jnp.asarray(self._tokens),
            lengths,
            architecture=self._architecture,
            slots=self._length + _ROOM,
        )
        for step in range(max(prompt.most for prompt in self._prompts)):
            chosen, log_probs = _choose(scores, free, self._seeds, self._temperatures, jnp.uint32(step))
            forbidden = {
                row: matcher
                for row, (matcher, token) in enumerate(zip(matchers, np.asarray(chosen).tolist(), strict=False))
                if matcher is not None and not self._forms.allows(matcher, token)
            }
            if forbidden:
                masks = jnp.asarray(self._forms.masks(len(self._lengths), forbidden))
                chosen, log_probs = _choose(scores, masks, self._seeds, self._temperatures, jnp.uint32(step))
            at = self._length + step
            if at == caches[0].keys.shape[1]:
                caches = _longer(caches, room=max(_ROOM, step))
            scores, caches = _go_on(
                self._weights,
                chosen,
                lengths,
                jnp.int32(at),
                caches,
                architecture=self._architecture,
                padded=self._length,
            )
            tokens, values = np.asarray(chosen), np.asarray(log_probs)
            for row in sorted(open_rows):
                token = int(tokens[row])
                answer, most = generated[row], self._most(row)
                if token == self._end:
                    answer.ended = True
                else:
                    answer.tokens.append(token)
                    answer.log_probs.append(float(values[row]))
                    matcher = matchers[row]
                    if matcher is not None:
                        matcher.consume_token(token)
                if answer.ended or len(answer.tokens) >= most:
                    open_rows.discard(row)
                    matchers[row] = None
                    yield row, answer
            if not open_rows:
                return

    def _most(self, row: int) -> int:
        return min(self._prompts[row].most, self._architecture.positions - int(self._lengths[row]))


@functools.partial(jax.jit, static_argnames=("architecture", "slots"))
def _read(
    weights: Weights,
    tokens: Int[Array, "row time"],
    lengths: Int[Array, "row"],
    *,
    architecture: Architecture,
    slots: int,
) -> tuple[Float[Array, "row token"], Caches]:
    rows, time = tokens.shape
    place = jnp.arange(time)
    positions = jnp.maximum(place - (time - lengths[:, None]), 0)
    own, other = place[None, :, None], jnp.arange(slots)[None, None, :]
    text = (other >= time - lengths[:, None, None]) & (other <= own)
    itself = other == own  # so that padding also attends to something
    caches = empty_caches(architecture, rows, slots, weights["embed"].dtype)
    state, caches = continued(weights, architecture, tokens, positions, text | itself, caches, jnp.int32(0))
    return logits(weights, state[:, -1]), caches


@functools.partial(jax.jit, static_argnames=("architecture", "padded"), donate_argnames="caches")
def _go_on(
    weights: Weights,
    tokens: Int[Array, "row"],
    lengths: Int[Array, "row"],
    at: Int[Array, ""],
    caches: Caches,
    *,
    architecture: Architecture,
    padded: int,
) -> tuple[Float[Array, "row token"], Caches]:
    place = jnp.arange(caches[0].keys.shape[1])
    seen: Bool[Array, "row place"] = (place <= at) & (place >= padded - lengths[:, None])
    positions = lengths[:, None] + at - padded
    state, caches = continued(weights, architecture, tokens[:, None], positions, seen[:, None], caches, at)
    return logits(weights, state[:, 0]), caches


@functools.partial(jax.jit, static_argnames="room")
def _longer(caches: Caches, *, room: int) -> Caches:
    wider = ((0, 0), (0, room), (0, 0), (0, 0))
    return tuple(Cache(jnp.pad(cache.keys, wider), jnp.pad(cache.values, wider)) for cache in caches)


@jax.jit
def _choose(
    scores: Float[Array, "row token"],
    masks: Int[Array, "row word"],
    seeds: UInt[Array, "row 2"],
    temperatures: Float[Array, "row"],
    step: UInt[Array, ""],
) -> tuple[Int[Array, "row"], Float[Array, "row"]]:
    """Sample by Gumbel's trick: the largest of log p / temperature + noise."""
    count = scores.shape[1]
    bits = (masks[:, :, None] >> jnp.arange(32)) & 1
    allowed = bits.reshape(len(masks), -1)[:, :count] == 1

    def one(
        score: Float[Array, "token"], may: Bool[Array, "token"], seed: UInt[Array, "2"], temperature: Float[Array, ""]
    ) -> Int[Array, ""]:
        key = jax.random.fold_in(jax.random.wrap_key_data(seed, impl="threefry2x32"), step)
        noise = jnp.where(temperature > 0, jax.random.gumbel(key, (count,)), 0.0)
        warm = score / jnp.where(temperature > 0, temperature, 1.0)
        return jnp.argmax(jnp.where(may, warm + noise, -jnp.inf))

    chosen = jax.vmap(one)(scores, allowed, seeds, temperatures)
    log_probs = jax.nn.log_softmax(scores)
    return chosen, jnp.take_along_axis(log_probs, chosen[:, None], axis=1)[:, 0]
