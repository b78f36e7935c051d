"""Manifest of a results folder: configuration, versions, machine and status."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from scai_irl.io.errors import InputError
from scai_irl.io.files import write_json

MANIFEST = "manifest.json"
_PACKAGES = ("scai-irl", "jax", "jaxlib", "numpyro", "optax", "arviz", "numpy", "pandas", "pyarrow", "xarray")


class Displayed(BaseModel):
    """A table that ``scai-irl show`` prints.

    Attributes:
        table: Name of a CSV file in the folder, without its ending.
        title: Title of the printed table.
        remark: A sentence below the table.
    """

    model_config = ConfigDict(extra="forbid")

    table: str
    title: str
    remark: str = ""


class Manifest(BaseModel):
    """Description of a results folder.

    Attributes:
        experiment: Name of the experiment, or of the importer.
        config: Its configuration.
        config_hash: SHA-256 of experiment and configuration; a folder holds one.
        status: Whether it has finished.
        seed: Root seed, if any.
        backend: Language-model backend, if any.
        model: Model that answered.
        service: Number of recovered problems of its servers, by kind, over all sessions.
        prompts: SHA-256 of each instruction file.
        versions: Versions of the packages that numbers depend on.
        python: Version of Python.
        host: Kind of machine.
        git_commit: Commit of the checkout that ran, if any.
        started: Time of the first start, UTC.
        finished: Time of the end, UTC.
        counts: Counts by name: calls, failures, tokens.
        displayed: Tables that ``scai-irl show`` prints, in order.
        remarks: Sentences that ``scai-irl show`` prints below them, such as warnings.
    """

    model_config = ConfigDict(extra="forbid")

    experiment: str
    config: dict[str, Any]
    config_hash: str
    status: Literal["running", "finished"] = "running"
    seed: int | None = None
    backend: str | None = None
    model: str | None = None
    service: dict[str, int] = {}
    prompts: dict[str, str] = {}
    versions: dict[str, str]
    python: str
    host: str
    git_commit: str | None = None
    started: str
    finished: str | None = None
    counts: dict[str, int] = {}
    displayed: list[Displayed] = []
    remarks: list[str] = []

    def finish(self, folder: Path) -> None:
        """Mark the folder as finished and write the manifest."""
        self.status = "finished"
        self.finished = now()
        self.write(folder)

    def write(self, folder: Path) -> None:
        """Write the manifest into its folder."""
        write_json(folder / MANIFEST, self.model_dump())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read a folder's manifest.

        Raises:
            InputError: If there is none, or it is damaged.
        """
        path = folder / MANIFEST
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as missing:
            hint = "give the path of a folder that scai-irl wrote"
            raise InputError(str(folder), "no results folder (it has no manifest.json)", hint) from missing
        except (ValidationError, UnicodeDecodeError) as damaged:
            raise InputError(str(path), "not a manifest that can be read", "restore it from a copy") from damaged
        except OSError as refused:
            raise InputError(str(path), str(refused), "give a folder that can be read") from refused


def new_manifest(experiment: str, config: Mapping[str, Any], **more: Any) -> Manifest:
    """Make the manifest of a new run."""
    return Manifest(
        experiment=experiment,
        config=dict(config),
        config_hash=config_hash(experiment, config),
        versions=_versions(),
        python=platform.python_version(),
        host=f"{platform.system()} {platform.machine()}",
        git_commit=_git_commit(),
        started=now(),
        **more,
    )


def config_hash(experiment: str, config: Mapping[str, Any]) -> str:
    """SHA-256 of an experiment's name and configuration.

    Example:
        >>> config_hash("a", {"runs": 1})[:6]
        '728931'
    """
    text = json.dumps([experiment, dict(config)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def now() -> str:
    """Time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # run from a checkout that is not installed
    return versions


def _git_commit() -> str | None:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None
