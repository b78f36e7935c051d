"""An environment of its own for each rival, made once by venv and pip and kept in a cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path


class NotInstalledError(RuntimeError):
    """Error: a rival cannot be installed here; the message is the reason."""


def cache_folder() -> Path:
    """Return the folder of the environments."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "scai-irl" / "benchmarks"


def python_with(packages: tuple[str, ...]) -> Path:
    """Return the Python of an environment with some packages, created if necessary; without packages, this Python.

    Raises:
        NotInstalledError: If pip fails.
    """
    if not packages:
        return Path(sys.executable)
    mark = hashlib.sha256(" ".join((sys.version, *packages)).encode()).hexdigest()[:12]
    folder = cache_folder() / mark
    python = folder / "bin" / "python"
    finished = folder / "finished"
    if finished.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise NotInstalledError(f"{' '.join(packages)} cannot be installed: {last}")
    finished.touch()
    return python
