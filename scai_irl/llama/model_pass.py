r"""A Llama (Touvron et al. 2023) as pure functions of its weights.

    h ← h + W_o · attention(RoPE(W_q n(h)), RoPE(W_k n(h)), W_v n(h)),    n(h) = g ⊙ h / √(mean h² + ε)
    h ← h + W_down (silu(W_gate n(h)) ⊙ W_up n(h))

layer by layer, by `lax.scan` over stacked weights; then logits = W_out n(h), where W_out are the embeddings themselves
if they are tied. RoPE (Su et al. 2021) turns pairs of coordinates i and i + d/2 by position · base^(−2i/d), as the
common format of weights has it. Which places a token may look at is told by a mask, so one function serves plain text,
padded batches, a cache of earlier keys, and branches that share a beginning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key


@dataclass(frozen=True)
class Architecture:
    """Sizes of a Llama.

    Attributes:
        vocabulary: Number of tokens.
        width: Coordinates of a token's state.
        layers: Layers.
        heads: Heads of attention.
        key_heads: Heads of keys and values; a number that divides `heads`.
        head_width: Coordinates of a head.
        inner: Coordinates inside the feed-forward part.
        positions: Longest text, in tokens.
        rope_base: Base of the rotary embedding's frequencies.
        epsilon: What is added to mean squares.
        tied: Whether the output weights are the embeddings.
    """

    vocabulary: int
    width: int = 128
    layers: int = 4
    heads: int = 4
    key_heads: int = 4
    head_width: int = 32
    inner: int = 352
    positions: int = 2_048
    rope_base: float = 10_000.0
    epsilon: float = 1e-5
    tied: bool = True

    @property
    def size(self) -> int:
        """Number of weights.

        Example:
            >>> Architecture(vocabulary=1_000).size
            931968
        """
        return sum(math.prod(shape) for shape in jax.tree.leaves(shapes(self), is_leaf=lambda x: isinstance(x, tuple)))


Weights = dict[str, Array]
"""Arrays by name (`shapes`); those of layers are stacked along a leading axis."""


def shapes(of: Architecture) -> dict[str, tuple[int, ...]]:
    """Shape of each array of weights."""
    heads, keys = of.heads * of.head_width, of.key_heads * of.head_width
    made = {
        "embed": (of.vocabulary, of.width),
        "attention_norm": (of.layers, of.width),
        "query": (of.layers, of.width, heads),
        "key": (of.layers, of.width, keys),
        "value": (of.layers, of.width, keys),
        "out": (of.layers, heads, of.width),
        "feed_norm": (of.layers, of.width),
        "gate": (of.layers, of.width, of.inner),
        "up": (of.layers, of.width, of.inner),
        "down": (of.layers, of.inner, of.width),
        "norm": (of.width,),
    }
    return made if of.tied else made | {"head": (of.width, of.vocabulary)}


def draw_weights(key: Key[Array, ""], of: Architecture) -> Weights:
    """Draw weights to start from: normal, and smaller where layers add up (Radford et al. 2019)."""
    drawn = {}
    for number, (name, shape) in enumerate(shapes(of).items()):
        if name.endswith("norm"):
            drawn[name] = jnp.ones(shape)
            continue
        spread = 0.02 if name in {"embed", "head"} else shape[-2] ** -0.5
        if name in {"out", "down"}:
            spread /= math.sqrt(2 * of.layers)
        drawn[name] = spread * jax.random.normal(jax.random.fold_in(key, number), shape)
    return drawn


class Cache(NamedTuple):
    """Keys and values of earlier tokens in one layer.

    Attributes:
        keys: Keys, turned by their positions.
        values: Values.
    """

    keys: Float[Array, "row place head coordinate"]
    values: Float[Array, "row place head coordinate"]


Caches = tuple[Cache, ...]
"""One cache a layer, each an array of its own: so a step writes one place, and copies nothing."""


def empty_caches(of: Architecture, rows: int, places: int, dtype: jnp.dtype) -> Caches:
    """Make room for keys and values."""
    shape = (rows, places, of.key_heads, of.head_width)
    return tuple(Cache(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype)) for _ in range(of.layers))


def states(
    weights: Weights,
    of: Architecture,
    tokens: Int[Array, "row time"],
    positions: Int[Array, "row time"],
    seen: Bool[Array, "row time time"],
) -> Float[Array, "row time width"]:
    """States after the last layer, normalised.

    Args:
        weights: The weights.
        of: Their architecture.
        tokens: Numbers of tokens.
        positions: Position of each token in its own text.
        seen: Which tokens each one looks at.
    """
    return normalised(states_by_layer(weights, of, tokens, positions, seen)[-1], weights["norm"], of)


def states_by_layer(
    weights: Weights,
    of: Architecture,
    tokens: Int[Array, "row time"],
    positions: Int[Array, "row time"],
    seen: Bool[Array, "row time time"],
) -> Float[Array, "layer row time width"]:
    """States after each layer, as they are handed on, with the arguments of `states`."""
    turn, bias = _turns(of, positions), _bias(seen)

    def layer(state: Float[Array, "row time width"], own: Weights) -> tuple[Float[Array, "row time width"], Array]:
        state, _ = _layer(own, of, state, turn, bias, None, jnp.int32(0))
        return state, state

    return jax.lax.scan(layer, weights["embed"][tokens], _by_layer(weights, of))[1]


def normalised(
    state: Float[Array, "*batch width"], gain: Float[Array, "width"], of: Architecture
) -> Float[Array, "*batch width"]:
    """States of mean square 1, times a gain."""
    exact = state.astype(jnp.float32)
    return (exact * jax.lax.rsqrt(jnp.mean(exact**2, axis=-1, keepdims=True) + of.epsilon)).astype(state.dtype) * gain


def continued(
    weights: Weights,
    of: Architecture,
    tokens: Int[Array, "row time"],
    positions: Int[Array, "row time"],
    seen: Bool[Array, "row time place"],
    caches: Caches,
    at: Int[Array, ""],
) -> tuple[Float[Array, "row time width"], Caches]:
    """The same for tokens that follow others, whose keys and values are in caches; theirs are put there, too.

    Args:
        weights: The weights.
        of: Their architecture.
        tokens: Numbers of tokens.
        positions: Position of each token in its own text.
        seen: Which places of the caches each token looks at.
        caches: Keys and values.
        at: Place of the first of these tokens in the caches.
    """
    turn, bias = _turns(of, positions), _bias(seen)
    state, filled = weights["embed"][tokens], []
    stacked = _by_layer(weights, of)
    for number, cache in enumerate(caches):
        own = {name: values[number] for name, values in stacked.items()}
        state, kept = _layer(own, of, state, turn, bias, cache, at)
        filled.append(kept)
    return normalised(state, weights["norm"], of), tuple(filled)


def logits(weights: Weights, state: Float[Array, "*batch width"]) -> Float[Array, "*batch token"]:
    """Logits of the next token, in single precision."""
    out = weights["head"] if "head" in weights else weights["embed"].T
    return (state @ out).astype(jnp.float32)


def causal(rows: int, time: int) -> Bool[Array, "row time time"]:
    """Every token looks at itself and at those before it."""
    return jnp.broadcast_to(jnp.tril(jnp.ones((time, time), bool)), (rows, time, time))


def _by_layer(weights: Weights, of: Architecture) -> Weights:
    return {name: weights[name] for name in shapes(of) if name not in {"embed", "norm", "head"}}


def _bias(seen: Bool[Array, "row time place"]) -> Float[Array, "row 1 1 time place"]:
    return jnp.where(seen, 0.0, -jnp.inf)[:, None, None]


C = TypeVar("C", Cache, None)


def _layer(
    weights: Weights,
    of: Architecture,
    state: Float[Array, "row time width"],
    turn: tuple[Float[Array, "row time half"], Float[Array, "row time half"]],
    bias: Float[Array, "row 1 1 time place"],
    cache: C,
    at: Int[Array, ""],
) -> tuple[Float[Array, "row time width"], C]:
    found, cache = _attend(weights, of, normalised(state, weights["attention_norm"], of), turn, bias, cache, at)
    state = state + found
    inner = normalised(state, weights["feed_norm"], of)
    return state + (jax.nn.silu(inner @ weights["gate"]) * (inner @ weights["up"])) @ weights["down"], cache


def _attend(
    weights: Weights,
    of: Architecture,
    state: Float[Array, "row time width"],
    turn: tuple[Float[Array, "row time half"], Float[Array, "row time half"]],
    bias: Float[Array, "row 1 1 time place"],
    cache: C,
    at: Int[Array, ""],
) -> tuple[Float[Array, "row time width"], C]:
    rows, time, _ = state.shape
    group = of.heads // of.key_heads
    query = _turned((state @ weights["query"]).reshape(rows, time, of.heads, of.head_width), turn)
    keys = _turned((state @ weights["key"]).reshape(rows, time, of.key_heads, of.head_width), turn)
    values = (state @ weights["value"]).reshape(rows, time, of.key_heads, of.head_width)
    if cache is not None:
        cache = Cache(
            jax.lax.dynamic_update_slice_in_dim(cache.keys, keys.astype(cache.keys.dtype), at, axis=1),
            jax.lax.dynamic_update_slice_in_dim(cache.values, values.astype(cache.values.dtype), at, axis=1),
        )
        keys, values = cache
    query = query.reshape(rows, time, of.key_heads, group, of.head_width)
    score = jnp.einsum("rtkgd,rpkd->rkgtp", query, keys) * of.head_width**-0.5
    weight = jax.nn.softmax(score.astype(jnp.float32) + bias, axis=-1).astype(state.dtype)
    found = jnp.einsum("rkgtp,rpkd->rtkgd", weight, values).reshape(rows, time, of.heads * of.head_width)
    return found @ weights["out"], cache


def _turns(
    of: Architecture, positions: Int[Array, "row time"]
) -> tuple[Float[Array, "row time half"], Float[Array, "row time half"]]:
    frequency = of.rope_base ** (-jnp.arange(0, of.head_width, 2) / of.head_width)
    angle = positions[..., None] * frequency
    return jnp.cos(angle), jnp.sin(angle)


def _turned(
    vectors: Float[Array, "row time head coordinate"],
    turn: tuple[Float[Array, "row time half"], Float[Array, "row time half"]],
) -> Float[Array, "row time head coordinate"]:
    cosine, sine = (part[:, :, None].astype(vectors.dtype) for part in turn)
    one, other = jnp.split(vectors, 2, axis=-1)
    return jnp.concatenate([one * cosine - other * sine, other * cosine + one * sine], axis=-1)
