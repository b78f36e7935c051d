r"""A Llama (Touvron et al. 2023) as pure functions of its weights.

    h ← h + W_o · attention(RoPE(W_q n(h)), RoPE(W_k n(h)), W_v n(h)),    n(h) = g ⊙ h / √(mean h² + ε)
    h ← h + W_down (silu(W_gate n(h)) ⊙ W_up n(h))

layer by layer, by `lax.scan` over stacked weights; then logits = W_out n(h), where W_out are the embeddings themselves
if they are tied. RoPE (Su et al. 2021) rotates pairs of coordinates i and i + d/2 by position · base^(−2i/d), as in the
common format of weights. A mask defines the positions to which a token attends. So one function serves plain text,
padded batches, a cache of earlier keys, and branches that share a prefix.
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
        epsilon: Number added to mean squares.
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
        """Return the number of weights.

        Example:
            >>> Architecture(vocabulary=1_000).size
            931968
        """
        return sum(math.prod(shape) for shape in jax.tree.leaves(shapes(self), is_leaf=lambda x: isinstance(x, tuple)))


Weights = dict[str, Array]
"""Arrays by name (`shapes`); those of layers are stacked along a leading axis."""


def shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of weights."""
    heads, keys = architecture.heads * architecture.head_width, architecture.key_heads * architecture.head_width
    sizes = {
        "embed": (architecture.vocabulary, architecture.width),
        "attention_norm": (architecture.layers, architecture.width),
        "query": (architecture.layers, architecture.width, heads),
        "key": (architecture.layers, architecture.width, keys),
        "value": (architecture.layers, architecture.width, keys),
        "out": (architecture.layers, heads, architecture.width),
        "feed_norm": (architecture.layers, architecture.width),
        "gate": (architecture.layers, architecture.width, architecture.inner),
        "up": (architecture.layers, architecture.width, architecture.inner),
        "down": (architecture.layers, architecture.inner, architecture.width),
        "norm": (architecture.width,),
    }
    return sizes if architecture.tied else sizes | {"head": (architecture.width, architecture.vocabulary)}


def draw_weights(key: Key[Array, ""], architecture: Architecture) -> Weights:
    """Draw initial weights: normal, and smaller for outputs of residual branches (Radford et al. 2019)."""
    weights = {}
    for number, (name, shape) in enumerate(shapes(architecture).items()):
        if name.endswith("norm"):
            weights[name] = jnp.ones(shape)
            continue
        spread = 0.02 if name in {"embed", "head"} else shape[-2] ** -0.5
        if name in {"out", "down"}:
            spread /= math.sqrt(2 * architecture.layers)
        weights[name] = spread * jax.random.normal(jax.random.fold_in(key, number), shape)
    return weights


class Cache(NamedTuple):
    """Keys and values of earlier tokens in one layer.

    Attributes:
        keys: Keys, rotated by their positions.
        values: Values.
    """

    keys: Float[Array, "row place head coordinate"]
    values: Float[Array, "row place head coordinate"]


Caches = tuple[Cache, ...]
"""One cache a layer, each a separate array, so that a step writes one position and copies nothing."""


def empty_caches(architecture: Architecture, rows: int, slots: int, dtype: jnp.dtype) -> Caches:
    """Return empty caches for keys and values."""
    shape = (rows, slots, architecture.key_heads, architecture.head_width)
    return tuple(Cache(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype)) for _ in range(architecture.layers))


def states(
    weights: Weights,
    architecture: Architecture,
    tokens: Int[Array, "row time"],
    positions: Int[Array, "row time"],
    seen: Bool[Array, "row time time"],
) -> Float[Array, "row time width"]:
    """Compute the normalised states after the last layer.

    Args:
        weights: The weights.
        architecture: Their architecture.
        tokens: Numbers of tokens.
        positions: Position of each token in its own text.
        seen: Mask of the tokens to which each token attends.
    """
    return normalised(
        states_by_layer(weights, architecture, tokens, positions, seen)[-1], weights["norm"], architecture
    )


def states_by_layer(
    weights: Weights,
    architecture: Architecture,
    tokens: Int[Array, "row time"],
    positions: Int[Array, "row time"],
    seen: Bool[Array, "row time time"],
) -> Float[Array, "layer row time width"]:
    """Compute the states after each layer, before normalisation, with the arguments of `states`."""
    turn, bias = _turns(architecture, positions), _bias(seen)

    def layer(state: Float[Array, "row time width"], own: Weights) -> tuple[Float[Array, "row time width"], Array]:
        state, _ = _layer(own, architecture, state, turn, bias, None, jnp.int32(0))
        return state, state

    return jax.lax.scan(layer, weights["embed"][tokens], _by_layer(weights, architecture))[1]


def normalised(
    state: Float[Array, "*batch width"], gain: Float[Array, "width"], architecture: Architecture
) -> Float[Array, "*batch width"]:
    """Return states scaled to mean square 1, times a gain."""
    exact = state.astype(jnp.float32)
    return (exact * jax.lax.rsqrt(jnp.mean(exact**2, axis=-1, keepdims=True) + architecture.epsilon)).astype(
        state.dtype
    ) * gain


def continued(
    weights: Weights,
    architecture: Architecture,
    tokens: Int[Array, "row time"],
    positions: Int[Array, "row time"],
    seen: Bool[Array, "row time place"],
    caches: Caches,
    at: Int[Array, ""],
) -> tuple[Float[Array, "row time width"], Caches]:
    """Compute `states` for tokens that follow cached ones, and add their keys and values to the caches.

    Args:
        weights: The weights.
        architecture: Their architecture.
        tokens: Numbers of tokens.
        positions: Position of each token in its own text.
        seen: Mask of the cache positions to which each token attends.
        caches: Keys and values.
        at: Position of the first of these tokens in the caches.
    """
    turn, bias = _turns(architecture, positions), _bias(seen)
    state, filled = weights["embed"][tokens], []
    stacked = _by_layer(weights, architecture)
    for number, cache in enumerate(caches):
        own = {name: values[number] for name, values in stacked.items()}
        state, cached = _layer(own, architecture, state, turn, bias, cache, at)
        filled.append(cached)
    return normalised(state, weights["norm"], architecture), tuple(filled)


def logits(weights: Weights, state: Float[Array, "*batch width"]) -> Float[Array, "*batch token"]:
    """Compute the logits of the next token, in single precision."""
    out = weights["head"] if "head" in weights else weights["embed"].T
    return (state @ out).astype(jnp.float32)


def causal(rows: int, time: int) -> Bool[Array, "row time time"]:
    """Return the causal mask: every token attends to itself and to earlier tokens."""
    return jnp.broadcast_to(jnp.tril(jnp.ones((time, time), bool)), (rows, time, time))


def _by_layer(weights: Weights, architecture: Architecture) -> Weights:
    return {name: weights[name] for name in shapes(architecture) if name not in {"embed", "norm", "head"}}


def _bias(seen: Bool[Array, "row time place"]) -> Float[Array, "row 1 1 time place"]:
    return jnp.where(seen, 0.0, -jnp.inf)[:, None, None]


C = TypeVar("C", Cache, None)


def _layer(
    weights: Weights,
    architecture: Architecture,
    state: Float[Array, "row time width"],
    turn: tuple[Float[Array, "row time half"], Float[Array, "row time half"]],
    bias: Float[Array, "row 1 1 time place"],
    cache: C,
    at: Int[Array, ""],
) -> tuple[Float[Array, "row time width"], C]:
    attended, cache = _attend(
        weights, architecture, normalised(state, weights["attention_norm"], architecture), turn, bias, cache, at
    )
    state = state + attended
    inner = normalised(state, weights["feed_norm"], architecture)
    return state + (jax.nn.silu(inner @ weights["gate"]) * (inner @ weights["up"])) @ weights["down"], cache


def _attend(
    weights: Weights,
    architecture: Architecture,
    state: Float[Array, "row time width"],
    turn: tuple[Float[Array, "row time half"], Float[Array, "row time half"]],
    bias: Float[Array, "row 1 1 time place"],
    cache: C,
    at: Int[Array, ""],
) -> tuple[Float[Array, "row time width"], C]:
    rows, time, _ = state.shape
    group = architecture.heads // architecture.key_heads
    query = _turned((state @ weights["query"]).reshape(rows, time, architecture.heads, architecture.head_width), turn)
    keys = _turned((state @ weights["key"]).reshape(rows, time, architecture.key_heads, architecture.head_width), turn)
    values = (state @ weights["value"]).reshape(rows, time, architecture.key_heads, architecture.head_width)
    if cache is not None:
        cache = Cache(
            jax.lax.dynamic_update_slice_in_dim(cache.keys, keys.astype(cache.keys.dtype), at, axis=1),
            jax.lax.dynamic_update_slice_in_dim(cache.values, values.astype(cache.values.dtype), at, axis=1),
        )
        keys, values = cache
    query = query.reshape(rows, time, architecture.key_heads, group, architecture.head_width)
    score = jnp.einsum("rtkgd,rpkd->rkgtp", query, keys) * architecture.head_width**-0.5
    weight = jax.nn.softmax(score.astype(jnp.float32) + bias, axis=-1).astype(state.dtype)
    attended = jnp.einsum("rkgtp,rpkd->rtkgd", weight, values).reshape(
        rows, time, architecture.heads * architecture.head_width
    )
    return attended @ weights["out"], cache


def _turns(
    architecture: Architecture, positions: Int[Array, "row time"]
) -> tuple[Float[Array, "row time half"], Float[Array, "row time half"]]:
    frequency = architecture.rope_base ** (-jnp.arange(0, architecture.head_width, 2) / architecture.head_width)
    angle = positions[..., None] * frequency
    return jnp.cos(angle), jnp.sin(angle)


def _turned(
    vectors: Float[Array, "row time head coordinate"],
    turn: tuple[Float[Array, "row time half"], Float[Array, "row time half"]],
) -> Float[Array, "row time head coordinate"]:
    cosine, sine = (part[:, :, None].astype(vectors.dtype) for part in turn)
    one, other = jnp.split(vectors, 2, axis=-1)
    return jnp.concatenate([one * cosine - other * sine, other * cosine + one * sine], axis=-1)
