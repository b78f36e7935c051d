"""Laws of continuous families."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from inference import CONTINUOUS_FAMILIES, HypothesisFamily
from inference.samplers.runs import as_arrays
from inference.samplers.target import Target

REPEATED = 400


class ContinuousFamilyContract:
    """Laws of one family, over truths from its prior and data from each.

    Attributes:
        name: Name in `inference.CONTINUOUS_FAMILIES`.
        expectation_uses_choices: Whether `predict` uses the choices that it is compared with. If so, its errors need
            not average to 0.
    """

    name: ClassVar[str]
    expectation_uses_choices: ClassVar[bool] = False

    @pytest.fixture
    def family_name(self) -> str:
        """Name the family."""
        return self.name

    def test_parameters_are_described_and_stay_in_their_ranges(self, family_name: str) -> None:
        family, _ = family_and_design(family_name)
        u, mode, _ = truths(family_name)
        theta = jax.jit(jax.vmap(family.theta))(jnp.concatenate([u, 4 * u]), jnp.concatenate([mode, mode]))
        assert len(family.coordinate_names) == len(set(family.coordinate_names)) == family.dimension
        for parameter in family.free:
            if parameter.name in theta:
                values = np.asarray(theta[parameter.name])
                assert ((values >= parameter.low) & (values <= parameter.high)).all()
        assert all(np.isfinite(np.asarray(values)).all() for values in theta.values())
        assert np.isclose(np.exp(family.log_mode_prior).sum(), 1, atol=1e-6)

    def test_observations_add_up_to_the_likelihood(self, family_name: str) -> None:
        arrays = computed(family_name, self.expectation_uses_choices)
        # Sums in float32, in another order.
        np.testing.assert_allclose(arrays["log_likelihood"], arrays["sum_of_observations"], rtol=1e-5, atol=1e-4)

    def test_every_part_says_whether_it_was_seen(self, family_name: str) -> None:
        family, _ = family_and_design(family_name)
        u, mode, data = truths(family_name)
        parts = jax.jit(jax.vmap(lambda at, which_mode, seen: family.pointwise(family.theta(at, which_mode), seen)))(
            u, mode, data
        )
        seen = np.asarray(jax.vmap(family.parts_seen)(data))
        assert parts.shape == seen.shape
        assert (seen > 0).any()
        np.testing.assert_array_equal(np.asarray(parts)[seen == 0], 0.0)

    def test_density_and_gradient_are_numbers_even_in_the_tails(self, family_name: str) -> None:
        family, _ = family_and_design(family_name)
        u, _, data = truths(family_name)

        def density(point: jax.Array, seen: Any) -> tuple[jax.Array, jax.Array]:
            return jax.value_and_grad(Target(family, family.summarise(seen)).log_joint)(point)

        densities = jax.jit(jax.vmap(density))
        for scale in (1.0, 3.0):
            value, slope = densities(scale * u, data)
            assert np.isfinite(value).all()
            assert np.isfinite(slope).all()

    def test_the_gradient_is_that_of_the_density(self, family_name: str) -> None:
        family, _ = family_and_design(family_name)
        u, _, data = truths(family_name)
        with jax.enable_x64(True):
            seen = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[0]), data)
            target = Target(family, family.summarise(seen))
            point = jnp.asarray(np.asarray(u[1], np.float64))
            slope = np.asarray(jax.jit(jax.grad(target.log_joint))(point))
            step = 1e-4
            steps = jnp.concatenate([jnp.eye(family.dimension), -jnp.eye(family.dimension)]) * step
            heights = np.asarray(jax.jit(jax.vmap(lambda offset: target.log_joint(point + offset)))(steps))
        up, down = np.split(heights, 2)
        np.testing.assert_allclose(slope, (up - down) / (2 * step), rtol=2e-3, atol=2e-3)

    def test_choices_are_expected_as_they_are_simulated(self, family_name: str) -> None:
        """Choices minus their expectations average to 0; with a correct family this fails for one seed in 10,000."""
        if self.expectation_uses_choices:
            pytest.skip("its expectations depend on the choices")
        arrays = computed(family_name, self.expectation_uses_choices)
        difference, was_seen = arrays["surprise"], arrays["was_seen"]
        assert set(np.unique(was_seen)) <= {0.0, 1.0}
        assert was_seen.sum() > 0
        of_runs = difference.sum(axis=1)
        assert abs(of_runs.mean()) < 4 * of_runs.std() / np.sqrt(REPEATED)

    def test_simulation_keeps_the_design(self, family_name: str) -> None:
        family, design = family_and_design(family_name)
        _, _, data = truths(family_name)
        _, seen_before = jax.jit(family.observed)(design)
        seen_after = computed(family_name, self.expectation_uses_choices)["was_seen"]
        np.testing.assert_array_equal(seen_after, np.tile(np.asarray(seen_before), (REPEATED, 1)))
        assert str(jax.tree.structure(design)) == str(jax.tree.structure(data))

    def test_the_same_key_simulates_the_same_and_another_does_not(self, family_name: str) -> None:
        u, _, data = truths(family_name)
        again = truths.__wrapped__(family_name)[2]
        other = truths.__wrapped__(family_name, 1)[2]
        assert u.shape[0] == REPEATED
        same = [np.array_equal(one, two) for one, two in zip(*map(jax.tree.leaves, (data, again)), strict=True)]
        differ = [not np.array_equal(one, two) for one, two in zip(*map(jax.tree.leaves, (data, other)), strict=True)]
        assert all(same)
        assert any(differ)

    def test_monitored_numbers_are_finite_scalars(self, family_name: str) -> None:
        family, _ = family_and_design(family_name)
        monitored = computed(family_name, self.expectation_uses_choices)["monitored"]
        assert monitored.shape == (REPEATED, len(family.monitored_names))
        assert np.isfinite(monitored).all()
        assert len(set(family.monitored_names)) == len(family.monitored_names)

    def test_equal_families_are_one_key(self, family_name: str) -> None:
        """Otherwise every call would compile again."""
        family = CONTINUOUS_FAMILIES[family_name].family
        again = dataclasses.replace(family)
        assert family is not again
        assert family == again
        assert hash(family) == hash(again)


@functools.cache
def family_and_design(name: str) -> tuple[HypothesisFamily, Any]:
    """Give a family and its design, of one run."""
    entry = CONTINUOUS_FAMILIES[name]
    arranged = as_arrays(entry.family.arrange(entry.design()))
    return entry.family, jax.tree.map(lambda leaf: leaf[0], arranged)


@functools.cache
def simulation(name: str) -> Callable[[jax.Array, jax.Array, jax.Array], Any]:
    """Compile the program that simulates a family's design, for each key, coordinates and mode."""
    family, design = family_and_design(name)
    return jax.jit(jax.vmap(lambda key, at, which_mode: family.simulate(key, family.theta(at, which_mode), design)))


@functools.cache
def truths(name: str, seed: int = 0) -> tuple[jax.Array, jax.Array, Any]:
    """Draw truths from the prior, and data from each."""
    family, _ = family_and_design(name)
    key_u, key_mode, key_data = jax.random.split(jax.random.key(seed), 3)
    u = jax.random.normal(key_u, (REPEATED, family.dimension))
    mode = jax.random.categorical(key_mode, jnp.asarray(family.log_mode_prior), shape=(REPEATED,))
    return u, mode, simulation(name)(jax.random.split(key_data, REPEATED), u, mode)


@functools.cache
def computed(name: str, expectation_uses_choices: bool) -> dict[str, np.ndarray]:
    """Compute all quantities that the laws compare, for each truth and its data, in one program."""
    family, _ = family_and_design(name)

    def at(u: jax.Array, mode: jax.Array, seen: Any) -> dict[str, jax.Array]:
        theta, summary = family.theta(u, mode), family.summarise(seen)
        values, was_seen = family.observed(seen)
        expected = values if expectation_uses_choices else family.predict(theta, seen)
        return {
            "log_likelihood": family.log_likelihood(theta, summary),
            "sum_of_observations": family.pointwise(theta, seen).sum(),
            "surprise": (values - expected) * was_seen,
            "was_seen": was_seen,
            "monitored": family.monitored(u, summary),
        }

    return {key: np.asarray(values) for key, values in jax.jit(jax.vmap(at))(*truths(name)).items()}
