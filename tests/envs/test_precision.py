"""Products of matrices keep the precision of their numbers, unless the user chooses another precision."""

from __future__ import annotations

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

from envs import keep_single_precision


def test_products_are_asked_for_in_full_precision() -> None:
    program = jax.make_jaxpr(lambda a, b: a @ b)(jnp.ones((2, 2)), jnp.ones((2, 2)))
    assert "HIGHEST" in str(program)


def test_a_surrounding_wish_goes_first() -> None:
    with jax.default_matmul_precision("tensorfloat32"):
        keep_single_precision()
        assert getattr(jax.config, "jax_default_matmul_precision") == "tensorfloat32"  # noqa: B009 - it has no type


@pytest.mark.parametrize(
    ("before", "chosen", "precision"),
    [
        ("", {}, "highest"),
        ("", {"JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32"}, "tensorfloat32"),
        ("jax.config.update('jax_default_matmul_precision', 'bfloat16')", {}, "bfloat16"),
    ],
)
def test_importing_keeps_a_precision_chosen_before(before: str, chosen: dict[str, str], precision: str) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "JAX_DEFAULT_MATMUL_PRECISION"}
    code = f"import jax\n{before}\nimport envs\nprint(jax.config.jax_default_matmul_precision)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables | chosen, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == precision
