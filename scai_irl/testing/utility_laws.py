"""Laws of utilities."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.utilities import UTILITIES, Utility, get_utility

SHARES = np.arange(101) / 100


class UtilityContract:
    """Laws of one utility, at the corners of its parameters' bounds and inside.

    Attributes:
        name: Name in `envs.UTILITIES`.
    """

    name: ClassVar[str]

    @pytest.fixture
    def utility(self) -> Utility:
        """Look up the utility."""
        return get_utility(self.name)

    def test_nothing_for_both_is_worth_nothing(self, utility: Utility) -> None:
        for theta in points(utility):
            assert float(utility.function(theta, jnp.asarray(0.0), jnp.asarray(0.0))) == 0.0

    def test_it_is_finite_wherever_a_stake_can_be_divided(self, utility: Utility) -> None:
        for theta in points(utility):
            assert np.isfinite(np.asarray(utility.function(theta, *payoffs()))).all()

    def test_its_gradient_in_the_parameters_is_finite(self, utility: Utility) -> None:
        for theta in points(utility):
            slope = jax.jacrev(utility.function)(theta, *payoffs())
            assert np.isfinite(np.asarray(slope)).all()

    def test_a_batch_of_payoffs_is_a_loop_over_them(self, utility: Utility) -> None:
        own, other = payoffs()
        for theta in points(utility):
            alone = [float(utility.function(theta, x, y)) for x, y in zip(own[::10], other[::10], strict=True)]
            square = utility.function(theta, own[::10].reshape(-1, 1), other[::10].reshape(-1, 1))
            # Vector and scalar code may round the last digit of a float32 differently.
            np.testing.assert_allclose(square[:, 0], alone, rtol=1e-6, atol=1e-6)

    def test_its_entry_in_the_registry_is_consistent(self, utility: Utility) -> None:
        assert UTILITIES[utility.name] is utility
        assert len(utility.bounds) == len(utility.parameters)
        assert all(low < high for low, high in utility.bounds)


def payoffs() -> tuple[jax.Array, jax.Array]:
    """Payoffs on the simplex of divided stakes, with its corners, and the payoffs of a rejection."""
    own = jnp.asarray([*SHARES, 0.0], jnp.float32)
    other = jnp.asarray([*(1 - SHARES), 0.0], jnp.float32)
    return own, other


def points(utility: Utility) -> list[jax.Array]:
    """Corners of the bounds, and 20 random points inside."""
    low, high = np.array(utility.bounds, np.float32).reshape(-1, 2).T
    corners = np.array(np.meshgrid(*utility.bounds)).reshape(len(low), -1).T if len(low) else np.zeros((1, 0))
    inside = low + (high - low) * np.random.default_rng(0).uniform(0.01, 0.99, (20, len(low)))
    return [jnp.asarray(theta, jnp.float32) for theta in (*corners, *inside)]
