"""Matrix products in single precision, computed in single precision on every device.

By default JAX rounds the factors to ten binary digits on GPUs since Ampere (TensorFloat32) and to seven on TPUs
(bfloat16). This is intended for training networks. A posterior would then differ between a CPU and a GPU in the fourth
digit, and a language model's log-probabilities in the third decimal.
"""

from __future__ import annotations

from collections.abc import Callable

import jax

_OPTION = "jax_default_matmul_precision"


def keep_single_precision() -> None:
    """Let JAX multiply matrices in the precision of their entries, unless another precision is configured.

    The precision is configured by `jax.config`, by `jax.default_matmul_precision`, or by the variable
    ``JAX_DEFAULT_MATMUL_PRECISION``. Importing `envs` calls this function. Products of bfloat16 numbers remain as fast.

    Example:
        >>> keep_single_precision()
        >>> jax.config.jax_default_matmul_precision
        'highest'
    """
    if getattr(jax.config, _OPTION) is None:
        update: Callable[[str, object], None] = jax.config.update
        update(_OPTION, "highest")
