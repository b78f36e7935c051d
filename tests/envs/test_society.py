"""Users who meet: everybody proposes once and responds once a round, to another user, by her norm."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import Norm, Policy
from envs.society import Meetings, meet
from tests.scai_irl.chi_square import p_value

NORMS = [Policy.of(Norm("selfish", (), 5.0, 0.25)), Policy.of(Norm("altruistic", (), 5.0, 0.25))]


def met(societies: int = 3, users: int = 5, rounds: int = 4, stake: int = 10) -> tuple[Meetings, np.ndarray]:
    holds = np.tile(np.arange(users) % 2, (societies, 1))
    return meet(jax.random.key(3), NORMS, holds, np.full((societies, rounds), stake)), holds


def test_offers_that_are_made_in_a_round_are_those_that_are_answered_in_it() -> None:
    seen, _ = met()
    assert seen.offer.shape == (3, 5, 8)
    assert (seen.proposed == (np.arange(8) % 2 == 0)).all()
    for society in range(3):
        for first in range(0, 8, 2):
            pairs = [
                sorted(zip(seen.offer[society, :, game], seen.accepted[society, :, game], strict=True))
                for game in (first, first + 1)
            ]
            assert pairs[0] == pairs[1]


def test_nobody_meets_herself() -> None:
    # Cobb–Douglas users keep a share equal to their weight. All weights differ, so an offer identifies its proposer.
    norms = [Policy.of(Norm("ces", (keeps / 100, 0.0), 1e5)) for keeps in range(40, 60)]
    seen = meet(jax.random.key(0), norms, np.arange(20)[None], np.full((1, 30), 100))
    offered, received = seen.offer[0, :, 0::2], seen.offer[0, :, 1::2]
    assert (np.sort(offered, axis=0) == np.sort(received, axis=0)).all()
    assert len(np.unique(offered[:, 0])) == 20
    assert (offered != received).all()


def test_users_act_by_their_own_norms() -> None:
    seen, holds = met(societies=60, users=6, rounds=40)
    for norm, policy in enumerate(NORMS):
        table = policy.table(jnp.asarray([10]))
        own = holds == norm
        offered = seen.offer[..., 0::2][own].ravel()
        assert p_value(np.bincount(offered, minlength=101), np.exp(np.asarray(table.offer[0]))) > 1e-3
        received, accepted = (column[..., 1::2][own].ravel() for column in (seen.offer, seen.accepted))
        for offer in (0, 5, 10):
            answers = accepted[received == offer]
            chance = float(np.exp(table.accept[0, offer]))
            assert abs(answers.mean() - chance) < 4 * np.sqrt(0.25 / len(answers))


def test_a_society_does_not_depend_on_the_other_societies() -> None:
    few, many = met(societies=2)[0], met()[0]
    for one, other in zip(few, many, strict=True):
        np.testing.assert_array_equal(one, other[:2])


def test_a_single_user_is_reported() -> None:
    with pytest.raises(ValueError, match=r"^holds: 1 users cannot meet; give at least 2"):
        meet(jax.random.key(0), NORMS, np.zeros((1, 1), int), np.array([[10]]))
