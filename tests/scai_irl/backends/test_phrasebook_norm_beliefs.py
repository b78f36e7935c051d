"""The phrasebook's beliefs follow Bayes' rule, compared with exact inference in separate code."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from envs import Norm, Policy, mixture, simulate
from envs.contexts import MANNERS
from envs.ultimatum import offered_units
from inference import evidence, infer, named_norms
from inference.continuous.language import MANNER_OF
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.backends.phrasebook.norm_beliefs import OWN_NORMS, own_prior, posterior_over, updated
from scai_irl.language.asking import Style
from scai_irl.language.belief_requests import (
    believe_request,
    choice_request,
    choose_request,
    draw_request,
    learn_request,
    read_belief,
    read_stated,
    read_token_posterior,
    state_request,
)
from scai_irl.language.games import Candidates, Game, Role
from scai_irl.language.manners import say
from scai_irl.language.phrases import read_policy
from scai_irl.language.requests import read_translation
from tests.scai_irl.chi_square import p_value

NAMES = ("selfish", "fair", "altruistic")
RATIONALITY, LAPSE = 8.0, 0.2  # so that beliefs stay uncertain for a while
POLICIES = tuple(Policy.of(Norm(name, (), RATIONALITY, LAPSE)) for name in NAMES)
PRIOR = (0.6, 0.3, 0.1)
THREE = Candidates(("A", "B", "C"), POLICIES, PRIOR)
HYPOTHESES = named_norms(NAMES, (RATIONALITY,), (LAPSE,))


def seen(seed: int, plays: int = 6, truth: int = 1) -> tuple[list[Game], np.ndarray]:
    """Games of users among themselves and with assistants, and the exact posterior after them."""
    stakes = [10, 23, 100, 7, 50, 31][:plays]
    plays_of_users = simulate(jax.random.key(seed), POLICIES[truth], stakes=stakes)
    stake, offer, accepted = (np.asarray(values).reshape(-1) for values in plays_of_users[:3])
    proposing = np.arange(plays) % 3 != 0
    responding = np.arange(plays) % 3 != 1
    units = np.asarray(offered_units(jnp.asarray(offer), jnp.asarray(stake)))
    who: tuple[Role, Role] = ("assistant", "user")
    games = [
        Game("dollars", int(s), who[int(p)], who[int(r)], int(u), bool(a))
        for s, p, r, u, a in zip(stake, proposing, responding, units, accepted, strict=True)
    ]
    data = evidence(stake[None], offer[None], accepted[None], proposing[None], responding[None])
    prior = np.array(PRIOR)
    return games, infer(HYPOTHESES, data, prior).probabilities[0]


@pytest.mark.parametrize("seed", range(8))
def test_its_belief_is_the_exact_posterior(seed: int) -> None:
    games, exact = seen(seed, truth=seed % 3)
    assert_allclose(posterior_over(THREE, games), exact, atol=1e-5)
    stated, scored = Phrasebook().complete([state_request(THREE, games, 1), choose_request(THREE, games, 1)])
    assert_allclose(read_stated(stated, THREE.labels), exact, atol=1e-5)
    assert_allclose(read_token_posterior(scored, THREE.labels), exact, atol=1e-5)


def test_the_order_of_norms_and_games_makes_no_difference() -> None:
    games, exact = seen(3)
    assert_allclose(posterior_over(THREE.in_order([2, 0, 1]), games), exact[[2, 0, 1]], atol=1e-5)
    assert_allclose(posterior_over(THREE, games[::-1]), exact, atol=1e-5)


def test_what_assistants_do_and_answers_that_were_not_seen_say_nothing() -> None:
    games = [Game("dollars", 10, "assistant", "assistant", 9, True), Game("dollars", 10, "assistant", "user", 9)]
    assert_allclose(posterior_over(THREE, games), PRIOR, atol=1e-12)


@pytest.mark.parametrize("reliability", [0.0, 0.4, 0.9])
@pytest.mark.parametrize("manner", MANNERS)
def test_manners_count_as_much_as_they_are_reliable(manner: str, reliability: float) -> None:
    heard = Candidates(THREE.labels, POLICIES, PRIOR, reliability)
    games, exact = seen(5)
    spoken = [
        Game(g.currency, g.stake, g.proposer, g.responder, g.offered, g.accepted, say(manner, 1), "") for g in games
    ]
    by_users = sum(game.proposer == "user" for game in games)
    fits = np.array([MANNER_OF[name] == manner for name in NAMES])
    weight = exact * (reliability * fits + (1 - reliability) / 3) ** by_users
    assert_allclose(posterior_over(heard, spoken), weight / weight.sum(), atol=1e-5)
    assert_allclose(posterior_over(THREE, spoken), exact, atol=1e-5)  # without a reliability it ignores talk


def test_users_who_differ_are_each_one_of_the_norms() -> None:
    mixed = mixture({"selfish": 0.5, "altruistic": 0.5}).policy(RATIONALITY, LAPSE)
    among = Candidates(("A", "B"), (mixed, POLICIES[1]), (0.5, 0.5))
    games = [Game("dollars", 10, "user", "assistant", offered) for offered in (0, 10, 0, 10)]
    assert posterior_over(among, games)[0] > 0.95


def test_games_that_no_norm_allows_leave_the_prior() -> None:
    certain = tuple(Policy.of(Norm(name, (), 1e6, 0.0)) for name in NAMES)
    games = [Game("dollars", 10, "user", "assistant", 3)]
    assert_allclose(posterior_over(Candidates(THREE.labels, certain, PRIOR), games), PRIOR)


def p_value_of_samples(requests: list[object], exact: np.ndarray) -> float:
    texts = [read_translation(completion) for completion in Phrasebook().complete(requests)]  # type: ignore[arg-type]
    norms = [read_policy(text).parts[0][1].utility for text in texts]
    counts = np.array([norms.count(name) for name in NAMES])
    return p_value(counts, exact)


def test_policies_that_it_learns_are_draws_from_its_belief() -> None:
    games, exact = seen(1, plays=3)
    requests: list[object] = [learn_request(games, seed, candidates=THREE) for seed in range(2_000)]
    assert p_value_of_samples(requests, exact) > 1e-4
    labels = [c.text for c in Phrasebook().complete([choice_request(THREE, games, seed) for seed in range(2_000)])]
    assert p_value(np.array([labels.count(label) for label in THREE.labels]), exact) > 1e-4


def test_a_belief_in_words_is_brought_up_to_date_and_drawn_from() -> None:
    games, exact = seen(1, plays=3)
    belief = ""
    for part in ([], games[:1], games[1:]):
        request = believe_request(part, 1, previous=belief, candidates=THREE)
        belief = read_belief(Phrasebook().complete([request])[0])
    weights = np.array([weight for weight, _ in read_policy(belief).parts])
    assert_allclose(weights / weights.sum(), exact, atol=1e-5)
    assert p_value_of_samples([draw_request(belief, seed) for seed in range(2_000)], exact) > 1e-4


def test_without_norms_it_has_three_of_its_own() -> None:
    assert [norm.utility for _, norm in own_prior().parts] == list(NAMES)
    fair = [Game("apples", 20, "user", "user", 10, True)]
    assert updated(own_prior(), fair).parts[1][0] == pytest.approx(1, abs=1e-3)
    text = read_translation(Phrasebook().complete([learn_request(fair, 1, Style())])[0])
    assert read_policy(text) == Policy.of(OWN_NORMS[1])
    request = learn_request([], 1, previous="Be nice.")
    assert read_translation(Phrasebook().complete([request])[0]) == "Be nice."
