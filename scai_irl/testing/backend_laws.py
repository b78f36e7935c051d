"""Laws of backends; the tests of a backend are a subclass that makes one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from envs import Norm, Policy
from scai_irl.backends.registry import make_backend
from scai_irl.language.asking import Style
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import answer_request, offer_request, read_answer, read_offer, translation_request
from scai_irl.lm.protocol import Backend, Completion, Request, Sampling, Structure
from scai_irl.testing.json_schema import violations

UNDECIDED = Policy(((0.5, Norm("selfish", (), 20.0)), (0.5, Norm("altruistic", (), 20.0))))
VERBAL = say_policy(UNDECIDED)  # sentences that any backend can follow
STYLE = Style(max_tokens=2_000)  # enough for a model that never stops


def requests() -> list[Request]:
    """Give requests of three kinds."""
    translations = [translation_request(UNDECIDED, seed, STYLE) for seed in range(3)]
    offers = [
        offer_request(VERBAL, "dollars", stake, seed, STYLE) for seed, stake in enumerate((1, 10, 100, 5000), start=3)
    ]
    answers = [
        answer_request(VERBAL, "apples", 20, offer, seed, STYLE) for seed, offer in enumerate((0, 10, 20), start=7)
    ]
    return [*translations, *offers, *answers]


def draws() -> tuple[list[Request], list[Request]]:
    """Give requests for offers, and requests for answers, that differ only in their seeds."""
    offers = [offer_request(VERBAL, "dollars", 100, seed, STYLE) for seed in range(64)]
    return offers, [answer_request(VERBAL, "dollars", 100, 100, seed, STYLE) for seed in range(64)]


def little_and_much() -> list[Request]:
    """Give a short request and a long one."""
    policies = Policy.of(Norm("fair")), Policy(UNDECIDED.parts * 4)
    return [translation_request(policy, 1, STYLE) for policy in policies]


def every_request() -> list[Request]:
    """Give all requests of `BackendContract`."""
    offers, answers = draws()
    return [*requests(), *offers, *answers, *little_and_much()]


def texts(completions: Sequence[Completion]) -> list[str]:
    """Take the texts."""
    return [completion.text for completion in completions]


def has_the_form(request: Request, completion: Completion) -> bool:
    """Check an answer by the schema of its request."""
    return violations(json.loads(completion.text, strict=False), request.structure.value) == []


class BackendContract:
    """Laws of one backend.

    Attributes:
        name: Name in `scai_irl.backends.registry.BACKENDS`.
    """

    name: ClassVar[str]

    def make(self) -> Backend:
        """Make a backend; every backend made gives the same answers. Override this if settings are needed."""
        return make_backend(self.name)

    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        """Make a backend and close it after the test."""
        opened = self.make()
        yield opened
        opened.close()

    def test_it_has_the_name_it_is_registered_under_and_says_which_model_answers(self, backend: Backend) -> None:
        assert backend.name == self.name
        assert backend.model

    def test_every_request_is_answered_in_the_order_of_asking(self, backend: Backend) -> None:
        batch = requests()
        forwards = backend.complete(batch)
        backwards = backend.complete(batch[::-1])
        assert len(forwards) == len(batch)
        assert texts(forwards) == texts(backwards)[::-1]
        for request, completion in zip(batch, forwards, strict=True):
            assert has_the_form(request, completion)  # an answer to another kind of request would not have it

    def test_every_answer_is_reported_once(self, backend: Backend) -> None:
        reported: dict[int, Completion] = {}
        count = 0

        def done(index: int, completion: Completion) -> None:
            nonlocal count
            count += 1
            reported[index] = completion

        answers = backend.complete(requests(), done)
        assert count == len(answers)
        assert [reported[index] for index in range(count)] == answers

    def test_a_batch_is_answered_as_its_requests_one_by_one(self, backend: Backend) -> None:
        assert texts(backend.complete(requests())) == [backend.complete([one])[0].text for one in requests()]

    def test_nothing_asked_is_nothing_answered(self, backend: Backend) -> None:
        assert backend.complete([]) == []

    def test_the_same_requests_get_the_same_answers(self, backend: Backend) -> None:
        first = backend.complete(requests())
        assert texts(backend.complete(requests())) == texts(first)
        another = self.make()
        assert texts(another.complete(requests())) == texts(first)
        another.close()

    def test_different_seeds_give_different_draws(self, backend: Backend) -> None:
        # If giving all and nothing are equally probable, 64 equal draws have a probability below 1e-18.
        offers, answers = draws()
        assert len({read_offer(completion, 100) for completion in backend.complete(offers)}) > 1
        assert {read_answer(completion) for completion in backend.complete(answers)} == {True, False}

    def test_usage_is_counted_on_every_call(self, backend: Backend) -> None:
        for completion in backend.complete(requests()):
            assert completion.usage.prompt > 0
            assert completion.usage.completion > 0
        asked_little, asked_much = backend.complete(little_and_much())
        assert asked_much.usage.prompt > asked_little.usage.prompt

    def test_structured_answers_have_the_form_that_was_asked_for(self, backend: Backend) -> None:
        for request, completion in zip(requests(), backend.complete(requests()), strict=True):
            assert request.structure.kind == "json"
            assert completion.finish_reason == "stop"
            assert has_the_form(request, completion)

    def test_it_can_be_closed_twice(self) -> None:
        opened = self.make()
        opened.close()
        opened.close()


class ModelContract(BackendContract):
    """Further laws for backends with a language model."""

    def test_a_choice_is_one_of_the_choices(self, backend: Backend) -> None:
        batch = [structured(seed, Structure("choice", ("selfish", "fair"))) for seed in range(16)]
        assert {completion.text for completion in backend.complete(batch)} <= {"selfish", "fair"}

    def test_a_pattern_is_kept_to(self, backend: Backend) -> None:
        answers = backend.complete([structured(seed, Structure("regex", "[0-9]{3}")) for seed in range(4)])
        assert all(len(answer.text) == 3 and answer.text.isdigit() for answer in answers)

    def test_free_text_ends_with_its_tokens(self, backend: Backend) -> None:
        request = replace(structured(1, Structure()), sampling=Sampling(temperature=1.0, max_tokens=5))
        (answer,) = backend.complete([request])
        assert answer.usage.completion <= 5
        assert answer.finish_reason in {"stop", "length"}

    def test_log_probabilities_come_with_every_token_that_was_written(self, backend: Backend) -> None:
        request = replace(
            structured(1, Structure("choice", ("selfish", "fair"))), sampling=Sampling(max_tokens=20, log_probs=0)
        )
        (answer,) = backend.complete([request])
        assert len(answer.tokens) == len(answer.log_probs) > 0
        assert all(value <= 0 for value in answer.log_probs)
        assert "".join(answer.tokens).startswith(answer.text)

    def test_labels_are_scored_whole_and_in_order(self, backend: Backend) -> None:
        labels = ("selfish", "fair", "altruistic", "fair, but rather selfish")
        forwards, backwards = backend.complete(
            [replace(structured(1, Structure()), labels=order) for order in (labels, labels[::-1])]
        )
        assert forwards.label_log_probs == pytest.approx(backwards.label_log_probs[::-1], abs=1e-3)
        assert all(math.isfinite(value) and value < 0 for value in forwards.label_log_probs)
        # The beginning of a label is more probable than the label.
        assert forwards.label_log_probs[1] > forwards.label_log_probs[3]
        assert sum(math.exp(value) for value in forwards.label_log_probs[:3]) <= 1
        assert forwards.usage.prompt > 0


def structured(seed: int, structure: Structure) -> Request:
    """Make a request for an answer of the given structure."""
    request = offer_request(VERBAL, "dollars", 10, seed, STYLE)
    return replace(request, structure=structure)
