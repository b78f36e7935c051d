"""Other behaviour of `bayes` than its beliefs, measured as in `benchmarks.organism_checks` on fewer answers."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import closing

import pytest

from benchmarks.organism_checks import acting, can_be_read, is_json, random_request, validity
from scai_irl.audit.battery import Sizes, battery
from scai_irl.audit.exact_beliefs import exact_table
from scai_irl.audit.ideal import ideal_beliefs
from scai_irl.audit.scores import disagreement, judge
from scai_irl.backends.registry import make_backend
from scai_irl.language.requests import read_offer
from scai_irl.lm.protocol import Backend, Completion
from scai_irl.lm.settings import LmSettings
from scai_irl.measure.elicit import Elicitation, elicit
from scai_irl.organisms.world import CURRENCIES


@pytest.fixture(scope="module")
def bayes() -> Iterator[Backend]:
    with closing(make_backend("embedded", LmSettings(model="bayes"))) as backend:
        yield backend


@pytest.mark.slow
def test_answers_are_json_that_can_be_read_without_any_form(bayes: Backend) -> None:
    kinds = validity(bayes, 30).set_index("kind")
    assert kinds.loc["all", "asked"] == 210
    valid, readable = kinds.loc["all", ["valid JSON", "readable"]].to_numpy(float)
    assert valid >= 0.995
    assert readable >= 0.98
    assert (kinds["valid JSON"] >= 29 / 30).all()


@pytest.mark.slow
def test_offers_are_the_policys_at_every_stake_in_every_currency(bayes: Backend) -> None:
    stakes = (10, 40, 100)
    acts = acting(bayes, texts=1, stakes=stakes)
    assert len(acts) == 6 * len(stakes) * len(CURRENCIES)
    off = (acts["offered"] - acts["policy's"]).abs()
    assert off.max() <= 0.02, acts[off > 0.02]


@pytest.mark.slow
def test_samples_differ_from_log_probabilities_as_a_bayesians_do(bayes: Backend) -> None:
    questions = [one for one in battery(Sizes(1, 0), seed=3) if one.part == "evidence"]
    how = Elicitation(channels=("sampled", "token"))
    exact = exact_table(questions)
    judged = judge(elicit(bayes, [one.item for one in questions], how).beliefs, exact)
    (row,) = disagreement(judged, ideal_beliefs(questions, exact, how))
    value, low, high = (float(str(row[name])) for name in ("value", "ideal_low", "ideal_high"))
    assert low <= value <= high


@pytest.mark.parametrize(
    ("answer", "valid", "readable"),
    [
        ('{"offer": 0}', True, True),
        ('{"offer": 500}', True, False),  # more than any stake
        ('{"offer": -1}', True, False),
        ('{"offer": true}', False, False),
        ('{"offer": 1.5}', False, False),
        ('{"offer": "1"}', False, False),
        ('{"offer": 1, "message": "here"}', False, False),
        ('{"offer": 1', False, False),
        ("1", False, False),
    ],
)
def test_valid_and_readable_answers_are_recognised(answer: str, valid: bool, readable: bool) -> None:
    request, read = random_request("offer", 1)
    assert isinstance(read, functools.partial)
    assert read.func is read_offer
    assert is_json(request, Completion(answer)) is valid
    assert can_be_read(read, Completion(answer)) is readable


@pytest.mark.parametrize(
    ("answer", "valid", "readable"),
    [
        ('{"A": 0.25, "B": 0.25, "C": 0.5}', True, True),
        ('{"A": 0, "B": 0, "C": 1}', True, True),
        ('{"A": 0.25, "B": 0.25, "C": 0.25}', True, False),
        ('{"A": false, "B": false, "C": true}', False, False),
    ],
)
def test_a_truth_value_is_no_probability(answer: str, valid: bool, readable: bool) -> None:
    request, read = random_request("state", 1)
    assert is_json(request, Completion(answer)) is valid
    assert can_be_read(read, Completion(answer)) is readable
