"""Layers compared with an enumeration of all laws, floors and targets."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.contracts import LAYERS
from envs.roles import binding_layer, offers_in_roles
from inference.structured.layers import LayerGrid, Layers, infer_layers
from tests.scai_irl.chi_square import p_value

GRID = LayerGrid(law=(0.0, 0.2), floors=(0.0, 0.3, 0.5), targets=(0.1, 0.4, 0.9), rationality=6.0, lapse=0.3)
STAKE = np.array([[[20, 50], [20, 20]], [[50, 20], [20, 50]]])
OFFER = np.array([[[7, 20], [10, 12]], [[44, 18], [9, 40]]])


@pytest.fixture(scope="module")
def posterior() -> Layers:
    return infer_layers(GRID, STAKE, OFFER)


def every_world() -> dict[tuple[float, ...], float]:
    """Probability of each (law, floor, floor, target, target), by plain products."""
    worlds = list(itertools.product(GRID.law, GRID.floors, GRID.floors, GRID.targets, GRID.targets))
    log_prob = []
    for law, *others in worlds:
        floors, targets = others[:2], others[2:]
        total = 0.0
        for user, role in itertools.product(range(2), range(2)):
            contract = jnp.asarray([[law, 10.0, floors[role], 10.0, targets[user], 3.0]])
            settings = jnp.asarray(GRID.rationality), jnp.asarray(GRID.lapse)
            table = offers_in_roles(contract, *settings, jnp.asarray([20, 50]))
            for stake, offer in zip(STAKE[user, role], OFFER[user, role], strict=True):
                total += float(table[0, [20, 50].index(stake), offer])
        log_prob.append(total)
    chance = np.exp(np.array(log_prob) - max(log_prob))
    return dict(zip(worlds, chance / chance.sum(), strict=True))


@pytest.fixture(scope="module")
def worlds() -> dict[tuple[float, ...], float]:
    return every_world()


def test_the_posterior_is_that_of_all_worlds(posterior: Layers, worlds: dict[tuple[float, ...], float]) -> None:
    for role, user in itertools.product(range(2), range(2)):
        pairs = posterior.pairs(role)[user]
        for (b, law), (f, floor), (t, target) in itertools.product(
            enumerate(GRID.law), enumerate(GRID.floors), enumerate(GRID.targets)
        ):
            expected = sum(
                chance
                for world, chance in worlds.items()
                if (world[0], world[1 + role], world[3 + user]) == (law, floor, target)
            )
            assert pairs[b, f, t] == pytest.approx(expected, abs=1e-6)


def test_what_binds_is_summed_over_worlds(posterior: Layers, worlds: dict[tuple[float, ...], float]) -> None:
    binding = posterior.binding()
    assert binding.shape == (2, 2, len(LAYERS))
    expected = np.zeros(binding.shape)
    for world, chance in worlds.items():
        for user, role in itertools.product(range(2), range(2)):
            layers = (np.array(value) for value in (world[0], world[1 + role], world[3 + user]))
            expected[user, role, int(binding_layer(*layers))] += chance
    np.testing.assert_allclose(binding, expected, atol=1e-6)
    assert expected.max() < 0.99  # the posterior is uncertain


def test_draws_are_of_all_layers_together(posterior: Layers, worlds: dict[tuple[float, ...], float]) -> None:
    place = {world: number for number, world in enumerate(worlds)}
    counts = np.zeros(len(worlds))
    for draw in range(1500):
        law, floors, targets = posterior.sample(jax.random.fold_in(jax.random.key(0), draw))
        counts[place[float(law), *floors.tolist(), *targets.tolist()]] += 1
    assert p_value(counts, list(worlds.values())) > 1e-3


def test_a_floor_shows_where_people_differ_and_a_role_makes_them_alike() -> None:
    grid = LayerGrid()
    games = 4
    stake = np.full((3, 2, games), 20)
    wanted = np.array([6, 9, 14])  # of 20, in the first role
    offer = np.stack([np.tile(wanted[:, None], games), np.tile(np.maximum(wanted, 10)[:, None], games)], axis=1)
    posterior = infer_layers(grid, stake, offer)
    floors = [posterior.pairs(role)[0].sum(axis=(0, 2)) @ np.array(grid.floors) for role in range(2)]
    assert floors[0] < 0.25
    assert floors[1] == pytest.approx(0.5, abs=0.02)
    named = np.array(LAYERS)[posterior.binding().argmax(axis=-1)]
    # The first person gives least in the first role, so a floor may explain that offer.
    assert named[0, 1] == "organisational"
    assert named[1:].tolist() == [["individual", "organisational"], ["individual", "individual"]]
