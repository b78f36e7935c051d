"""Log-probabilities of texts' last tokens, many texts at once."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from scai_irl.llama.generation import ROWS, bucket
from scai_irl.llama.model_pass import Architecture, Weights, causal, logits, states

_NOTHING = 0  # a token like any other, after the text, where nothing looks at it


def score(weights: Weights, of: Architecture, texts: Sequence[tuple[Sequence[int], int]]) -> list[float]:
    """Sum log p(token | tokens before it) over each text's tokens from a place on.

    Args:
        weights: The model's weights.
        of: Its architecture.
        texts: Tokens of each text, and the place of the first that counts, which is not 0.

    Returns:
        One sum, in nats, for each text.
    """
    found = [0.0] * len(texts)
    lengths = [bucket(len(tokens)) for tokens, _ in texts]
    for length in sorted(set(lengths)):
        places = [place for place, own in enumerate(lengths) if own == length]
        for start in range(0, len(places), ROWS[-1]):
            some = places[start : start + ROWS[-1]]
            rows = next(rows for rows in ROWS if rows >= len(some))
            tokens = np.full((rows, length), _NOTHING, np.int32)
            first, last = np.ones(rows, np.int32), np.ones(rows, np.int32)
            for row, place in enumerate(some):
                own, begins = texts[place]
                tokens[row, : len(own)] = own
                first[row], last[row] = begins, len(own)
            values = np.asarray(_sums(weights, jnp.asarray(tokens), jnp.asarray(first), jnp.asarray(last), of=of))
            for row, place in enumerate(some):
                found[place] = float(values[row])
    return found


@functools.partial(jax.jit, static_argnames="of")
def _sums(
    weights: Weights,
    tokens: Int[Array, "row time"],
    first: Int[Array, "row"],
    last: Int[Array, "row"],
    *,
    of: Architecture,
) -> Float[Array, "row"]:
    rows, time = tokens.shape
    place = jnp.arange(time)
    found = states(weights, of, tokens, jnp.broadcast_to(place, tokens.shape), causal(rows, time))
    log_probs = jax.nn.log_softmax(logits(weights, found[:, :-1]))
    chosen = jnp.take_along_axis(log_probs, tokens[:, 1:, None], axis=2)[..., 0]
    counted = (place[1:] >= first[:, None]) & (place[1:] < last[:, None])
    return jnp.sum(jnp.where(counted, chosen, 0.0), axis=1)
