"""Users that a language model plays follow their norms, and unreadable answers count as unknown."""

from __future__ import annotations

import jax
import numpy as np

from envs import Norm, Policy
from envs.society import meet
from scai_irl.agents.users import ModelMeeting, UserInteraction, play_users
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.language.asking import Style
from scai_irl.lm.protocol import Request
from scai_irl.lm.tally import Tally
from tests.scai_irl.backends.backends_for_tests import Scripted

NORMS = [Policy.of(Norm(name)) for name in ("selfish", "fair", "altruistic")]
HOLDS = np.array([[0, 1, 2, 2], [1, 1, 0, 0]])
STAKES = np.array([[20, 40], [60, 80]])


def test_users_of_a_model_act_as_simulated_users_where_norms_leave_no_choice() -> None:
    key = jax.random.key(5)
    simulated = meet(key, NORMS, HOLDS, STAKES)
    played = ModelMeeting(Phrasebook(), "dollars", 1, Tally(), Style())(key, NORMS, HOLDS, STAKES)
    for name in ("stake", "accepted", "proposed", "known"):
        np.testing.assert_array_equal(getattr(played, name), getattr(simulated, name))
    # Of a large stake a selfish user offers one unit or two.
    assert np.abs(played.offer - simulated.offer).max() <= 0.05 * STAKES.max()
    assert played.known.all()


def test_both_sides_are_asked_in_two_batches_by_seeds_of_their_own() -> None:
    games = [UserInteraction(NORMS[0], NORMS[2], "dollars", 10, seed) for seed in range(3)]
    answers = {True: '{"offer": 4}', False: '{"accept": true}'}
    backend = Scripted(lambda request, _: answers["'offer'" in str(request.structure)])
    tally = Tally()
    done = play_users(backend, games, tally, Style())
    assert [len(batch) for batch in backend.batches] == [3, 3]
    assert len({request.seed for batch in backend.batches for request in batch}) == 6
    assert done.units.tolist() == [4, 4, 4]
    assert done.accepted.all()
    assert tally.calls == 6


def test_what_cannot_be_read_is_not_known_and_an_offer_that_is_not_known_is_not_answered() -> None:
    def answer(request: Request, _: int) -> str:
        if "Give the other" in request.messages[-1].content:
            return "I would rather not say."
        return Phrasebook().complete([request])[0].text

    backend = Scripted(answer)
    meeting = ModelMeeting(backend, "dollars", 1, Tally(), Style())
    seen = meeting(jax.random.key(0), [NORMS[0], NORMS[2]], np.array([[0, 1]]), np.array([[10]]))
    # One of the two cannot be read. Her offer, the answer to it, and her answer to the other's offer are unknown.
    assert seen.known.tolist() == [[[True, False], [False, False]]]
