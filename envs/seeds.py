"""Random keys, derived from one root seed and a path of words and numbers.

A path such as (experiment, condition, run, epoch, purpose, draw) identifies a draw. So no two draws coincide, draws do
not depend on the number of runs, and any run can be repeated alone.
"""

from __future__ import annotations

import hashlib
from operator import index
from typing import SupportsIndex

import jax
from jaxtyping import Array, Int, Key

_BITS_OF_A_WORD = 32
_BITS_OF_A_SEED = 63


def derive_key(root: SupportsIndex, *path: str | SupportsIndex) -> Key[Array, ""]:
    """Derive a JAX key from a root seed and a path.

    All 63 bits of the seed are used. With 32 bits, two of 100,000 keys would probably coincide.

    Example:
        >>> import jax
        >>> bool((derive_key(7, "users", 3) == derive_key(7, "users", 3)).all())
        True
    """
    high, low = divmod(derive_seed(root, *path), 1 << _BITS_OF_A_WORD)
    return jax.random.fold_in(jax.random.key(low), high)


def derive_seed(root: SupportsIndex, *path: str | SupportsIndex) -> int:
    """Derive a 63-bit seed, for a language model's sampler, from a root seed and a path (SHA-256).

    Each entry is hashed with its type and length, so ``("a", "b")`` and ``("ab",)`` differ.

    Example:
        >>> derive_seed(7, "epoch", 1) != derive_seed(7, "epoch", 2)
        True
    """
    digest = hashlib.sha256()
    for entry in (root, *path):
        kind, text = ("str", entry) if isinstance(entry, str) else ("int", str(index(entry)))
        digest.update(f"{kind}:{len(text)}:{text};".encode())
    return int.from_bytes(digest.digest()[:8], "big") % (1 << _BITS_OF_A_SEED)


def keys_of_runs(root: Key[Array, ""], runs: Int[Array, "run"]) -> Key[Array, "run"]:
    """Derive a key for each run from its number, not from its index in the batch."""
    return jax.vmap(jax.random.fold_in, (None, 0))(root, runs)
