"""Results folders open for writing; each belongs to one configuration, and to one process at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scai_irl.io.errors import InputError
from scai_irl.io.files import remove_partials, telling_disk_errors
from scai_irl.io.locks import locked
from scai_irl.results.manifest import MANIFEST, Manifest, config_hash, new_manifest

_LOCK, _OTHER = ".lock", "another process"
_RESULTS = Path("results")
_HASH_DIGITS = 10


def default_folder(experiment: str, config: Mapping[str, Any]) -> Path:
    """Default folder of a configuration, under ``results``.

    Example:
        >>> default_folder("some-experiment", {"runs": 20}).parent.name
        'results'
    """
    return _RESULTS / f"{experiment}-{config_hash(experiment, config)[:_HASH_DIGITS]}"


@contextlib.contextmanager
def opened(folder: Path, experiment: str, config: Mapping[str, Any], **more: Any) -> Iterator[Manifest]:
    """Open a results folder that is new, or that has the same configuration.

    Args:
        folder: The results folder.
        experiment: Name of the experiment.
        config: Its configuration.
        more: Further fields of a new manifest.

    Yields:
        The folder's manifest.

    Raises:
        InputError: If the folder holds another configuration or something else, is in use, or cannot be written to.
    """
    with telling_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    _has_begun(folder, experiment, config)  # before locking, so no lock is put into a foreign folder
    with locked(folder, _LOCK, _OTHER):
        begun = _has_begun(folder, experiment, config)  # again, because another process may have begun since
        remove_partials(folder)
        if begun:
            manifest = Manifest.read(folder)
        else:
            manifest = new_manifest(experiment, config, **more)
            manifest.write(folder)
        yield manifest


@contextlib.contextmanager
def reopened(folder: Path) -> Iterator[None]:
    """Open a finished results folder to add to it.

    Raises:
        InputError: If the folder is in use, or cannot be written to.
    """
    with locked(folder, _LOCK, _OTHER):
        remove_partials(folder)
        yield


def _has_begun(folder: Path, experiment: str, config: Mapping[str, Any]) -> bool:
    """Tell whether the folder holds results of this configuration; refuse a folder with anything else."""
    with telling_disk_errors(folder):
        there = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    if MANIFEST in there:
        _refuse_other_configuration(folder, experiment, config)
    elif there:
        hint = "give an empty folder, or a new one, with --out"
        raise InputError(str(folder), f"holds other files ({there[0]})", hint)
    return MANIFEST in there


def _refuse_other_configuration(folder: Path, experiment: str, config: Mapping[str, Any]) -> None:
    there = Manifest.read(folder)
    if there.config_hash == config_hash(experiment, config):
        return
    if there.experiment != experiment:
        difference = f"{there.experiment} there, {experiment} here"
    else:
        names = [name for name in {**there.config, **config} if there.config.get(name) != config.get(name)]
        difference = "; ".join(f"{n} is {there.config.get(n)} there, {config.get(n)} here" for n in names[:2])
    hint = "give another folder with --out, or repeat that configuration"
    raise InputError(str(folder), f"holds results of another configuration ({difference})", hint)
