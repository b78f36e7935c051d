"""Experiments as programs: ``python -m experiments.NAME``, or a user's own script."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import Any

import tyro
from rich.console import Console

from scai_irl.backends.estimate import Estimate
from scai_irl.experiment.config import check
from scai_irl.experiment.definition import Experiment, experiments_of
from scai_irl.io.command_line import options_of, parse
from scai_irl.io.errors import InputError
from scai_irl.io.process import prepare_process
from scai_irl.io.stop import stop, told_in_one_line
from scai_irl.report.show import show


def run_experiment(experiment: Experiment[Any], arguments: Sequence[str] | None = None) -> None:
    """Run an experiment with the options of a command line, and print its results.

    Args:
        experiment: The experiment.
        arguments: Words of the command line; those of this process if None.
    """
    prepare_process()
    reader = functools.partial(tyro.cli, options_of(experiment.config))
    options = parse(experiment.name, experiment.summary, reader, arguments)
    told_in_one_line(functools.partial(run_with_options, experiment, vars(options)))


def run_package(package: str | None) -> None:
    """Run an experiment of a package from the command line: its only one, or the one that the first word names.

    Args:
        package: Name of the package, which is ``__package__`` in its ``__main__.py``.
    """
    known = told_in_one_line(functools.partial(experiments_of, package or ""))
    arguments = sys.argv[1:]
    if len(known) == 1:
        (only,) = known.values()
        run_experiment(only, arguments)
    elif arguments and arguments[0] in known:
        run_experiment(known[arguments[0]], arguments[1:])
    elif not known:
        stop(f"experiment: {package} has none; name one with scai-irl run")
    else:
        stop(f"experiment: {package} has several; give one of {', '.join(known)} first")


def run_with_options(experiment: Experiment[Any], options: dict[str, Any]) -> None:
    """Check options, run the experiment and print its results; with ``dry_run``, print its estimated cost.

    Raises:
        InputError: If an option is wrong, or there is no estimate.
    """
    config = check(experiment.config, options)
    if not getattr(config, "dry_run", False):
        show(experiment.run(config))
    elif experiment.estimate is None:
        problem = f"{experiment.name} has no estimate of its cost"
        raise InputError("dry_run", problem, "leave it out to run, or give the experiment an estimate")
    else:
        print_estimate(experiment.estimate(config))


def print_estimate(estimate: Estimate) -> None:
    """Print a cost, with a line for each kind."""
    console = Console()
    for line in estimate.lines():
        console.print(line, highlight=False, markup=False, soft_wrap=True)
