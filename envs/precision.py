"""Products of matrices in single precision are computed in single precision, on whatever device.

Left to itself JAX rounds the factors to ten binary digits on GPUs since Ampere (TensorFloat32) and to seven on TPUs
(bfloat16). That is made for training networks; a posterior would then differ between a CPU and a GPU in the fourth
digit, and log-probabilities of a language model in the third decimal.
"""

from __future__ import annotations

from collections.abc import Callable

import jax

_OPTION = "jax_default_matmul_precision"


def keep_single_precision() -> None:
    """Have JAX multiply matrices in the precision of their numbers, unless it was told a precision of another kind.

    It is told by `jax.config`, by `jax.default_matmul_precision`, or by the variable ``JAX_DEFAULT_MATMUL_PRECISION``.
    Importing `envs` calls this. Numbers in bfloat16 are multiplied as fast as before.

    Example:
        >>> keep_single_precision()
        >>> jax.config.jax_default_matmul_precision
        'highest'
    """
    if getattr(jax.config, _OPTION) is None:
        update: Callable[[str, object], None] = jax.config.update
        update(_OPTION, "highest")
