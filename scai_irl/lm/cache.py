"""Store of all calls of a language model in one SQLite file: request, answer, and whether the answer could be read.

A call's key is the SHA-256 of everything that the answer depends on: the model, the conversation, the sampling, the
form of the answer and the seed. The address of the model and the number of retries are not part of the key.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from scai_irl.io.errors import InputError
from scai_irl.lm.protocol import Completion, Request, Usage

CALLS = "calls.sqlite"

_TABLE = """
CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, request TEXT NOT NULL, completion TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, readable INTEGER
) STRICT
"""
_AT_ONCE = 500  # keys in one look-up; SQLite allows 32,766 since 3.32, and 999 before


def call_key(model: str, request: Request) -> str:
    """Compute the key of a call.

    Example:
        >>> from scai_irl.lm.protocol import Message
        >>> hello = Request((Message("user", "Hello"),), seed=1)
        >>> call_key("a", hello) == call_key("b", hello)
        False
    """
    text = json.dumps([model, asdict(request)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class CallStore:
    """Store of the calls of one results folder; the file is created if it does not exist.

    Args:
        path: The file.
        read_only: Whether the file must exist and is not changed.

    Raises:
        InputError: If the file cannot be opened, or has another format.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()  # answers arrive in the thread of the servers' event loop
        with self._locked():
            mode = "ro" if read_only else "rwc"
            self._base = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, check_same_thread=False)
            try:
                self._prepare(read_only)
            except sqlite3.Error:
                self._base.close()
                raise

    def _prepare(self, read_only: bool) -> None:
        if not read_only:
            # Only one process uses the folder, so the write-ahead log needs no shared memory and works on any disk.
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = NORMAL")
            self._base.execute(_TABLE)
            self._base.commit()
        self._base.execute("SELECT count(*) FROM calls")

    def find(self, keys: Sequence[str]) -> dict[str, Completion]:
        """Return the stored answers by key; keys without an answer are left out."""
        completions: dict[str, Completion] = {}
        with self._locked():
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                rows = self._base.execute(f"SELECT key, completion FROM calls WHERE key IN ({marks})", some)  # noqa: S608
                completions |= {key: _completion(json.loads(text)) for key, text in rows}
        return completions

    def add(self, key: str, model: str, request: Request, completion: Completion) -> None:
        """Store a call; it survives the end of this process from then on."""
        row = (
            key,
            model,
            json.dumps(asdict(request)),
            json.dumps(asdict(completion)),
            completion.usage.prompt,
            completion.usage.completion,
        )
        with self._locked(), self._base:
            self._base.execute("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?, ?, NULL)", row)

    def judge(self, keys: Sequence[str], readable: Sequence[bool]) -> None:
        """Store for each answer whether it could be read."""
        with self._locked(), self._base:
            pairs = [(int(value), key) for key, value in zip(keys, readable, strict=True)]
            self._base.executemany("UPDATE calls SET readable = ? WHERE key = ?", pairs)

    def spent(self) -> tuple[int, int]:
        """Return the number of calls, and of tokens read and written."""
        with self._locked():
            total = "SELECT count(*), coalesce(sum(prompt_tokens + completion_tokens), 0) FROM calls"
            calls, tokens = self._base.execute(total).fetchone()
        return int(calls), int(tokens)

    def models(self) -> list[str]:
        """Return the names of the models that were called."""
        with self._locked():
            return [str(model) for (model,) in self._base.execute("SELECT DISTINCT model FROM calls ORDER BY model")]

    def table(self) -> pd.DataFrame:
        """Return all calls, one row each: model, seed, request, answer, finish reason, tokens, whether it was read."""
        with self._locked():
            rows = self._base.execute(
                "SELECT model, request, completion, readable FROM calls ORDER BY rowid"
            ).fetchall()
        return pd.DataFrame(
            [
                _line(model, json.loads(request), json.loads(completion), readable)
                for model, request, completion, readable in rows
            ],
            columns=list(_line("", {"seed": 0, "messages": [], "labels": []}, asdict(Completion("")), None)),
        )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock, and convert errors of SQLite to `InputError`."""
        try:
            with self._lock:
                yield
        except (sqlite3.Error, ValueError, KeyError) as problem:
            hint = "free space or restore the file, then run the same command again: it resumes"
            raise InputError(str(self._path), f"the record of calls cannot be used ({problem})", hint) from problem


def _completion(stored: dict[str, Any]) -> Completion:
    lists = {name: tuple(stored[name]) for name in ("tokens", "log_probs", "label_log_probs")}
    return Completion(**{**stored, **lists, "usage": Usage(**stored["usage"])})


def _line(model: str, request: dict[str, Any], completion: dict[str, Any], readable: int | None) -> dict[str, Any]:
    return {
        "model": model,
        "seed": request["seed"],
        "asked": "\n\n".join(f"{message['role']}: {message['content']}" for message in request["messages"]),
        "labels": list(request["labels"]),
        "answered": completion["text"],
        "label_log_probs": list(completion["label_log_probs"]),
        "finish_reason": completion["finish_reason"],
        "prompt_tokens": completion["usage"]["prompt"],
        "completion_tokens": completion["usage"]["completion"],
        "readable": None if readable is None else bool(readable),
    }
