"""Servers that rest: they are checked until they are healthy again, and get no request before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack, closing

import openai
import pytest
import tenacity

from scai_irl.backends.vllm import server_health as health
from scai_irl.backends.vllm.loop_thread import LoopThread
from scai_irl.backends.vllm.replicas import Replica, Replicas
from scai_irl.testing.backend_laws import texts
from tests.scai_irl.backends.fake_server import Fault, fake_server
from tests.scai_irl.backends.test_faults import EXPECTED, REQUESTS, client, free_port


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_FIRST_REST", 0.02)
    monkeypatch.setattr(health, "_BETWEEN", tenacity.wait_fixed(0.02))


def looked(url: str) -> bool:
    async def look() -> bool:
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as root:
            return await health.is_up(root)

    with closing(LoopThread()) as thread:
        return thread.run(look())


@pytest.mark.parametrize(("status", "up"), [(200, True), (404, True), (401, True), (500, False), (503, False)])
def test_a_server_is_there_if_it_answers_and_has_no_trouble_of_its_own(status: int, up: bool) -> None:
    with fake_server() as server:
        server.health = status
        assert looked(server.url) == up
        assert server.looks == 1


def test_a_server_that_refuses_connections_is_not_there() -> None:
    assert not looked(f"http://127.0.0.1:{free_port()}")


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_a_server_is_asked_nothing_while_it_is_down_and_taken_back_when_it_is_up() -> None:
    with ExitStack() as stack:
        staying, dying = stack.enter_context(fake_server()), stack.enter_context(fake_server())
        backend = stack.enter_context(client(staying, dying, concurrency=4))
        backend.complete(REQUESTS)
        before = len(dying.calls)
        assert before

        dying.health, dying.fault = 503, lambda _number, _body: Fault(drop=True)
        assert texts(backend.complete(REQUESTS)) == EXPECTED
        noticed = len(dying.calls)
        assert before < noticed
        seen = dying.looks
        until(lambda: dying.looks > seen + 2)
        assert texts(backend.complete(REQUESTS)) == EXPECTED
        assert len(dying.calls) == noticed

        dying.health, dying.fault = 200, lambda _number, _body: None
        until(lambda: "replicas taken back" in backend.service())
        assert texts(backend.complete(REQUESTS)) == EXPECTED
        assert len(dying.calls) > noticed
        assert backend.service()["replicas taken back"] == backend.service()["replicas taken out"] == 1
        seen = dying.looks
        time.sleep(0.1)
        assert dying.looks == seen


def test_nobody_looks_any_more_when_the_backend_is_closed() -> None:
    with ExitStack() as stack:
        staying, dying = stack.enter_context(fake_server()), stack.enter_context(fake_server())
        dying.health, dying.fault = 503, lambda _number, _body: Fault(drop=True)
        with client(staying, dying) as backend:
            backend.complete(REQUESTS)
            until(lambda: dying.looks > 0)
        seen = dying.looks
        time.sleep(0.1)
        assert dying.looks <= seen + 1  # one may have been in flight


class Looked:
    """Health checks whose success a test controls."""

    def __init__(self) -> None:
        self.up, self.count, self.at_once, self.most = False, 0, 0, 0

    async def __call__(self, _client: None) -> bool:
        self.count += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0.005)
        self.at_once -= 1
        return self.up


def test_one_look_at_a_time_whatever_happens_to_a_server() -> None:
    async def story() -> None:
        pool, look = Replicas([Replica("http://a", None)], slots=1), Looked()
        (replica,) = pool.all
        watch = health.ServerWatch(pool, look)
        for _ in range(5):  # it answers a late request, and fails the next
            assert pool.failed(replica, slow=False)
            watch.begin(replica)
            await asyncio.sleep(0.03)
            pool.answered(replica)
        pool.failed(replica, slow=False)
        watch.begin(replica)
        while look.count < 8:
            await asyncio.sleep(0.01)
        assert replica.resting
        assert replica.looks > 0
        look.up = True
        while replica.resting:
            await asyncio.sleep(0.01)
        assert look.most == 1
        assert (pool.taken_out, pool.taken_back, replica.looks) == (6, 6, 0)
        await watch.close()

    with closing(LoopThread()) as thread:
        thread.run(asyncio.wait_for(story(), 20))
