"""What every continuous family must do; a new one inherits these tests by its line in the registry."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from inference import CONTINUOUS_FAMILIES, HypothesisFamily
from inference.samplers.runs import as_arrays
from inference.samplers.target import Target

FAMILIES = list(CONTINUOUS_FAMILIES)
# Their expectations depend on the very choices that they are compared with.
LOOKS_AT_CHOICES = {"norm-groups", "norm-groups-dp", "response-types"}
REPEATED = 400

pytestmark = pytest.mark.parametrize("name", FAMILIES)


@functools.cache
def family_and_design(name: str) -> tuple[HypothesisFamily, Any]:
    entry = CONTINUOUS_FAMILIES[name]
    arranged = as_arrays(entry.family.arrange(entry.design()))
    return entry.family, jax.tree.map(lambda leaf: leaf[0], arranged)


@functools.cache
def simulation(name: str) -> Any:
    """Program that simulates the design of a family once for each key, coordinates and mode."""
    family, design = family_and_design(name)
    return jax.jit(jax.vmap(lambda key, at, of: family.simulate(key, family.theta(at, of), design)))


@functools.cache
def truths(name: str, seed: int = 0) -> tuple[jax.Array, jax.Array, Any]:
    """Draws from the prior, and data from each."""
    family, _ = family_and_design(name)
    key_u, key_mode, key_data = jax.random.split(jax.random.key(seed), 3)
    u = jax.random.normal(key_u, (REPEATED, family.dimension))
    mode = jax.random.categorical(key_mode, jnp.asarray(family.log_mode_prior), shape=(REPEATED,))
    return u, mode, simulation(name)(jax.random.split(key_data, REPEATED), u, mode)


def test_parameters_are_described_and_stay_in_their_ranges(name: str) -> None:
    family, _ = family_and_design(name)
    u, mode, _ = truths(name)
    theta = jax.vmap(family.theta)(jnp.concatenate([u, 4 * u]), jnp.concatenate([mode, mode]))
    assert len(family.coordinate_names) == len(set(family.coordinate_names)) == family.dimension
    for parameter in family.free:
        if parameter.name in theta:
            values = np.asarray(theta[parameter.name])
            assert ((values >= parameter.low) & (values <= parameter.high)).all()
    assert all(np.isfinite(np.asarray(values)).all() for values in theta.values())
    assert np.isclose(np.exp(family.log_mode_prior).sum(), 1, atol=1e-6)


def test_observations_add_up_to_the_likelihood(name: str) -> None:
    family, _ = family_and_design(name)
    u, mode, data = truths(name)

    def both(at: jax.Array, of: jax.Array, seen: Any) -> tuple[jax.Array, jax.Array]:
        theta = family.theta(at, of)
        return family.log_likelihood(theta, family.summarise(seen)), family.pointwise(theta, seen).sum()

    whole, summed = jax.jit(jax.vmap(both))(u, mode, data)
    np.testing.assert_allclose(whole, summed, rtol=1e-5, atol=1e-4)  # sums in float32, in another order


@pytest.mark.slow
def test_every_part_says_whether_it_was_seen(name: str) -> None:
    family, _ = family_and_design(name)
    u, mode, data = truths(name)
    parts = jax.vmap(lambda at, of, seen: family.pointwise(family.theta(at, of), seen))(u, mode, data)
    seen = np.asarray(jax.vmap(family.parts_seen)(data))
    assert parts.shape == seen.shape
    assert (seen > 0).any()
    np.testing.assert_array_equal(np.asarray(parts)[seen == 0], 0.0)


def test_density_and_gradient_are_numbers_even_in_the_tails(name: str) -> None:
    family, _ = family_and_design(name)
    u, _, data = truths(name)

    def at(place: jax.Array, seen: Any) -> tuple[jax.Array, jax.Array]:
        return jax.value_and_grad(Target(family, family.summarise(seen)).log_joint)(place)

    density = jax.jit(jax.vmap(at))
    for scale in (1.0, 3.0):
        value, slope = density(scale * u, data)
        assert np.isfinite(value).all()
        assert np.isfinite(slope).all()


@pytest.mark.slow
def test_the_gradient_is_that_of_the_density(name: str) -> None:
    family, _ = family_and_design(name)
    u, _, data = truths(name)
    with jax.enable_x64(True):
        seen = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[0]), data)
        target = Target(family, family.summarise(seen))
        place = jnp.asarray(np.asarray(u[1], np.float64))
        slope = np.asarray(jax.jit(jax.grad(target.log_joint))(place))
        step = 1e-4
        steps = jnp.concatenate([jnp.eye(family.dimension), -jnp.eye(family.dimension)]) * step
        heights = np.asarray(jax.jit(jax.vmap(lambda offset: target.log_joint(place + offset)))(steps))
    up, down = np.split(heights, 2)
    np.testing.assert_allclose(slope, (up - down) / (2 * step), rtol=2e-3, atol=2e-3)


def test_choices_are_expected_as_they_are_simulated(name: str) -> None:
    """Over truths and data, choices less their expectations are 0 on average; were the law true, one seed in 10,000."""
    if name in LOOKS_AT_CHOICES:
        pytest.skip("its expectations look at the choices themselves; tested against enumeration")
    family, _ = family_and_design(name)
    u, mode, data = truths(name)

    def surprise(at: jax.Array, of: jax.Array, seen: Any) -> tuple[jax.Array, jax.Array]:
        values, was_seen = family.observed(seen)
        return (values - family.predict(family.theta(at, of), seen)) * was_seen, was_seen

    difference, was_seen = (np.asarray(part) for part in jax.jit(jax.vmap(surprise))(u, mode, data))
    assert set(np.unique(was_seen)) <= {0.0, 1.0}
    assert was_seen.sum() > 0
    of_runs = difference.sum(axis=1)
    assert abs(of_runs.mean()) < 4 * of_runs.std() / np.sqrt(REPEATED)


def test_simulation_keeps_the_design(name: str) -> None:
    family, design = family_and_design(name)
    _, _, data = truths(name)
    _, seen_before = family.observed(design)
    _, seen_after = jax.vmap(family.observed)(data)
    np.testing.assert_array_equal(np.asarray(seen_after), np.tile(np.asarray(seen_before), (REPEATED, 1)))
    assert str(jax.tree.structure(design)) == str(jax.tree.structure(data))


def test_the_same_key_simulates_the_same_and_another_does_not(name: str) -> None:
    u, _, data = truths(name)
    again = truths.__wrapped__(name)[2]
    other = truths.__wrapped__(name, 1)[2]
    assert u.shape[0] == REPEATED
    same = [np.array_equal(one, two) for one, two in zip(*map(jax.tree.leaves, (data, again)), strict=True)]
    differ = [not np.array_equal(one, two) for one, two in zip(*map(jax.tree.leaves, (data, other)), strict=True)]
    assert all(same)
    assert any(differ)


def test_monitored_numbers_are_finite_scalars(name: str) -> None:
    family, _ = family_and_design(name)
    u, _, data = truths(name)
    found = jax.jit(jax.vmap(lambda at, seen: family.monitored(at, family.summarise(seen))))(u, data)
    assert found.shape == (REPEATED, len(family.monitored_names))
    assert np.isfinite(found).all()
    assert len(set(family.monitored_names)) == len(family.monitored_names)


def test_equal_families_are_one_key(name: str) -> None:
    """Else every call would compile anew."""
    family = CONTINUOUS_FAMILIES[name].family
    again = dataclasses.replace(family)
    assert family is not again
    assert family == again
    assert hash(family) == hash(again)
