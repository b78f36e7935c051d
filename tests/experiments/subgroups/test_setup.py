"""Societies: their members, and the beliefs about them as interactions accumulate."""

from __future__ import annotations

import numpy as np
import pytest

from envs import mixture
from experiments.subgroups.setup import FIRMNESS, Societies, members, policies_held, societies
from inference import infer
from scai_irl.organisms.prompt_chunks import known_policies

USERS = mixture({"altruistic": 0.75, "selfish": 0.25})


@pytest.fixture(scope="module")
def loose() -> Societies:
    return societies(USERS, "loosely", 3, 8, 4, seed=1)


def test_organisms_know_the_norms() -> None:
    assert {policy for firmness in FIRMNESS for policy in policies_held(firmness)} <= set(known_policies())


def test_shares_are_as_near_as_users_allow() -> None:
    thirds = mixture({"selfish": 0.3, "fair": 0.3, "altruistic": 0.4})
    assert np.bincount(members(thirds, 10)).tolist() == [3, 3, 4]
    for users in range(3, 40):
        counts = np.bincount(members(thirds, users), minlength=3)
        assert counts.sum() == users
        assert (np.abs(counts - users * np.array([0.3, 0.3, 0.4])) <= 1).all()
    with pytest.raises(ValueError, match=r"^none of 4 users would be selfish; give more users"):
        members(mixture({"altruistic": 0.95, "selfish": 0.05}), 4)


def test_games_to_come_do_not_count(loose: Societies) -> None:
    rows = loose.count * len(loose.norm)
    seen = loose.evidence(2, rows)
    assert (seen.offer_seen.sum(axis=1) == 2).all()
    assert (seen.answer_seen.sum(axis=1) == 2).all()
    first = type(seen)(*(column[:, :4] for column in seen))
    alone = infer(loose.mixtures.components, first)
    np.testing.assert_allclose(infer(loose.mixtures.components, seen).log_prob, alone.log_prob, atol=1e-4)


def test_nothing_is_known_before_the_first_game_and_more_after_each(loose: Societies) -> None:
    np.testing.assert_allclose(loose.groups_after(0).assignment, 1 / 3, atol=1e-6)
    np.testing.assert_allclose(loose.pooled_after(0).probabilities, 1 / 3, atol=1e-6)
    sure = [np.take(loose.groups_after(games).assignment, 0, axis=0)[range(8), loose.norm].mean() for games in (0, 4)]
    assert sure[1] > sure[0] + 0.1


def test_a_society_does_not_depend_on_the_other_societies(loose: Societies) -> None:
    fewer = societies(USERS, "loosely", 2, 8, 4, seed=1)
    for one, other in zip(fewer.seen, loose.seen, strict=True):
        np.testing.assert_array_equal(one, other[:2])
    assert not np.array_equal(societies(USERS, "loosely", 2, 8, 4, seed=2).seen.offer, fewer.seen.offer)
