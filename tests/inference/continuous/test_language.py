"""Language as evidence: Bayes' rule by hand, and how trust in talk slows learning from rude altruists."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import MANNERS, one_group, simulate
from inference import Evidence, NamedNorm, Parameter, SampledPosterior, SpokenNorm, evidence, infer, spoken
from inference.continuous.language import MANNER_OF, RELIABILITY
from inference.samplers.grid import Grid

pytestmark = pytest.mark.slow

ALTRUISTIC = 2
NOISY = {"width": 0.1, "lapse": 0.3}  # so noisy that a message weighs as much as an offer

CLEAR = {"width": 0.05, "lapse": 0.15}


@functools.cache
def altruists(plays: int, width: float = NOISY["width"], lapse: float = NOISY["lapse"]) -> Evidence:
    policy = one_group("altruistic").policy(rationality=1 / width, lapse=lapse)
    return evidence(*(np.asarray(c) for c in simulate(jax.random.key(4), policy, np.full(plays, 10))))


def believed(
    plays: int, manner: str, reliability: float, sure: float = 4.0, noise: dict[str, float] = NOISY
) -> SampledPosterior:
    """Posterior for trust in talk around a value; the prior of r is narrow for a large `sure`."""
    location = float(jax.scipy.special.ndtri(reliability))
    prior = RELIABILITY._replace(location=location, scale=1 / sure)
    family = SpokenNorm().fix(**noise).with_priors(prior)
    return infer(family, spoken(altruists(plays, **noise), [manner] * plays), method=Grid())


def test_manners_weigh_as_bayes_rule_says() -> None:
    """One message, r known: prior odds of 1 become odds of r + (1 − r)/3 against (1 − r)/3."""
    r = 0.7
    family = SpokenNorm().fix(**NOISY)
    unseen = evidence([10], [5], True, offer_seen=False, answer_seen=False)
    data = spoken(unseen, ["rude"])
    seen = jax.tree.map(lambda leaf: np.asarray(leaf)[0], family.arrange(data))
    logits = []
    for norm in range(3):
        theta = family.theta(jnp.zeros(1), norm) | {"reliability": jnp.asarray(r)}
        logits.append(float(family.log_likelihood(theta, family.summarise(seen))))
    expected = np.log([r + (1 - r) / 3, (1 - r) / 3, (1 - r) / 3])
    np.testing.assert_allclose(logits, expected, rtol=1e-5)
    assert MANNER_OF["selfish"] == "rude"
    assert set(MANNER_OF.values()) == set(MANNERS)


def test_messages_that_were_not_seen_say_nothing() -> None:
    family = SpokenNorm().fix(**NOISY, reliability=0.5)
    silent = infer(NamedNorm().fix(width=0.1), altruists(6), method=Grid())
    talk = SpokenNorm().fix(width=0.1, reliability=0.5)
    posterior = infer(talk, spoken(altruists(6), [""] * 6), method=Grid())
    np.testing.assert_allclose(posterior.mode_probabilities, silent.mode_probabilities, atol=1e-4)
    assert family.dimension == 0


@pytest.mark.parametrize("manner", ["rude", "sycophantic"])
def test_the_prior_of_reliability_decides_how_far_manners_count(manner: str) -> None:
    """The more talk is trusted, the more slowly rude altruists are learned, and the faster sycophantic ones."""
    chance = np.array([believed(1, manner, trust).mode_probabilities[0, ALTRUISTIC] for trust in (0.02, 0.5, 0.9)])
    log_odds = np.log(chance / (1 - chance))
    direction = -1 if manner == "rude" else 1
    assert (direction * np.diff(log_odds) > 0.5).all(), log_odds


def test_enough_offers_outweigh_rudeness_and_unmask_it() -> None:
    """Users make clear offers and rude remarks. Talk is trusted at first, and then found to be uninformative."""
    early, late = (believed(plays, "rude", 0.9, sure=1.0, noise=CLEAR) for plays in (1, 40))
    assert late.mode_probabilities[0, ALTRUISTIC] > 0.99
    assert early.mode_probabilities[0, ALTRUISTIC] < late.mode_probabilities[0, ALTRUISTIC] - 0.1
    assert late.mean("reliability")[0] < early.mean("reliability")[0] - 0.1


def test_language_in_sequence_is_language_at_once() -> None:
    data = spoken(altruists(12), ["rude"] * 12)
    first = data._replace(plays=Evidence(*(c[:, :5] for c in data.plays)), manner=data.manner[:, :5])
    second = data._replace(plays=Evidence(*(c[:, 5:] for c in data.plays)), manner=data.manner[:, 5:])
    family = SpokenNorm().fix(**NOISY)
    later = infer(family, second, prior=infer(family, first))
    np.testing.assert_allclose(later.mode_probabilities, infer(family, data).mode_probabilities, atol=1e-6)


def test_bad_manners_are_reported() -> None:
    plays = altruists(3)
    with pytest.raises(ValueError, match=r"^manner: unknown 'surly'; there are neutral, rude, sycophantic"):
        spoken(plays, ["rude", "surly", ""])
    with pytest.raises(ValueError, match=r"^manner: 3 is outside -1\.\.2"):
        spoken(plays, [0, 3, -1])
    assert isinstance(RELIABILITY, Parameter)
