"""Experiments as objects that the command line can find, without this floor importing the one above.

A script in ``experiments`` makes an `Experiment`; the entry-point group ``scai_irl.experiments`` of an installed
distribution (this one's, or a user's own) names it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from envs.plugins import Registry
from scai_irl.backends.estimate import Estimate
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.io.shadowed import check_not_hidden
from scai_irl.results.results import Results

C = TypeVar("C", bound=ExperimentConfig)


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


EXPERIMENTS: Registry[Experiment[Any]] = Registry("experiment", "scai_irl.experiments", Experiment, {})
"""Experiments by name, of all installed distributions."""


def find_experiments() -> dict[str, Experiment[Any]]:
    """Find the experiments of all installed distributions; those that are broken are left out, with a warning.

    Raises:
        InputError: If a folder of the user's hides this project's experiments.
    """
    check_not_hidden("experiments")
    return dict(EXPERIMENTS.items())
