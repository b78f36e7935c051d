"""Writing answers: a batch of prompts is read at once, then every row goes on token by token.

Rows are padded on the left to one of a few lengths, and batches to one of two numbers of rows, so that few programs are
compiled.

A token is first chosen from all, and only where the form of an answer forbids it, from those that the form allows: the
largest of log p / temperature + noise among all tokens, if it is allowed, is also the largest among the allowed. To ask
a form about one token takes a hundredth of the time that it takes to ask about all.
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
    """What is to be answered.

    Attributes:
        tokens: Tokens of the conversation.
        seed: Seed of the sampler.
        temperature: Of the sampler; 0 takes the most probable token.
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
    """What was written.

    Attributes:
        tokens: Its tokens, without the one that ends it.
        log_probs: Log-probability of each, before temperature and form.
        ended: Whether the model ended it.
    """

    tokens: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    ended: bool = False


def write(
    weights: Weights,
    of: Architecture,
    forms: Forms,
    end: int,
    prompts: Sequence[PromptTokens],
    on_done: Callable[[int, GeneratedText], None],
) -> None:
    """Answer every prompt.

    Args:
        weights: The model's weights.
        of: Its architecture.
        forms: What makes masks of forms.
        end: Token that ends an answer.
        prompts: Prompts; none longer than the model's positions less 1.
        on_done: Told of each answer, by the prompt's place.
    """
    lengths = [bucket(len(prompt.tokens)) for prompt in prompts]
    for length in sorted(set(lengths)):
        places = [place for place, own in enumerate(lengths) if own == length]
        # Answers that may be long together: a row that is done waits for the others.
        places.sort(key=lambda place: (-prompts[place].most, place))
        for some in _in_batches(places):
            batch = _Batch(weights, of, forms, end, [prompts[place] for place in some], length)
            for row, answer in batch.answers():
                on_done(some[row], answer)


def bucket(length: int) -> int:
    """Length to which a prompt is padded.

    Example:
        >>> [bucket(length) for length in (1, 64, 65, 1000)]
        [64, 64, 128, 1024]
    """
    padded = _SHORTEST
    while padded < length:
        padded *= 2
    return padded


def _in_batches(places: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), ROWS[-1]):
        yield places[start : start + ROWS[-1]]


class _Batch:
    """Rows that are written together."""

    def __init__(
        self, weights: Weights, of: Architecture, forms: Forms, end: int, prompts: Sequence[PromptTokens], length: int
    ) -> None:
        self._weights, self._of, self._forms, self._end = weights, of, forms, end
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
        """Write all answers; each is told of when it is done."""
        found = [GeneratedText() for _ in self._prompts]
        open_rows = set(range(len(found)))
        matchers = [prompt.form for prompt in self._prompts]
        free = jnp.asarray(self._forms.masks(len(self._lengths), {}))
        lengths = jnp.asarray(self._lengths)
        scores, caches = _read(
            self._weights, jnp.asarray(self._tokens), lengths, of=self._of, places=self._length + _ROOM
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
                self._weights, chosen, lengths, jnp.int32(at), caches, of=self._of, padded=self._length
            )
            tokens, values = np.asarray(chosen), np.asarray(log_probs)
            for row in sorted(open_rows):
                token = int(tokens[row])
                answer, most = found[row], self._most(row)
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
        return min(self._prompts[row].most, self._of.positions - int(self._lengths[row]))


@functools.partial(jax.jit, static_argnames=("of", "places"))
def _read(
    weights: Weights, tokens: Int[Array, "row time"], lengths: Int[Array, "row"], *, of: Architecture, places: int
) -> tuple[Float[Array, "row token"], Caches]:
    rows, time = tokens.shape
    place = jnp.arange(time)
    positions = jnp.maximum(place - (time - lengths[:, None]), 0)
    own, other = place[None, :, None], jnp.arange(places)[None, None, :]
    text = (other >= time - lengths[:, None, None]) & (other <= own)
    itself = other == own  # so that padding, too, looks at something
    caches = empty_caches(of, rows, places, weights["embed"].dtype)
    found, caches = continued(weights, of, tokens, positions, text | itself, caches, jnp.int32(0))
    return logits(weights, found[:, -1]), caches


@functools.partial(jax.jit, static_argnames=("of", "padded"), donate_argnames="caches")
def _go_on(
    weights: Weights,
    tokens: Int[Array, "row"],
    lengths: Int[Array, "row"],
    at: Int[Array, ""],
    caches: Caches,
    *,
    of: Architecture,
    padded: int,
) -> tuple[Float[Array, "row token"], Caches]:
    place = jnp.arange(caches[0].keys.shape[1])
    seen: Bool[Array, "row place"] = (place <= at) & (place >= padded - lengths[:, None])
    positions = lengths[:, None] + at - padded
    found, caches = continued(weights, of, tokens[:, None], positions, seen[:, None], caches, at)
    return logits(weights, found[:, 0]), caches


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
