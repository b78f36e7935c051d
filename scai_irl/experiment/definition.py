"""Experiments: functions that return a study, with a name, a configuration and a command line.

The decorator `experiment` turns a function into an experiment. ``scai-irl run`` finds it by the entry-point group
``scai_irl.experiments`` of an installed distribution, which may be a user's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from envs.plugins import Registry
from scai_irl.backends.estimate import Estimate
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.model_options import ModelConfig
from scai_irl.experiment.run_study import Model, StudyFunction, estimate_study, run_study
from scai_irl.io.shadowed import check_not_hidden
from scai_irl.report.study import Study
from scai_irl.results.results import Results

C = TypeVar("C", bound=ExperimentConfig)


@dataclass(frozen=True)
class Experiment(Generic[C]):
    """An experiment that can be run by name.

    Attributes:
        name: Name on the command line.
        summary: One line for ``--help`` and ``scai-irl list``.
        config: Class of its configuration.
        run: Function that runs the experiment, and returns its results. It resumes or loads an earlier run of the same
            configuration.
        estimate: Function that estimates the cost without a language model; None if the experiment needs no model.
        study: Function that computes the study in memory.
    """

    name: str
    summary: str
    config: type[C]
    run: Callable[[C], Results]
    estimate: Callable[[C], Estimate] | None = None
    study: StudyFunction[C] | None = None

    def __call__(self, config: C, model: Model | None = None) -> Study:
        """Compute the study in memory, without a results folder.

        Raises:
            TypeError: If the experiment was not made by `experiment`.
        """
        if self.study is None:
            raise TypeError(f"{self.name} is no function of a configuration")
        return self.study(config, model)


def experiment(
    name: str,
    summary: str,
    *,
    config: type[C],
    sample: Callable[[C], tuple[C, float]] | None = None,
    formerly: str = "",
) -> Callable[[StudyFunction[C]], Experiment[C]]:
    """Make an experiment from a function ``(config, model) -> Study``.

    If ``config`` has the options of a language model (`scai_irl.experiment.model_options.LmConfig`), the function gets
    the model; otherwise it gets None. A dry run calls the function with the phrasebook and counts its calls.
    ``config.out`` is the results folder in a run, and None in a dry run.

    Args:
        name: Name on the command line.
        summary: One line for ``--help`` and ``scai-irl list``.
        config: Class of its configuration.
        sample: For a dry run that would take long: function that returns a smaller configuration, and the factor by
            which the full configuration asks more.
        formerly: Name in manifests of earlier versions, whose finished folders are only loaded.

    Example:
        >>> from scai_irl.results.findings import Finding
        >>> @experiment("seed", "returns its seed", config=ExperimentConfig)
        ... def seed(config: ExperimentConfig, model: Model | None) -> Study:
        ...     return Study([Finding("Which seed?", "", "It is {value}.", config.seed)])
        >>> seed(ExperimentConfig(seed=7)).findings[0].value
        7
    """

    def decorate(study: StudyFunction[C]) -> Experiment[C]:
        asks = issubclass(config, ModelConfig)
        return Experiment(
            name,
            summary,
            config,
            functools.partial(run_study, name, study=study, formerly=formerly),
            functools.partial(estimate_study, study=study, sample=sample) if asks else None,
            study,
        )

    return decorate


EXPERIMENTS: Registry[Experiment[Any]] = Registry("experiment", "scai_irl.experiments", Experiment, {})
"""Experiments by name, of all installed distributions."""


def find_experiments() -> dict[str, Experiment[Any]]:
    """Find the experiments of all installed distributions; skip broken ones with a warning.

    Raises:
        InputError: If a folder of the user's hides this project's experiments.
    """
    check_not_hidden("experiments")
    return dict(EXPERIMENTS.items())


def find_experiment(name: str) -> Experiment[Any]:
    """Find one experiment without importing the others.

    Raises:
        InputError: If a folder of the user's hides this project's experiments.
        PluginError: If it cannot be imported.
    """
    check_not_hidden("experiments")
    return EXPERIMENTS[name]


def experiments_of(package: str) -> dict[str, Experiment[Any]]:
    """Find the experiments that modules of a package define.

    Raises:
        InputError: If a folder of the user's hides this project's experiments.
        PluginError: If one of them cannot be imported.
    """
    check_not_hidden("experiments")
    return {name: EXPERIMENTS[name] for name in EXPERIMENTS.names_in(package)}
