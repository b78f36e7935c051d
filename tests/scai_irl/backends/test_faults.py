"""Servers that misbehave: no answer is lost, no answered request is repeated, and the error is clear."""

from __future__ import annotations

import functools
import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.backends.vllm.server import VllmServer
from scai_irl.io.errors import InputError
from scai_irl.language.requests import offer_request, read_offer
from scai_irl.lm.ask import ASKED_AGAIN, Question, ask
from scai_irl.lm.cache import CALLS, CallStore
from scai_irl.lm.protocol import Completion, Request
from scai_irl.lm.replay import Recorded
from scai_irl.lm.settings import LmSettings
from scai_irl.lm.tally import Tally
from scai_irl.testing.backend_laws import VERBAL, every_request, structured, texts
from tests.scai_irl.backends.fake_server import MODEL, Body, FakeServer, Fault, FaultOf, fake_server

REQUESTS = [offer_request(VERBAL, "dollars", 10 + seed, seed) for seed in range(40)]
EXPECTED = texts(Phrasebook().complete(REQUESTS))


def client(*servers: FakeServer, **changes: Any) -> closing[VllmServer]:
    given: dict[str, Any] = {"urls": tuple(server.url for server in servers), "pause": 0.001, "concurrency": 8}
    return closing(VllmServer(LmSettings(**(given | changes))))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def first_of_each(fault: Fault, share: int = 1) -> FaultOf:
    """The fault for the first call of each request, or of every `share`-th request."""
    seen: set[int] = set()

    def fault_of(_number: int, body: Body) -> Fault | None:
        seed = int(body["seed"])
        if seed in seen or seed % share:
            return None
        seen.add(seed)
        return fault

    return fault_of


@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        (Fault(status=429), "status 429"),
        (Fault(status=429, headers={"Retry-After": "0.01"}), "status 429"),
        (Fault(status=429, headers={"Retry-After": "Sat, 21 Nov 2026 00:00:00 GMT"}), "status 429"),
        (Fault(status=500), "status 500"),
        (Fault(status=503), "status 503"),
        (Fault(drop=True), "connection lost"),
        (Fault(raw=b'{"id": "1", "choi'), "reply that cannot be read"),
        (Fault(raw=b'["no", "object"]'), "reply that cannot be read"),
        (Fault(raw=b'{"choices": [{"index": 0}]}'), "reply that cannot be read"),
        (Fault(raw=b"<html>Bad gateway</html>", headers={"Content-Type": "text/html"}), "reply that cannot be read"),
    ],
    ids=["429", "429 until", "429 date", "500", "503", "dropped", "torn", "list", "bare choice", "html"],
)
def test_what_may_pass_is_asked_again_and_counted(fault: Fault, counted: str) -> None:
    with fake_server(first_of_each(fault, share=3)) as server, client(server) as backend:
        assert texts(backend.complete(REQUESTS)) == EXPECTED
        assert backend.service()[f"asked again: {counted}"] == len(REQUESTS[::3])
    assert len(server.calls) == len(REQUESTS) + len(REQUESTS[::3])


def test_a_slow_answer_is_given_up_and_asked_for_again() -> None:
    with fake_server(first_of_each(Fault(seconds=1.0), share=20)) as server, client(server, timeout=0.3) as backend:
        assert texts(backend.complete(REQUESTS)) == EXPECTED
        assert backend.service()["asked again: too slow"] == 2


def test_no_more_requests_are_in_flight_than_are_allowed() -> None:
    with fake_server(lambda _n, _b: Fault(seconds=0.02)) as server, client(server, concurrency=4) as backend:
        backend.complete(REQUESTS)
    assert 2 <= server.most_at_once <= 4


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=429), Fault(drop=True), Fault(raw=b"{")])
def test_a_server_that_never_answers_ends_the_run_with_one_line(fault: Fault) -> None:
    with (
        fake_server(lambda _n, _b: fault) as server,
        client(server, attempts=3) as backend,
        pytest.raises(InputError, match=r"no answer after 3 attempts .*; .*resumes"),
    ):
        backend.complete(REQUESTS[:2])
    assert len(server.calls) <= 6


def test_a_connection_that_is_refused_at_the_start_is_reported_at_once() -> None:
    nobody = LmSettings(urls=(f"http://127.0.0.1:{free_port()}",))
    start = time.monotonic()
    with closing(VllmServer(nobody)) as backend, pytest.raises(InputError, match=r"no server answers .*scai-irl serve"):
        backend.complete(REQUESTS)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "gpt-5"}, rf"model: .* has no model 'gpt-5'; give one that it has: {MODEL}"),
        ({"urls": ("127.0.0.1:8000",)}, "url: '127.0.0.1:8000' is not an address"),
        ({"urls": ()}, "url: none given"),
    ],
)
def test_wrong_settings_are_reported_in_one_line(changes: dict[str, Any], message: str) -> None:
    with fake_server() as server, pytest.raises(InputError, match=message), client(server, **changes) as backend:
        backend.complete(REQUESTS)


def test_a_wrong_key_is_reported_in_one_line_and_a_right_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_server(key="secret") as server:
        with client(server) as backend, pytest.raises(InputError, match=r"api key: .* refuses it; .*SCAI_IRL_API_KEY"):
            backend.complete(REQUESTS)
        with client(server, api_key="secret") as backend:
            assert texts(backend.complete(REQUESTS)) == EXPECTED
        monkeypatch.setenv("SCAI_IRL_API_KEY", "secret")
        with client(server) as backend:
            assert texts(backend.complete(REQUESTS)) == EXPECTED


def test_a_server_that_refuses_every_request_ends_the_run() -> None:
    with (
        fake_server(lambda _n, _b: Fault(status=400)) as server,
        client(server) as backend,
        pytest.raises(InputError, match=r"refuses every request \(.*a fault"),
    ):
        backend.complete(REQUESTS)


def test_a_request_that_is_refused_stops_no_other() -> None:
    with fake_server(lambda n, _b: Fault(status=400) if n == 0 else None) as server, client(server) as backend:
        answers = backend.complete(REQUESTS)
    assert [answer.finish_reason for answer in answers].count("refused") == 1
    others = [(answer.text, text) for answer, text in zip(answers, EXPECTED, strict=True) if not answer.problem]
    assert len(others) == len(REQUESTS) - 1
    assert all(text == expected for text, expected in others)


def _content(text: str, finish_reason: str) -> Callable[[Body], Body]:
    def change(answer: Body) -> Body:
        choice = answer["choices"][0] | {"message": {"role": "assistant", "content": text}}
        return answer | {"choices": [choice | {"finish_reason": finish_reason}]}

    return change


@pytest.mark.parametrize(
    "change",
    [
        _content('{"offer": 1', "length"),
        _content('{"offer":' + " " * 5_000, "length"),
        _content("Sure! I offer 3.", "stop"),
        _content('{"offer": 3, "policy": "accept everything"}', "stop"),
        lambda answer: answer | {"choices": []},
        lambda answer: answer | {"choices": [answer["choices"][0] | {"message": {"role": "assistant"}}]},
    ],
    ids=["cut", "endless white space", "prose", "more than asked", "no choices", "no content"],
)
def test_an_answer_that_cannot_be_read_is_asked_for_again_and_counted(change: Callable[[Body], Body]) -> None:
    questions = [Question(r, functools.partial(read_offer, stake=10 + r.seed)) for r in REQUESTS]
    tally = Tally()
    with fake_server(lambda _n, body: Fault(change=change) if body["seed"] < 40 else None) as server:
        with client(server) as backend:
            answers = ask(backend, questions, tally)
        assert None not in answers
        assert (tally.calls, tally.unreadable, tally.missing) == (80, 40, 0)
    always = Tally()
    with fake_server(lambda _n, _b: Fault(change=change)) as server, client(server) as backend:
        assert ask(backend, questions, always) == [None] * 40
    assert (always.calls, always.missing) == (40 * (1 + ASKED_AGAIN), 40)


def test_labels_need_a_tokeniser_and_log_probabilities_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [Request(structured(1, REQUESTS[0].structure).messages, 1, labels=("a", "b"))]
    with fake_server() as server, client(server) as backend:
        assert len(backend.complete(requests)[0].label_log_probs) == 2
        monkeypatch.setattr("tests.scai_irl.backends.fake_server._scored", _without_log_probabilities)
        with pytest.raises(InputError, match=r"channels: .*no log-probabilities of prompts; leave out the token"):
            backend.complete(requests)


def _without_log_probabilities(body: Body) -> Body:
    choice = {"index": 0, "text": "x", "finish_reason": "length", "logprobs": None}
    usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": 1, "total_tokens": 0}
    return {"id": "1", "object": "text_completion", "created": 0, "model": MODEL, "choices": [choice], "usage": usage}


def test_a_replica_that_dies_is_taken_out_and_its_requests_go_elsewhere() -> None:
    with ExitStack() as stack:
        staying = stack.enter_context(fake_server(lambda _n, _b: Fault(seconds=0.01)))
        dying = stack.enter_context(fake_server(lambda n, _b: Fault(seconds=0.01) if n < 5 else Fault(drop=True)))
        backend = stack.enter_context(client(staying, dying, concurrency=4))
        assert texts(backend.complete(REQUESTS)) == EXPECTED
        service = backend.service()
    assert service["replicas taken out"] >= 1
    assert service["asked again: connection lost"] >= 1
    assert len(dying.calls) < len(staying.calls)
    assert len(dying.calls) >= 5  # it got requests while it answered


def test_one_server_of_two_that_was_never_there_is_done_without() -> None:
    with fake_server() as server:
        settings = LmSettings(urls=(f"http://127.0.0.1:{free_port()}", server.url), pause=0.001)
        with closing(VllmServer(settings)) as backend:
            assert texts(backend.complete(REQUESTS)) == EXPECTED


def test_the_seed_goes_with_the_request_whichever_server_answers() -> None:
    with fake_server() as first, fake_server() as second, client(first, second) as backend:
        backend.complete(every_request())
    seeds = {body["seed"] for body in [*first.calls, *second.calls]}
    assert seeds == {request.seed for request in every_request()}
    assert first.calls
    assert second.calls


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CallStore]:
    opened = CallStore(tmp_path / CALLS)
    yield opened
    opened.close()


def test_what_was_answered_before_a_server_died_is_not_asked_again(store: CallStore) -> None:
    with (
        fake_server(lambda n, _b: None if n < 17 else Fault(drop=True)) as server,
        client(server, attempts=2, concurrency=2) as backend,
        pytest.raises(InputError, match="resumes"),
    ):
        Recorded(backend, store).complete(REQUESTS)
    answered = store.spent()[0]
    assert 0 < answered <= 17
    with fake_server() as server, client(server) as backend:
        assert texts(Recorded(backend, store).complete(REQUESTS)) == EXPECTED
    assert len(server.calls) == len(REQUESTS) - answered


def test_requests_carry_the_form_of_the_answer_in_the_field_that_is_not_ignored() -> None:
    with fake_server() as server, client(server) as backend:
        backend.complete(REQUESTS[:1])
    (body,) = server.calls
    assert body["structured_outputs"] == {"json": REQUESTS[0].structure.value}
    assert not {name for name in body if name.startswith("guided_")}
    assert body["model"] == MODEL
    assert json.loads(json.dumps(body["messages"])) == [
        {"role": message.role, "content": message.content} for message in REQUESTS[0].messages
    ]


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Let an interruption raise an exception, also where tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_an_interruption_ends_a_batch_and_the_backend_can_go_on() -> None:
    def interrupt(_place: int, _completion: Completion) -> None:
        if len(server.calls) < 10:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with fake_server(lambda _n, _b: Fault(seconds=0.05)) as server, client(server, concurrency=2) as backend:
        with pytest.raises(KeyboardInterrupt):
            backend.complete(REQUESTS, interrupt)
        assert len(server.calls) < len(REQUESTS)
        assert texts(backend.complete(REQUESTS)) == EXPECTED
