"""Experiments and backends from Python; keywords are the options of the command line, with the same checks."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel

from scai_irl.experiment.config import check
from scai_irl.experiment.entries import experiment_entries
from scai_irl.experiment.model_options import ModelConfig
from scai_irl.io.errors import InputError
from scai_irl.lm.protocol import Backend
from scai_irl.results.results import Results

C = TypeVar("C", bound=BaseModel)


def run(experiment: str, **options: Any) -> Results:
    """Run or resume an experiment; a finished run with the same options is only loaded.

    Args:
        experiment: Name of the experiment; ``scai-irl list`` prints all names.
        options: Options of ``scai-irl run EXPERIMENT --help`` as keywords, with underscores.

    Returns:
        Tables, figures, findings and posteriors. They are stored in the folder ``out``, or in a new folder under
        ``results``.

    Raises:
        InputError: If there is no such experiment, or an option is wrong.

    Example:
        >>> import tempfile
        >>> import scai_irl as si
        >>> options = {"users": ["fair"], "group": ["5v5"], "agents": ["oracle"], "runs": 1, "epochs": 1}
        >>> results = si.run("one-group-norm", **options, seed=7, out=tempfile.mkdtemp())
        >>> len(results.interactions)
        10
    """
    entries = experiment_entries()
    if experiment not in entries:
        raise InputError("experiment", f"there is no {experiment!r}", _hint(experiment, list(entries)))
    chosen = entries[experiment].experiment()
    config = checked(experiment, chosen.config, options)
    if getattr(config, "dry_run", False):
        raise InputError("dry_run", "a dry run has no results", f"use scai-irl run {experiment} --dry-run")
    return chosen.run(config)


def make_backend(name: str, **options: Any) -> Backend:
    """Open a backend, which answers requests to a language model.

    Args:
        name: Name of a backend: phrasebook, embedded, vllm-server, vllm-offline, replay, or a plug-in's.
        options: Fields of `scai_irl.experiment.model_options.ModelConfig` by keyword, such as ``model``, ``url``,
            ``concurrency`` and ``timeout``.

    Raises:
        InputError: If there is no such backend, or an option is wrong.

    Example:
        >>> import scai_irl as si
        >>> si.make_backend("embedded", model="bayes").name
        'embedded'
    """
    if isinstance(options.get("url"), str):
        options["url"] = (options["url"],)
    return checked(name, ModelConfig, {"backend": name, **options}).open_backend()


def checked(what: str, config: type[C], options: Mapping[str, Any]) -> C:
    """Make a configuration from keywords.

    Args:
        what: Subject of the options, for messages.
        config: The configuration.
        options: Values by name.

    Raises:
        InputError: For the first keyword that is no option or has a wrong value.
    """
    for name in options:
        if name not in config.model_fields:
            raise InputError(name, f"{what} has no such option", _hint(name, list(config.model_fields)))
    return check(config, options)


def _hint(name: str, names: list[str]) -> str:
    similar = get_close_matches(name, names)
    return f"perhaps you meant {' or '.join(similar)}" if similar else f"give one of {', '.join(names)}"
