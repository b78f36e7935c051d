"""What every backend keeps to; one that is added to the registry is tested here without another word."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from envs import Norm, Policy
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import (
    answer_request,
    offer_request,
    read_answer,
    read_offer,
    read_translation,
    translation_request,
)
from scai_irl.lm.protocol import Completion, Request
from scai_irl.lm.registry import BACKENDS, make_backend
from tests.scai_irl.json_schema import violations

UNDECIDED = Policy(((0.5, Norm("selfish", (), 20.0)), (0.5, Norm("altruistic", (), 20.0))))
VERBAL = say_policy(UNDECIDED)  # sentences that any backend can follow

backends = pytest.mark.parametrize("name", sorted(BACKENDS))


def requests() -> list[Request]:
    translations = [translation_request(UNDECIDED, seed) for seed in range(3)]
    offers = [offer_request(VERBAL, "dollars", stake, seed) for seed, stake in enumerate((1, 10, 100, 5000), start=3)]
    answers = [answer_request(VERBAL, "apples", 20, offer, seed) for seed, offer in enumerate((0, 10, 20), start=7)]
    return [*translations, *offers, *answers]


def read(request: Request, completion: Completion) -> object:
    schema = request.structure.value
    assert isinstance(schema, dict)
    if "offer" in schema["properties"]:
        return read_offer(completion, schema["properties"]["offer"]["maximum"])
    return read_answer(completion) if "accept" in schema["properties"] else read_translation(completion)


def texts(completions: Sequence[Completion]) -> list[str]:
    return [completion.text for completion in completions]


@backends
def test_it_has_the_name_it_is_registered_under(name: str) -> None:
    assert make_backend(name).name == name


@backends
def test_every_request_is_answered_in_the_order_of_asking(name: str) -> None:
    asked = requests()
    forwards = make_backend(name).complete(asked)
    backwards = make_backend(name).complete(asked[::-1])
    assert len(forwards) == len(asked)
    assert texts(forwards) == texts(backwards)[::-1]
    for request, completion in zip(asked, forwards, strict=True):
        read(request, completion)  # an answer to another kind of request could not be read


@backends
def test_a_batch_is_answered_as_its_requests_one_by_one(name: str) -> None:
    backend = make_backend(name)
    assert texts(backend.complete(requests())) == [backend.complete([one])[0].text for one in requests()]


@backends
def test_nothing_asked_is_nothing_answered(name: str) -> None:
    assert make_backend(name).complete([]) == []


@backends
def test_the_same_requests_get_the_same_answers(name: str) -> None:
    backend = make_backend(name)
    first = backend.complete(requests())
    assert backend.complete(requests()) == first
    assert make_backend(name).complete(requests()) == first


@backends
def test_different_seeds_give_different_draws(name: str) -> None:
    backend = make_backend(name)
    # Under even chances of giving all and nothing, 64 equal draws have a chance below 1e-18.
    offers = backend.complete([offer_request(VERBAL, "dollars", 100, seed) for seed in range(64)])
    assert len({read_offer(completion, 100) for completion in offers}) > 1
    answers = backend.complete([answer_request(VERBAL, "dollars", 100, 100, seed) for seed in range(64)])
    assert {read_answer(completion) for completion in answers} == {True, False}


@backends
def test_usage_is_counted_on_every_call(name: str) -> None:
    backend = make_backend(name)
    for completion in backend.complete(requests()):
        assert completion.usage.prompt > 0
        assert completion.usage.completion > 0
    short = translation_request(Policy.of(Norm("fair")), 1)
    long = translation_request(Policy(UNDECIDED.parts * 8), 1)
    asked_little, asked_much = backend.complete([short, long])
    assert asked_much.usage.prompt > asked_little.usage.prompt


@backends
def test_structured_answers_have_the_form_that_was_asked_for(name: str) -> None:
    for request, completion in zip(requests(), make_backend(name).complete(requests()), strict=True):
        assert request.structure.kind == "json"
        assert completion.finish_reason == "stop"
        assert violations(json.loads(completion.text), request.structure.value) == []


def test_an_unknown_backend_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown backend 'oracle of Delphi'; there are .*phrasebook"):
        make_backend("oracle of Delphi")
