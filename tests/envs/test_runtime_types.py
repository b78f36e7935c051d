"""The import hook of conftest.py works. Without it every shape annotation would be a comment."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from envs.ultimatum import offered_share
from inference import evidence, exact, named_norms, thompson, uniform_posterior


def test_axes_of_one_name_must_agree_in_envs() -> None:
    with pytest.raises(TypeCheckError, match="stake"):
        offered_share(jnp.ones(3, jnp.int32), jnp.ones(4, jnp.int32))


def test_a_wrong_dtype_is_refused_in_envs() -> None:
    with pytest.raises(TypeCheckError, match="offer"):
        offered_share(jnp.ones(3), jnp.ones(3, jnp.int32))


def test_a_batch_of_keys_is_no_key_in_inference() -> None:
    keys = jax.random.split(jax.random.key(0), 2)
    with pytest.raises(TypeCheckError, match="key"):
        thompson(keys, uniform_posterior(named_norms(), runs=1), assistants=1)


def test_a_plain_array_is_no_evidence_in_inference() -> None:
    with pytest.raises(TypeCheckError, match="data"):
        exact(named_norms(), np.ones((1, 2)))  # type: ignore[arg-type]


def test_whole_numbers_pass_for_floats() -> None:
    assert exact(named_norms(rationality=(200,)), evidence([10], [5], [True])).runs == 1
