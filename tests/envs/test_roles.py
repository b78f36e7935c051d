"""Proposers in roles: offers follow the plain formula, and bounds limit the targets."""

from __future__ import annotations

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from envs.contracts import LAYERS
from envs.roles import binding_layer, offers_in_roles, within_bounds

GRID = np.round(np.arange(0, 1.01, 0.05), 9)


def test_offers_are_soft_optimal_for_the_contract_and_a_client_that_accepts_profitable_offers() -> None:
    law, k1, floor, k2, target, k3 = contract = (0.15, 6.0, 0.3, 4.0, 0.45, 2.0)
    rationality, lapse, stake = 7.0, 0.2, 20
    share = np.arange(stake + 1) / stake
    utility = 1 - share - k1 * np.maximum(law - np.minimum(share, 1 - share), 0)
    utility += -k2 * np.maximum(floor - share, 0) - k3 * np.abs(share - target)
    taken = (1 - lapse) / (1 + np.exp(-rationality * share)) + lapse / 2
    score = np.exp(rationality * taken * utility)
    expected = (1 - lapse) * score / score.sum() + lapse / (stake + 1)
    log_probs = offers_in_roles(
        jnp.asarray([contract]), jnp.asarray(rationality), jnp.asarray(lapse), jnp.asarray([stake, 50])
    )
    assert log_probs.shape == (1, 2, 101)
    np.testing.assert_allclose(np.exp(log_probs[0, 0, : stake + 1]), expected, rtol=1e-4)
    assert not np.exp(log_probs[0, 0, stake + 1 :]).any()


@pytest.mark.parametrize(("law", "floor"), list(itertools.product((0.0, 0.1, 0.25), (0.0, 0.2, 0.5))))
def test_strict_contracts_offer_what_bounds_leave_of_the_target(law: float, floor: float) -> None:
    targets = GRID[1:]  # to offer nothing is refused half of the time
    contracts = np.array([(law, 10.0, floor, 10.0, target, 3.0) for target in targets], np.float32)
    log_probs = offers_in_roles(jnp.asarray(contracts), jnp.asarray(200.0), jnp.asarray(0.0), jnp.asarray([20]))
    wanted = within_bounds(*np.broadcast_arrays(law, floor, targets))
    np.testing.assert_array_equal(np.argmax(log_probs[:, 0], axis=1), np.rint(20 * wanted))


def test_a_layer_binds_where_it_keeps_people_from_their_targets() -> None:
    law, floor, target = (axis.ravel() for axis in np.meshgrid(GRID[:6], GRID[:11], GRID))
    binds = np.array(LAYERS)[binding_layer(law, floor, target)]
    moved = ~np.isclose(within_bounds(law, floor, target), target)
    np.testing.assert_array_equal(moved, binds != "individual")
    without_role = ~np.isclose(within_bounds(law, 0 * floor, target), within_bounds(law, floor, target))
    np.testing.assert_array_equal(without_role, binds == "organisational")
