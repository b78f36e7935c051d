"""Log-probabilities of the last tokens of texts, in batches."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from scai_irl.llama.generation import ROWS, bucket
from scai_irl.llama.model_pass import Architecture, Weights, causal, logits, states

_NOTHING = 0  # any token; it is after the text, so no other token attends to it


def score(weights: Weights, architecture: Architecture, texts: Sequence[tuple[Sequence[int], int]]) -> list[float]:
    """Compute Σ log p(token | earlier tokens) over each text's tokens from a given position on.

    Args:
        weights: The model's weights.
        architecture: Its architecture.
        texts: Tokens of each text, and the position (not 0) of the first token that counts.

    Returns:
        One sum, in nats, for each text.
    """
    sums = [0.0] * len(texts)
    lengths = [bucket(len(tokens)) for tokens, _ in texts]
    for length in sorted(set(lengths)):
        indices = [index for index, own in enumerate(lengths) if own == length]
        for start in range(0, len(indices), ROWS[-1]):
            some = indices[start : start + ROWS[-1]]
            rows = next(rows for rows in ROWS if rows >= len(some))
            tokens = np.full((rows, length), _NOTHING, np.int32)
            first, last = np.ones(rows, np.int32), np.ones(rows, np.int32)
            for row, index in enumerate(some):
                own, begins = texts[index]
                tokens[row, : len(own)] = own
                first[row], last[row] = begins, len(own)
            values = np.asarray(
                _sums(weights, jnp.asarray(tokens), jnp.asarray(first), jnp.asarray(last), architecture=architecture)
            )
            for row, index in enumerate(some):
                sums[index] = float(values[row])
    return sums


@functools.partial(jax.jit, static_argnames="architecture")
def _sums(
    weights: Weights,
    tokens: Int[Array, "row time"],
    first: Int[Array, "row"],
    last: Int[Array, "row"],
    *,
    architecture: Architecture,
) -> Float[Array, "row"]:
    rows, time = tokens.shape
    place = jnp.arange(time)
    state = states(weights, architecture, tokens, jnp.broadcast_to(place, tokens.shape), causal(rows, time))
    log_probs = jax.nn.log_softmax(logits(weights, state[:, :-1]))
    chosen = jnp.take_along_axis(log_probs, tokens[:, 1:, None], axis=2)[..., 0]
    counted = (place[1:] >= first[:, None]) & (place[1:] < last[:, None])
    return jnp.sum(jnp.where(counted, chosen, 0.0), axis=1)
