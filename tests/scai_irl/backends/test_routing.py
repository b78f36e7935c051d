"""Choice of a server: the laws of rendezvous hashing and of bounded loads, and their bookkeeping."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from scai_irl.backends.vllm.prefix import SHOWN, Outline, outline
from scai_irl.backends.vllm.replicas import Replica, Replicas
from scai_irl.backends.vllm.routing import choose, full_at, in_turns
from scai_irl.lm.protocol import Message, Request

prefixes = st.binary(min_size=16, max_size=16)
addresses = st.lists(st.from_regex(r"http://[a-z0-9]{1,12}:[0-9]{4}", fullmatch=True), min_size=1, unique=True)
slacks = st.sampled_from([1.0, 1.25, 2.0])
ALIKE = Outline(bytes(16), 1)


def idle(prefix: bytes, servers: list[str]) -> str:
    return servers[choose(prefix, servers, [0] * len(servers), 1)]


def order(prefix: bytes, servers: list[str]) -> list[str]:
    """A prefix's order of servers: each is next after the servers before it have gone."""
    left, ordered = list(servers), []
    while left:
        ordered.append(idle(prefix, left))
        left.remove(ordered[-1])
    return ordered


@given(prefixes, st.data())
def test_the_order_of_addresses_makes_no_difference(prefix: bytes, data: st.DataObject) -> None:
    servers = data.draw(addresses)
    assert order(prefix, servers) == order(prefix, data.draw(st.permutations(servers)))


@given(st.lists(prefixes, min_size=1, max_size=50), addresses, st.data())
def test_a_server_that_goes_leaves_behind_its_own_prefixes_alone(
    keys: list[bytes], servers: list[str], data: st.DataObject
) -> None:
    assume(len(servers) > 1)
    gone = data.draw(st.sampled_from(servers))
    others = [server for server in servers if server != gone]
    for prefix in keys:
        before, after = idle(prefix, servers), idle(prefix, others)
        assert before in {after, gone}


@given(st.data(), addresses, slacks, st.integers(1, 20))
def test_no_load_is_ever_above_its_bound_and_the_first_with_room_is_asked(
    data: st.DataObject, servers: list[str], slack: float, places: int
) -> None:
    loads, waiting = [0] * len(servers), data.draw(st.integers(1, 40))
    while waiting:
        busy = [place for place, load in enumerate(loads) if load]
        if sum(loads) == places or (busy and data.draw(st.booleans())):  # an answer
            loads[data.draw(st.sampled_from(busy))] -= 1
            continue
        pending = sum(loads) + waiting
        prefix = data.draw(st.one_of(st.just(b"the same, always"), prefixes))
        chosen = choose(prefix, servers, loads, full_at(pending, pending, places, len(servers), slack))
        bound = -(-min(Fraction(pending), Fraction(slack) * places) // len(servers))  # in exact arithmetic
        mean = Fraction(min(pending, places), len(servers))
        assert loads[chosen] + 1 <= bound <= -(-Fraction(slack) * mean // 1)
        whole = order(prefix, servers)
        assert all(loads[servers.index(full)] >= bound for full in whole[: whole.index(servers[chosen])])
        loads[chosen] += 1
        waiting -= 1


batches = st.lists(st.builds(Outline, prefixes, st.integers(1, 10_000)), min_size=1, max_size=60)


@given(addresses, batches)
def test_a_batch_that_is_sent_at_once_is_spread_evenly_by_length(servers: list[str], batch: list[Outline]) -> None:
    pool = Replicas([Replica(url, None) for url in servers], slots=100)
    places = pool.begin(batch)
    share = Fraction(sum(request.size for request in batch), len(servers))
    with ExitStack() as stack:
        for place in places:
            replica = stack.enter_context(pool.lent(batch[place]))
            assert replica.load - batch[place].size < share + Fraction(1, 1000)  # it was not full before
    assert [replica.load for replica in pool.all] == [0] * len(servers)


@given(st.data(), addresses, batches, st.integers(1, 8))
def test_there_is_room_for_every_request_whatever_happens(
    data: st.DataObject, servers: list[str], batch: list[Outline], places: int
) -> None:
    pool = Replicas([Replica(url, None) for url in servers], places)
    lent: list[tuple[Outline, ExitStack]] = []
    for place in pool.begin(batch):
        while len(lent) == places:
            request, stack = lent.pop(data.draw(st.integers(0, len(lent) - 1)))
            stack.close()
            pool.finish(request)
        replica = pool.all[data.draw(st.integers(0, len(servers) - 1))]
        if data.draw(st.booleans()):
            pool.failed(replica, slow=False)
        else:
            pool.back(replica)
        stack = ExitStack()
        chosen = stack.enter_context(pool.lent(batch[place]))
        assert not chosen.resting or not pool.some_ready()
        lent.append((batch[place], stack))
    for _, stack in lent:
        stack.close()
    assert [replica.load for replica in pool.all] == [0] * len(servers)


@given(st.lists(st.sampled_from([bytes([letter]) * 16 for letter in b"abcdef"]), max_size=40), addresses)
def test_a_batch_goes_out_to_all_servers_in_turn_and_in_order_to_each(keys: list[bytes], servers: list[str]) -> None:
    order = in_turns(keys, servers)
    assert sorted(order) == list(range(len(keys)))
    first = [idle(keys[place], servers) for place in order]
    for server in servers:
        of_it = [place for place, whose in zip(order, first, strict=True) if whose == server]
        assert of_it == sorted(of_it)
    sent: Counter[str] = Counter()
    whole = Counter(first)
    for server in first:
        # No server with requests left is behind by more than the current turn.
        sent[server] += 1
        assert all(sent[server] - 1 <= sent[other] for other in servers if sent[other] < whole[other])


def test_many_prefixes_are_spread_evenly_and_so_are_those_of_a_server_that_goes() -> None:
    servers = [f"http://node{number}:8000" for number in range(5)]
    orders = [order(number.to_bytes(16), servers) for number in range(2_000)]
    counts = Counter(ordered[0] for ordered in orders)
    assert stats.chisquare([counts[server] for server in servers]).pvalue > 1e-4
    seconds = Counter(ordered[1] for ordered in orders if ordered[0] == servers[0])
    assert stats.chisquare([seconds[server] for server in servers[1:]]).pvalue > 1e-4


def test_every_process_finds_the_same_order() -> None:
    servers = [f"http://node{number}:8000" for number in range(7)]
    keys = [number.to_bytes(16) for number in range(20)]
    chosen = f"[choose(prefix, {servers!r}, [0] * 7, 1) for prefix in {keys!r}]"
    code = f"from scai_irl.backends.vllm.routing import choose; print({chosen})"
    salted = {"PYTHONHASHSEED": "1"}  # of `hash`
    printed = subprocess.run([sys.executable, "-c", code], env=salted, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == str([choose(prefix, servers, [0] * 7, 1) for prefix in keys])


def test_equal_prefixes_go_to_one_server_until_it_has_its_share() -> None:
    pool = Replicas([Replica(f"http://{name}", None) for name in "abc"], slots=100)
    urls = [replica.url for replica in pool.all]
    for number in range(30):
        request = Outline(number.to_bytes(16), 500)
        with ExitStack() as stack:
            sent_to = [stack.enter_context(pool.lent(request)).url for _ in pool.begin([request] * 12)]
        assert sent_to == [url for url in order(request.prefix, urls) for _ in range(4)]


def test_a_server_may_have_more_than_the_others_while_requests_are_waiting() -> None:
    pool = Replicas([Replica(f"http://{name}", None) for name in "abcd"], slots=16)
    pool.begin([ALIKE] * 1_000)
    with ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(pool.lent(ALIKE))
        assert sorted(replica.load for replica in pool.all) == [1, 5, 5, 5]


def test_a_resting_server_is_not_asked_and_its_load_does_not_count() -> None:
    pool = Replicas([Replica(f"http://{name}", None) for name in "abcd"], slots=100)
    gone, *others = pool.all
    pool.begin([ALIKE] * 50)
    with ExitStack() as stack:
        sent = 0
        while gone.load < 5:
            stack.enter_context(pool.lent(Outline(sent.to_bytes(16), 1)))
            sent += 1
        assert pool.failed(gone, slow=False)
        for _ in range(50 - sent):
            stack.enter_context(pool.lent(ALIKE))
        assert gone.load == 5
        assert max(replica.load for replica in others) == 15


def test_where_all_rest_one_that_passed_its_last_check_is_used() -> None:
    pool = Replicas([Replica(f"http://{name}", None) for name in "abc"], slots=3)
    for replica in pool.all:
        pool.failed(replica, slow=False)
        pool.missed(replica)
    assert not pool.some_ready()
    pool.all[1].looks = 0
    for number in range(10):
        with pool.lent(Outline(number.to_bytes(16), 1)) as chosen:
            assert chosen is pool.all[1]
    pool.answered(pool.all[1])
    assert pool.some_ready()
    assert (pool.taken_out, pool.taken_back) == (3, 1)


@pytest.mark.parametrize(("slow", "times"), [(False, 1), (True, 3)])
def test_a_slow_server_has_more_chances_and_none_is_taken_out_twice(slow: bool, times: int) -> None:
    pool = Replicas([Replica("http://a", None)], slots=1)
    out = [pool.failed(pool.all[0], slow=slow) for _ in range(5)]
    assert out == [number == times - 1 for number in range(5)]
    assert pool.taken_out == 1


def outline_of(*contents: str) -> Outline:
    return outline(Request(tuple(Message("user", content) for content in contents), seed=1))


@given(st.lists(st.text(), max_size=3), st.text(min_size=SHOWN, max_size=SHOWN), st.text(), st.text())
def test_a_prefix_is_all_messages_before_and_the_beginning_of_the_last(
    before: list[str], beginning: str, one: str, another: str
) -> None:
    first, second = (outline_of(*before, beginning + end) for end in (one, another))
    assert first.prefix == second.prefix
    assert first.size - second.size == len(one) - len(another)
    assert outline_of(*before, "another beginning", beginning).prefix != first.prefix
    assert outline_of(*before, "x" + beginning[1:] if beginning[0] != "x" else "y").prefix != first.prefix


def test_an_empty_request_has_a_size_and_labels_are_read_one_by_one() -> None:
    assert outline_of("").size == 1
    labelled = Request((Message("user", "four"),), seed=1, labels=("a", "b", "c"))
    assert outline(labelled).size == 12
