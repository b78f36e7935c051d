"""Experiments as objects that the command line can find, without this floor importing the one above.

A script in ``experiments`` makes an `Experiment`; the entry-point group ``scai_irl.experiments`` of an installed
distribution (this one's, or a user's own) names it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from scai_irl.backends.estimate import Estimate
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.io.errors import InputError
from scai_irl.io.shadowed import check_not_hidden
from scai_irl.results.results import Results

C = TypeVar("C", bound=ExperimentConfig)

_GROUP = "scai_irl.experiments"


@dataclass(frozen=True)
class Experiment(Generic[C]):
    """An experiment that can be run by name.

    Attributes:
        name: Name on the command line.
        summary: One line for ``--help`` and ``scai-irl list``.
        config: Its configuration.
        run: Runs it and returns its results; the same configuration continues, or finds, an earlier run.
        estimate: Says what it would cost, for a configuration with a ``dry_run``; None where there is no such thing.
    """

    name: str
    summary: str
    config: type[C]
    run: Callable[[C], Results]
    estimate: Callable[[C], Estimate] | None = None


def find_experiments() -> dict[str, Experiment[ExperimentConfig]]:
    """Find the experiments of all installed distributions.

    Raises:
        InputError: If one of them cannot be loaded.
    """
    found = {}
    for entry in sorted(entry_points(group=_GROUP), key=lambda entry: entry.name):
        try:
            found[entry.name] = entry.load()
        except Exception as broken:
            check_not_hidden(entry.module.partition(".")[0])
            mend = f"repair or uninstall the distribution {entry.dist.name if entry.dist else '(unknown)'}"
            raise InputError(entry.value, f"experiment cannot be loaded ({broken})", mend) from broken
    return found
