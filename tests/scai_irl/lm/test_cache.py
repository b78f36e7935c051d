"""The record of calls: each call once, keyed by everything its answer depends on, and on disk immediately."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_irl.io.errors import InputError
from scai_irl.lm.cache import CALLS, CallStore, call_key
from scai_irl.lm.protocol import Completion, Message, Request, Sampling, Structure, Usage

REQUEST = Request((Message("system", "Be brief."), Message("user", "Hello")), seed=1)
OTHERS = [
    replace(REQUEST, seed=2),
    replace(REQUEST, messages=REQUEST.messages[:1]),
    replace(REQUEST, messages=REQUEST.messages[::-1]),
    replace(REQUEST, messages=(Message("system", "Be"), Message("user", " brief.Hello"))),
    replace(REQUEST, sampling=Sampling(temperature=0.5)),
    replace(REQUEST, sampling=Sampling(max_tokens=1)),
    replace(REQUEST, sampling=Sampling(log_probs=0)),
    replace(REQUEST, structure=Structure("choice", ("a", "b"))),
    replace(REQUEST, structure=Structure("choice", ("b", "a"))),
    replace(REQUEST, labels=("a", "b")),
    replace(REQUEST, labels=("ab",)),
]
completions = st.builds(
    Completion,
    text=st.text(),
    finish_reason=st.sampled_from(["stop", "length", "empty"]),
    usage=st.builds(Usage, st.integers(0, 10**6), st.integers(0, 10**6)),
    tokens=st.lists(st.text()).map(tuple),
    log_probs=st.lists(st.floats(allow_nan=False, allow_infinity=False)).map(tuple),
    label_log_probs=st.lists(st.floats(allow_nan=False, allow_infinity=False)).map(tuple),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CallStore]:
    opened = CallStore(tmp_path / CALLS)
    yield opened
    opened.close()


def test_whatever_an_answer_depends_on_is_in_the_key() -> None:
    keys = [call_key("a", REQUEST), call_key("b", REQUEST), *(call_key("a", other) for other in OTHERS)]
    assert len(set(keys)) == 2 + len(OTHERS)
    assert call_key("a", replace(REQUEST)) == keys[0]


@given(completions, st.text(st.characters(exclude_categories=())))
def test_an_answer_comes_back_as_it_was(completion: Completion, text: str) -> None:
    request = replace(REQUEST, messages=(Message("user", text),))  # even half a surrogate pair, which is no valid UTF-8
    with tempfile.TemporaryDirectory() as folder:
        store = CallStore(Path(folder) / CALLS)
        store.add(call_key("a", request), "a", request, completion)
        assert store.find([call_key("a", request), "none"]) == {call_key("a", request): completion}
        assert store.spent() == (1, completion.usage.prompt + completion.usage.completion)
        store.close()


def test_a_call_is_kept_once_and_the_first_answer_stands(store: CallStore) -> None:
    store.add("key", "a", REQUEST, Completion("first"))
    store.add("key", "a", REQUEST, Completion("second"))
    assert store.find(["key"])["key"].text == "first"
    assert store.spent()[0] == 1


def test_many_keys_are_found_at_once_and_many_threads_may_write(store: CallStore) -> None:
    keys = [f"key {number}" for number in range(1_200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.add(key, "a", REQUEST, Completion(key)), keys))
    stored = store.find([*keys, "none"])
    assert {key: completion.text for key, completion in stored.items()} == {key: key for key in keys}


def test_what_could_be_read_is_noted(store: CallStore) -> None:
    for key in ("good", "bad", "never judged"):
        store.add(key, "a", REQUEST, Completion(key))
    store.judge(["good", "bad"], [True, False])
    readable = store.table().set_index("answered")["readable"]
    assert readable.to_dict() == {"good": True, "bad": False, "never judged": None}


def test_a_killed_process_loses_no_call_that_was_kept(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from scai_irl.lm.cache import CallStore; "
        "from scai_irl.lm.protocol import Completion, Message, Request; "
        "store = CallStore(Path(sys.argv[1])); "
        "[store.add(str(n), 'a', Request((Message('user', 'Hello'),), n), Completion('x')) for n in range(100)]; "
        "os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, tmp_path / CALLS], check=False)
    assert killed.returncode == -9
    store = CallStore(tmp_path / CALLS)
    assert store.spent()[0] == 100
    store.close()


def test_a_file_that_is_no_record_is_left_alone_and_reported(tmp_path: Path) -> None:
    file = tmp_path / CALLS
    file.write_bytes(b"something else entirely, and long enough to be looked at" * 50)
    before = file.read_bytes()
    with pytest.raises(InputError, match="the record of calls cannot be used"):
        CallStore(file)
    assert file.read_bytes() == before
    with pytest.raises(InputError, match="cannot be used"):
        CallStore(tmp_path / "nowhere.sqlite", read_only=True)


def test_a_damaged_answer_is_reported(store: CallStore, tmp_path: Path) -> None:
    store.add("key", "a", REQUEST, Completion("x"))
    store.close()
    base = sqlite3.connect(tmp_path / CALLS)
    base.execute("UPDATE calls SET completion = '{'")
    base.commit()
    base.close()
    opened = CallStore(tmp_path / CALLS, read_only=True)
    with pytest.raises(InputError, match="cannot be used"):
        opened.find(["key"])
    opened.close()
