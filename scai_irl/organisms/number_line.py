"""Initial embeddings of tokens that stand for numbers: on a line, so that training generalises to neighbours."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from scai_irl.organisms.prompt_chunks import numbers
from scai_irl.organisms.vocabulary import Vocabulary


def on_lines(
    key: Key[Array, ""], embeddings: Float[Array, "token width"], vocabulary: Vocabulary
) -> Float[Array, "token width"]:
    r"""Return embeddings in which tokens that differ only in a number are close if the numbers are.

    e(x) = s (.8 A f(x) / √6 + .4 b) + .2 e, with e and their root mean square s as they were drawn, x in [0, 1],
    f(x) = (x, log(1 + 100 x) / log 101, sin and cos of 2π x / p for p = 2, 1, 1/2, 1/4, 1/10), A the same for all
    numbers of units, and b shared by the tokens of one kind; A and b are standard normal. Otherwise each of a thousand
    tokens would have to occur often before its number is learnt.
    """
    width = embeddings.shape[1]
    placed = np.array(embeddings)
    size = float(np.sqrt(np.mean(placed**2)))
    for kind, tokens in enumerate(numbers()):
        value = np.array(list(tokens.values()))
        turn = 2 * np.pi * value[:, None] / np.array([2, 1, 0.5, 0.25, 0.1])
        features = np.column_stack([value, np.log1p(100 * value) / np.log(101), np.sin(turn), np.cos(turn)])
        of_units = any(token.isdigit() or token.startswith(", ") for token in tokens)
        map_key, own_key = jax.random.fold_in(key, 99 if of_units else kind), jax.random.fold_in(key, 100 + kind)
        spread = (features.shape[1] / 2) ** -0.5
        line = spread * features @ np.asarray(jax.random.normal(map_key, (features.shape[1], width)))
        ids = [vocabulary.ids((token,))[0] for token in tokens]
        placed[ids] = size * (0.8 * line + 0.4 * np.asarray(jax.random.normal(own_key, (width,)))) + 0.2 * placed[ids]
    return jnp.asarray(placed, jnp.float32)
