"""Atomic writes of files: every write goes to a temporary file in the same folder, which is then renamed."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from scai_irl.io.errors import InputError

_PARTIAL = ".partial"
_HINTS = {
    errno.ENOSPC: "free some space on this disk, then run the same command again: it resumes",
    errno.EDQUOT: "free some of your quota, then run the same command again: it resumes",
    errno.EFBIG: "raise the limit on file sizes, then run the same command again: it resumes",
    errno.EROFS: "choose a folder on a disk that can be written to, with --out",
    errno.EACCES: "choose a folder that you may write to, with --out",
    errno.EPERM: "choose a folder that you may write to, with --out",
}


@contextlib.contextmanager
def telling_disk_errors(path: Path) -> Iterator[None]:
    """Convert any `OSError` of the block to an `InputError` that names the path.

    Raises:
        InputError: Instead of any `OSError`.
    """
    try:
        yield
    except OSError as problem:
        reason = os.strerror(problem.errno) if problem.errno else str(problem)
        hint = _HINTS.get(problem.errno or 0, "choose another folder with --out")
        raise InputError(str(path), reason, hint) from problem


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; rename it to `path` if the block ends without an error.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with written_whole(Path(folder) / "a.txt") as partial:
        ...         _ = partial.write_text("whole")
        ...     (Path(folder) / "a.txt").read_text()
        'whole'
    """
    with telling_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_PARTIAL, dir=path.parent)
        os.close(handle)
        partial = Path(name)
        try:
            yield partial
            _flush_to_disk(partial)
            partial.chmod(0o644)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary folder to fill; rename it to `path` if the block ends without an error."""
    with telling_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=_PARTIAL, dir=path.parent))
        try:
            yield partial
            for file in partial.iterdir():
                _flush_to_disk(file)
            partial.chmod(0o755)
            if path.exists():
                shutil.rmtree(path)
            partial.rename(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def remove_partials(folder: Path) -> None:
    """Remove temporary files that a killed process left in a results folder and its subfolders."""
    with telling_disk_errors(folder):
        for leftover in (*folder.glob(f".*{_PARTIAL}"), *folder.glob(f"*/.*{_PARTIAL}")):
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented and with sorted keys."""
    with written_whole(path) as partial:
        partial.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet; the same table always gives the same bytes."""
    with written_whole(path) as partial:
        table.to_parquet(partial, index=False, compression="zstd")


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file of bytes."""
    with written_whole(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _flush_to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
