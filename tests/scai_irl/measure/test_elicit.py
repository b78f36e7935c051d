"""Three channels: each gives the exact posterior of the phrasebook, and orders cancel a model's bias for letters."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs import Norm, Policy
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.backends.phrasebook.norm_beliefs import posterior_over
from scai_irl.io.errors import InputError
from scai_irl.language.asking import Style
from scai_irl.language.fence import unfence
from scai_irl.language.games import Candidates, Game
from scai_irl.language.phrases import say_policy
from scai_irl.lm.ask import ask
from scai_irl.lm.protocol import Backend, Completion, Feature, OnDone, Request
from scai_irl.lm.rounds import in_rounds
from scai_irl.lm.tally import Tally
from scai_irl.measure.divergences import (
    brier_score,
    calibration_error,
    hellinger,
    jensen_shannon,
    kullback_leibler,
    log_score,
)
from scai_irl.measure.elicit import CHANNELS, Elicitation, Item, elicit, orders_of
from scai_irl.measure.grounding import MISSING, Probes, act_on_policies, behaviour, log_likelihood
from scai_irl.measure.mixing import mixing_weights
from tests.scai_irl.backends.backends_for_tests import Recording, Scripted

NORMS = tuple(Policy.of(Norm(name, (), 8.0, 0.2)) for name in ("selfish", "fair", "altruistic"))
CANDIDATES = Candidates(("A", "B", "C"), NORMS, (0.3, 0.3, 0.4))
GAMES = (
    Game("dollars", 10, "user", "user", 5, True),
    Game("apples", 40, "user", "assistant", 15, True),
    Game("dollars", 10, "assistant", "user", 5, True),
)
ITEM = Item("open", CANDIDATES, GAMES)
EXACT = posterior_over(CANDIDATES, GAMES)


def mean(beliefs: pd.DataFrame, channel: str) -> np.ndarray:
    return np.asarray(beliefs[beliefs["channel"] == channel].groupby("norm")["probability"].mean())


def test_the_item_is_a_hard_one() -> None:
    assert EXACT.max() < 0.9
    assert EXACT.min() > 0.02


def test_the_phrasebook_believes_the_exact_posterior_by_every_channel() -> None:
    how = Elicitation(draws=600, probes=Probes(repeats=4))
    elicited = elicit(Phrasebook(), [ITEM], how).beliefs
    for channel in ("stated", "token"):
        assert mean(elicited, channel) == pytest.approx(EXACT, abs=1e-6)
        spread = elicited[elicited["channel"] == channel].groupby("norm")["probability"].std()
        assert (spread < 1e-9).all()  # neither wording nor order makes a difference
    # A share of 600 texts has a standard error of at most .02, and similar norms are harder to distinguish.
    assert mean(elicited, "sampled") == pytest.approx(EXACT, abs=0.08)


def test_all_items_and_channels_are_asked_in_two_rounds() -> None:
    backend = Recording()
    backend.features = Phrasebook.features
    elicit(backend, [replace(ITEM, name=str(number)) for number in range(5)], Elicitation(draws=6))
    assert len(backend.batches) == 2
    seeds = [request.seed for batch in backend.batches for request in batch]
    assert len(set(seeds)) == len(seeds)


def test_every_norm_stands_at_every_place_once() -> None:
    for norms in (2, 3, 5):
        orders = orders_of(norms)
        assert all(sorted(order) == list(range(norms)) for order in orders)
        assert all(len({order[place] for order in orders}) == norms for place in range(norms))


@dataclass
class LikesTheLetterA(Backend):
    """A model that states and scores by letter alone, whatever its norm."""

    name: str = "likes A"
    features: frozenset[Feature] = field(default_factory=lambda: Phrasebook.features)

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        return [
            Completion("", label_log_probs=tuple(np.log([0.6, 0.3, 0.1])))
            if request.labels
            else Completion(json.dumps({"A": 0.6, "B": 0.3, "C": 0.1}))
            for request in requests
        ]


def test_a_preference_for_a_letter_evens_out_over_orders() -> None:
    elicited = elicit(LikesTheLetterA(), [ITEM], Elicitation(channels=("stated", "token"))).beliefs
    for channel in ("stated", "token"):
        assert mean(elicited, channel) == pytest.approx([1 / 3] * 3)
    first = elicited[(elicited["order"] == 0) & (elicited["channel"] == "token") & (elicited["wording"] == 1)]
    assert first.sort_values("norm")["probability"].tolist() == pytest.approx([0.6, 0.3, 0.1])
    second = elicited[(elicited["order"] == 1) & (elicited["channel"] == "token") & (elicited["wording"] == 1)]
    assert second.sort_values("norm")["probability"].tolist() == pytest.approx([0.1, 0.6, 0.3])


def test_answers_that_cannot_be_read_are_missing_and_counted() -> None:
    backend = Scripted(lambda _request, _batch: "no")
    elicited = elicit(backend, [ITEM], Elicitation(channels=("sampled", "stated"), draws=6))
    assert elicited.beliefs["probability"].isna().all()
    assert elicited.texts["text"].isna().all()
    assert elicited.tally.missing == 6 + 2 * 3


def test_a_backend_without_labels_has_no_token_channel() -> None:
    with pytest.raises(InputError, match="channels: scripted gives no log-probabilities of labels; leave out token"):
        elicit(Scripted(lambda _request, _batch: ""), [ITEM], Elicitation(channels=CHANNELS))


def test_wordings_are_those_that_were_asked_for() -> None:
    backend = Recording()
    backend.features = Phrasebook.features
    elicit(backend, [ITEM], Elicitation(channels=("stated",), wordings=(2, 5)))
    assert len({request.messages[0].content for request in backend.batches[0]}) == 2
    assert len({json.dumps(unfence(r.messages[1].content)["norms"]) for r in backend.batches[0]}) == 3


def test_acts_are_as_probable_as_policies_say() -> None:
    probes = Probes(repeats=3)
    texts = [say_policy(policy) for policy in NORMS]
    plan = act_on_policies([*texts, None], probes, lambda *path: hash(path) % 2**60, Style())
    (acts,) = in_rounds([plan], functools.partial(ask, Phrasebook(), costs=Tally()))
    assert (acts.units[3] == MISSING).all()
    assert (acts.answer[3] == MISSING).all()
    log_likelihoods = log_likelihood(acts, probes, NORMS)
    assert log_likelihoods[3].tolist() == [0, 0, 0]
    offers, accepts = behaviour(NORMS, probes)
    expected = sum(np.log(offers[1, s, acts.units[0, s, r]]) for s in range(3) for r in range(3)) + sum(
        np.log(accepts[1, o] if acts.answer[0, o, r] else 1 - accepts[1, o]) for o in range(4) for r in range(3)
    )
    assert log_likelihoods[0, 1] == pytest.approx(expected)
    with pytest.raises(ValueError, match="stakes: 101 is too large"):
        behaviour(NORMS, Probes(stakes=(101,)))


def test_shares_are_found_where_norms_act_alike_and_averages_would_not() -> None:
    rng = np.random.default_rng(0)
    chance = np.array([[0.6, 0.4], [0.4, 0.6]])  # of two acts, under two norms
    norm = (rng.random(4_000) < 0.2).astype(int)
    acts = (rng.random(4_000) < chance[norm, 1]).astype(int)
    likelihood = np.log(chance[:, acts].T)
    # A share of 4,000 acts has a standard error of .008. Norms differ by .2 in their acts, which multiplies it by five.
    assert mixing_weights(likelihood)[1] == pytest.approx(0.2, abs=0.08)
    averaged = (np.exp(likelihood) / np.exp(likelihood).sum(axis=1, keepdims=True)).mean(axis=0)
    assert averaged[1] > 0.4


def test_texts_that_nothing_explains_say_nothing() -> None:
    likelihood = np.array([[0.0, -np.inf], [0.0, -np.inf], [-np.inf, 0.0], [-np.inf, -np.inf]])
    assert mixing_weights(likelihood) == pytest.approx([2 / 3, 1 / 3], abs=1e-6)
    assert np.isnan(mixing_weights(np.zeros((0, 2)))).all()


beliefs = st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).filter(lambda values: sum(values) > 0.01)


@given(beliefs, beliefs)
def test_divergences_keep_their_laws(first: list[float], second: list[float]) -> None:
    p, q = (np.array(values) / sum(values) for values in (first, second))
    assert kullback_leibler(p, p) == pytest.approx(0, abs=1e-5)
    assert kullback_leibler(p, q) >= -1e-5
    assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p), abs=1e-9)
    assert -1e-9 <= jensen_shannon(p, q) <= np.log(2) + 1e-9
    assert 0 <= hellinger(p, q) <= 1
    tv = np.abs(p - q).sum() / 2
    assert hellinger(p, q) ** 2 <= tv + 1e-6
    assert tv <= np.sqrt(2) * hellinger(p, q) + 1e-6
    truth = np.eye(3)[[0]]
    assert 0 <= brier_score(p[None], truth)[0] <= 2
    assert log_score(p[None], truth)[0] <= 1e-9


def test_calibration_is_judged_by_what_comes_true() -> None:
    truth = np.eye(2)[(np.arange(1_000) % 10 >= 7).astype(int)]  # seven in ten
    assert calibration_error(np.tile([0.7, 0.3], (1_000, 1)), truth) == pytest.approx(0, abs=1e-9)
    assert calibration_error(np.tile([0.95, 0.05], (1_000, 1)), truth) == pytest.approx(0.25)
