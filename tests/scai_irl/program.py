"""The real ``scai-irl`` in a process of its own, and results folders as bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import jax

PROGRAM = Path(sys.executable).with_name("scai-irl")
TINY = ("run", "one-group-norm", "--users", "fair", "--agents", "thompson", "--runs", "2", "--group", "5v5")
"""The smallest useful command; 5 epochs by default."""

# Fields of a manifest that depend on the moment. The checkout may change while its tests run.
_MOMENT = {"started", "finished", "git_commit"}


def environment() -> dict[str, str]:
    """This process's environment, with its folder of compiled programs."""
    cache = getattr(jax.config, "jax_compilation_cache_dir", None)
    variables = {} if cache is None else {"JAX_COMPILATION_CACHE_DIR": str(cache)}
    return dict(os.environ) | variables | {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}


def start(*arguments: str, cwd: Path) -> subprocess.Popen[bytes]:
    """Start the program in the background, without output."""
    nowhere = subprocess.DEVNULL
    return subprocess.Popen([PROGRAM, *arguments], cwd=cwd, env=environment(), stdout=nowhere, stderr=nowhere)


def run(*arguments: str, cwd: Path, under: Sequence[str] = (), **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end.

    Args:
        arguments: Words of the command line.
        cwd: Folder to run in.
        under: Command that runs the program.
        variables: Variables of the environment.
    """
    return subprocess.run(
        [*under, PROGRAM, *arguments],
        cwd=cwd,
        env=environment() | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def errors(stderr: str) -> list[str]:
    """Lines of a program's standard error without reports of progress."""
    return [line for line in stderr.splitlines() if not line.endswith(" s)")]


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line with which the program refused its input."""
    assert done.returncode == 2, done.stderr
    (line,) = errors(done.stderr)
    assert line.startswith("error: ")
    return line


def contents(folder: Path) -> dict[str, bytes]:
    """Content of every file below a folder, including hidden files, by its relative path."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Check that nothing below a folder changes."""
    before = contents(folder)
    yield
    after = contents(folder)
    assert sorted(after) == sorted(before)
    assert [name for name in before if after[name] != before[name]] == []


def assert_equal_results(one: Path, other: Path) -> None:
    """Check that two results folders are equal file by file, and their manifests except for the moment."""
    left, right = contents(one), contents(other)
    assert sorted(left) == sorted(right)
    manifests = [json.loads(files.pop("manifest.json")) for files in (left, right)]
    assert [name for name in left if left[name] != right[name]] == []
    timeless = [{key: value for key, value in manifest.items() if key not in _MOMENT} for manifest in manifests]
    assert timeless[0] == timeless[1]
    assert timeless[0]["status"] == "finished"
