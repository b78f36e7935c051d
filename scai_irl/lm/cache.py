"""Every call of a language model, in one SQLite file: what was asked, what was answered, whether it could be read.

A call's key is the SHA-256 of all that the answer depends on: the model, the conversation, how it was sampled, the form
asked for and the seed. Where the model was, and how often it had to be asked, do not belong to it.
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
    """Key of a call.

    Example:
        >>> from scai_irl.lm.protocol import Message
        >>> hello = Request((Message("user", "Hello"),), seed=1)
        >>> call_key("a", hello) == call_key("b", hello)
        False
    """
    text = json.dumps([model, asdict(request)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class CallStore:
    """The calls of one results folder; made where there is none.

    Args:
        path: The file.
        read_only: Whether it must be there, and stays as it is.

    Raises:
        InputError: If it cannot be opened, or is no such file.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()  # answers come from the thread that talks to servers
        with self._told():
            mode = "ro" if read_only else "rwc"
            self._base = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, check_same_thread=False)
            try:
                self._prepare(read_only)
            except sqlite3.Error:
                self._base.close()
                raise

    def _prepare(self, read_only: bool) -> None:
        if not read_only:
            # One process has the folder, so the write-ahead log needs no shared memory and works on any disk.
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = NORMAL")
            self._base.execute(_TABLE)
            self._base.commit()
        self._base.execute("SELECT count(*) FROM calls")

    def find(self, keys: Sequence[str]) -> dict[str, Completion]:
        """Look calls up.

        Returns:
            Answers by key, of those that are there.
        """
        found: dict[str, Completion] = {}
        with self._told():
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                rows = self._base.execute(f"SELECT key, completion FROM calls WHERE key IN ({marks})", some)  # noqa: S608
                found |= {key: _completion(json.loads(text)) for key, text in rows}
        return found

    def add(self, key: str, model: str, request: Request, completion: Completion) -> None:
        """Keep a call; it is on disk when this returns, as far as a killed process is concerned."""
        row = (
            key,
            model,
            json.dumps(asdict(request)),
            json.dumps(asdict(completion)),
            completion.usage.prompt,
            completion.usage.completion,
        )
        with self._told(), self._base:
            self._base.execute("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?, ?, NULL)", row)

    def judge(self, keys: Sequence[str], readable: Sequence[bool]) -> None:
        """Note which answers could be read."""
        with self._told(), self._base:
            pairs = [(int(good), key) for key, good in zip(keys, readable, strict=True)]
            self._base.executemany("UPDATE calls SET readable = ? WHERE key = ?", pairs)

    def spent(self) -> tuple[int, int]:
        """Number of calls, and of tokens read and written."""
        with self._told():
            total = "SELECT count(*), coalesce(sum(prompt_tokens + completion_tokens), 0) FROM calls"
            calls, tokens = self._base.execute(total).fetchone()
        return int(calls), int(tokens)

    def models(self) -> list[str]:
        """Models that were called."""
        with self._told():
            return [str(model) for (model,) in self._base.execute("SELECT DISTINCT model FROM calls ORDER BY model")]

    def table(self) -> pd.DataFrame:
        """All calls, a line each: model, seed, what was asked and answered, how it ended, tokens, if it was read."""
        with self._told():
            rows = self._base.execute(
                "SELECT model, request, completion, readable FROM calls ORDER BY rowid"
            ).fetchall()
        return pd.DataFrame(
            [_line(model, json.loads(asked), json.loads(said), readable) for model, asked, said, readable in rows],
            columns=list(_line("", {"seed": 0, "messages": [], "labels": []}, asdict(Completion("")), None)),
        )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Hold the lock, and turn what SQLite says into one line."""
        try:
            with self._lock:
                yield
        except (sqlite3.Error, ValueError, KeyError) as problem:
            mend = "free space or restore the file, then run the same command again: it resumes"
            raise InputError(str(self._path), f"the record of calls cannot be used ({problem})", mend) from problem


def _completion(stored: dict[str, Any]) -> Completion:
    lists = {name: tuple(stored[name]) for name in ("tokens", "log_probs", "label_log_probs")}
    return Completion(**{**stored, **lists, "usage": Usage(**stored["usage"])})


def _line(model: str, asked: dict[str, Any], said: dict[str, Any], readable: int | None) -> dict[str, Any]:
    return {
        "model": model,
        "seed": asked["seed"],
        "asked": "\n\n".join(f"{message['role']}: {message['content']}" for message in asked["messages"]),
        "labels": list(asked["labels"]),
        "answered": said["text"],
        "label_log_probs": list(said["label_log_probs"]),
        "finish_reason": said["finish_reason"],
        "prompt_tokens": said["usage"]["prompt"],
        "completion_tokens": said["usage"]["completion"],
        "readable": None if readable is None else bool(readable),
    }
