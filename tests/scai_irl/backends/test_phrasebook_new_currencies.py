"""In new currencies the phrasebook follows the exact rule, compared with a mixture of tables computed here."""

from __future__ import annotations

import json

import jax.numpy as jnp
import numpy as np
import pytest

from envs import Norm, Policy
from envs.contexts import CURRENCIES, PSYCHOLOGICAL_DISTANCE
from inference.structured.transfer import lengths
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.backends.phrasebook.new_currencies import policy_in_new_currency, transfer_probability
from scai_irl.language.phrases import say_policy
from scai_irl.language.transfer_requests import TransferPrompt, read_transfer, transfer_request
from tests.scai_irl.chi_square import p_value

STAKE = 10
SELFISH = Policy.of(Norm("selfish", (), 20.0, 0.1))
ALTRUISTIC = Policy.of(Norm("altruistic", (), 20.0, 0.1))
PRIOR = Policy(((0.2, SELFISH.parts[0][1]), (0.8, ALTRUISTIC.parts[0][1])))


def prompt(currency: str, **more: bool) -> TransferPrompt:
    return TransferPrompt(say_policy(SELFISH), "dollars", currency, STAKE, say_policy(PRIOR), **more)


def offers(policy: Policy) -> np.ndarray:
    return np.exp(np.asarray(policy.table(jnp.asarray([STAKE])).offer[0, : STAKE + 1], np.float64))


@pytest.mark.parametrize("currency", ["dollars", "apples", "organs"])
def test_offers_are_drawn_from_the_mixture_of_home_and_prior(currency: str) -> None:
    requests = [transfer_request(prompt(currency), seed) for seed in range(3_000)]
    units = [read_transfer(answer, prompt(currency)) for answer in Phrasebook().complete(requests)]
    carry = float(np.mean(np.exp(-PSYCHOLOGICAL_DISTANCE[currency] / lengths())))
    expected = carry * offers(SELFISH) + (1 - carry) * (0.2 * offers(SELFISH) + 0.8 * offers(ALTRUISTIC))
    assert p_value(np.bincount(units, minlength=STAKE + 1), expected) > 1e-4


def test_a_caution_and_a_reason_change_nothing() -> None:
    for seed in range(50):
        plain, *others = (
            read_transfer(Phrasebook().complete([transfer_request(one, seed)])[0], one)
            for one in (prompt("organs"), prompt("organs", warned=True), prompt("organs", reasoned=True, warned=True))
        )
        assert others == [plain, plain]
    reasoned = Phrasebook().complete([transfer_request(prompt("organs", reasoned=True), 1)])[0]
    assert json.loads(reasoned.text)["reason"] == "What holds for dollars holds here with chance 0.10."


def test_without_a_usual_policy_it_has_its_own_prior() -> None:
    data = {"policy": say_policy(SELFISH), "learned in": "dollars", "currency": "organs"}
    parts = policy_in_new_currency(data).parts
    carry = transfer_probability("dollars", "organs")
    assert parts[0] == (carry, SELFISH.parts[0][1])
    assert [norm.utility for _, norm in parts[1:]] == ["selfish", "fair", "altruistic"]
    np.testing.assert_allclose([weight for weight, _ in parts[1:]], (1 - carry) / 3)


def test_at_home_nothing_is_added() -> None:
    data = {"policy": say_policy(PRIOR), "learned in": "organs", "currency": "organs"}
    assert policy_in_new_currency(data) == PRIOR


def test_every_currency_has_a_place_and_others_are_refused() -> None:
    assert all(0 < transfer_probability("dollars", currency) <= 1 for currency in CURRENCIES)
    with pytest.raises(ValueError, match="does not know how far 'shells' is"):
        transfer_probability("dollars", "shells")
