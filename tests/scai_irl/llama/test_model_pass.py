"""The forward pass compared with a slow, plain version; with caches, padding and branches it gives the same."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scai_irl.llama.model_pass import (
    Architecture,
    Weights,
    causal,
    continued,
    draw_weights,
    empty_caches,
    logits,
    states,
)

SIZES = Architecture(vocabulary=50, width=24, layers=3, heads=4, key_heads=2, head_width=8, inner=40, tied=False)
TIED = Architecture(vocabulary=50, width=16, layers=2, heads=2, key_heads=2, head_width=8, inner=20)
TOKENS = np.random.default_rng(0).integers(0, 50, (3, 11))


def weights_of(architecture: Architecture) -> Weights:
    # Gains other than 1, and larger matrices, so that no error is too small to see.
    weights = draw_weights(jax.random.key(1), architecture)
    return {
        name: 1.5 * value + 0.1 * jnp.sin(jnp.arange(value.size).reshape(value.shape))
        for name, value in weights.items()
    }


def plain(weights: Weights, architecture: Architecture, tokens: np.ndarray) -> np.ndarray:
    """Logits of one text from the paper's formulas, one token at a time, in double precision."""
    w = {name: np.asarray(value, np.float64) for name, value in weights.items()}

    def normal(x: np.ndarray, gain: np.ndarray) -> np.ndarray:
        return np.asarray(x / np.sqrt((x**2).mean(-1, keepdims=True) + architecture.epsilon) * gain)

    def turned(x: np.ndarray, position: int) -> np.ndarray:
        half = architecture.head_width // 2
        out = np.empty_like(x)
        for i in range(half):
            angle = position * architecture.rope_base ** (-2 * i / architecture.head_width)
            out[i] = x[i] * np.cos(angle) - x[i + half] * np.sin(angle)
            out[i + half] = x[i + half] * np.cos(angle) + x[i] * np.sin(angle)
        return out

    h = w["embed"][tokens]
    for layer in range(architecture.layers):
        x = normal(h, w["attention_norm"][layer])
        attended = np.zeros((len(tokens), architecture.heads * architecture.head_width))
        for head in range(architecture.heads):
            own = slice(head * architecture.head_width, (head + 1) * architecture.head_width)
            shared = head // (architecture.heads // architecture.key_heads)
            of_key = slice(shared * architecture.head_width, (shared + 1) * architecture.head_width)
            q = [turned(row, t) for t, row in enumerate(x @ w["query"][layer][:, own])]
            k = [turned(row, t) for t, row in enumerate(x @ w["key"][layer][:, of_key])]
            v = x @ w["value"][layer][:, of_key]
            for t in range(len(tokens)):
                score = np.array([q[t] @ k[s] for s in range(t + 1)]) / np.sqrt(architecture.head_width)
                chance = np.exp(score - score.max())
                attended[t, own] = chance / chance.sum() @ v[: t + 1]
        h = h + attended @ w["out"][layer]
        x = normal(h, w["feed_norm"][layer])
        gate = x @ w["gate"][layer]
        h = h + (gate / (1 + np.exp(-gate)) * (x @ w["up"][layer])) @ w["down"][layer]
    return np.asarray(normal(h, w["norm"]) @ (w["embed"].T if architecture.tied else w["head"]))


def at_once(weights: Weights, architecture: Architecture, tokens: np.ndarray) -> np.ndarray:
    rows, time = tokens.shape
    positions = jnp.broadcast_to(jnp.arange(time), tokens.shape)
    return np.asarray(
        logits(weights, states(weights, architecture, jnp.asarray(tokens), positions, causal(rows, time)))
    )


@pytest.mark.parametrize("architecture", [SIZES, TIED], ids=["untied, shared keys", "tied"])
def test_logits_are_those_of_the_slow_plain_version(architecture: Architecture) -> None:
    weights = weights_of(architecture)
    outputs = at_once(weights, architecture, TOKENS)
    expected = np.stack([plain(weights, architecture, row) for row in TOKENS])
    assert outputs == pytest.approx(expected, abs=1e-4)
    assert np.ptp(expected, axis=-1).min() > 0.5


def test_token_by_token_with_caches_is_the_same_as_at_once() -> None:
    weights = weights_of(SIZES)
    rows, time = TOKENS.shape
    caches = empty_caches(SIZES, rows, time + 3, jnp.dtype("float32"))
    outputs = []
    for at in range(time):
        seen = jnp.broadcast_to(jnp.arange(time + 3) <= at, (rows, 1, time + 3))
        own = jnp.asarray(TOKENS[:, at : at + 1])
        state, caches = continued(weights, SIZES, own, jnp.full((rows, 1), at), seen, caches, jnp.int32(at))
        outputs.append(logits(weights, state[:, 0]))
    assert np.stack(outputs, axis=1) == pytest.approx(at_once(weights, SIZES, TOKENS), abs=1e-5)


def test_branches_that_share_a_beginning_are_read_as_texts_of_their_own() -> None:
    weights = weights_of(SIZES)
    stem, one, other = TOKENS[0, :5], TOKENS[1, :3], TOKENS[2, :4]
    packed = jnp.asarray(np.concatenate([stem, one, other]))[None]
    positions = jnp.asarray([*range(5), *range(5, 8), *range(5, 9)])[None]
    branch = np.array([0] * 5 + [1] * 3 + [2] * 4)
    earlier = np.tril(np.ones((12, 12), bool))
    seen = jnp.asarray(earlier & ((branch[None] == 0) | (branch[None] == branch[:, None])))[None]
    outputs = np.asarray(logits(weights, states(weights, SIZES, packed, positions, seen)))[0]
    for ending, own in ((one, slice(5, 8)), (other, slice(8, 12))):
        alone = at_once(weights, SIZES, np.concatenate([stem, ending])[None])[0]
        assert outputs[own] == pytest.approx(alone[5:], abs=1e-5)
