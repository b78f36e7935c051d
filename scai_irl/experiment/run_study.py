"""Run a function that returns a `Study` with a configuration, and write a results folder."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from scai_irl.backends.estimate import Estimate
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.model_options import ModelConfig
from scai_irl.io.errors import InputError
from scai_irl.language.instructions import instruction_hashes
from scai_irl.lm.ask import Question, ask
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.report.study import Study, keep
from scai_irl.results.folder import default_folder, opened
from scai_irl.results.manifest import MANIFEST, Manifest
from scai_irl.results.results import Results, load
from scai_irl.results.session import counted, stored

C = TypeVar("C", bound=ExperimentConfig)

CHECKPOINTS = ("epochs", "*.npz")
"""Files and folders that only an unfinished run needs; they are removed when the run finishes."""


@dataclass(frozen=True)
class Model:
    """Language model of a study.

    Attributes:
        backend: Backend that answers requests; in a run it stores calls in the results folder and respects the budget.
        tally: Calls and tokens so far.
    """

    backend: Backend
    tally: Tally = field(default_factory=Tally)

    @property
    def name(self) -> str:
        """Name of the model that answers."""
        return self.backend.model

    def ask(self, questions: Sequence[Question]) -> list[object | None]:
        """Ask all questions in one batch; repeat those with unreadable answers. None where no answer could be read."""
        return ask(self.backend, questions, self.tally)


StudyFunction = Callable[[C, Any], Study]
"""Function of a configuration and a `Model`; the model is None if the configuration has no options for one."""


def run_study(name: str, config: C, study: StudyFunction[C], formerly: str = "") -> Results:
    """Run or resume a study; a finished folder is only loaded.

    The function is called with the results folder in ``config.out``. Calls of a language model are stored there, so a
    resumed study repeats no call.

    Args:
        name: Name of the experiment.
        config: Its configuration.
        study: Computes the study.
        formerly: Name of the experiment in manifests of earlier versions, whose finished folders are only loaded.

    Raises:
        InputError: If the folder or the model cannot be used, or the study refuses the configuration.
    """
    settings = config.model_dump(mode="json")
    folder = config.out or default_folder(name, settings)
    if _finished_as(formerly, folder):
        return load(folder)
    here = config.model_copy(update={"out": folder})
    with contextlib.ExitStack() as stack:
        about: dict[str, object] = {"seed": config.seed}
        backend = None
        if isinstance(config, ModelConfig):
            backend = stack.enter_context(contextlib.closing(config.open_backend()))
            about |= {"backend": backend.name, "prompts": instruction_hashes()}
        begun = (folder / MANIFEST).exists()
        manifest = stack.enter_context(opened(folder, name, settings, **about))
        stack.enter_context(_removed_if_refused(folder, begun))
        if manifest.status != "finished":
            if backend is None or not isinstance(config, ModelConfig):
                computed = study(here, None)
            else:
                with counted(manifest, backend, folder), stored(backend, folder, config.budget) as limited:
                    model = Model(limited)
                    computed = study(here, model)
                manifest.counts = asdict(model.tally)
            keep(folder, manifest, computed)
        _remove_checkpoints(folder)
    return load(folder)


def estimate_study(config: C, study: StudyFunction[C], sample: Callable[[C], tuple[C, float]] | None) -> Estimate:
    """Estimate the cost of a study by running it with the phrasebook and counting the calls.

    Args:
        config: The configuration, with the options of a language model.
        study: Computes the study.
        sample: Function that returns a smaller configuration, and the factor by which the full one asks more.

    Raises:
        TypeError: If the configuration has no options of a language model.
    """
    if not isinstance(config, ModelConfig):
        raise TypeError(f"{type(config).__name__} names no language model")
    part, times = (config, 1.0) if sample is None else sample(config)
    nowhere = part.model_copy(update={"out": None})
    return config.estimate(lambda backend: study(nowhere, Model(backend)), times)


def _finished_as(name: str, folder: Path) -> bool:
    """Whether a folder is finished under an earlier name of the experiment."""
    if not name or not (folder / MANIFEST).exists():
        return False
    there = Manifest.read(folder)
    return there.experiment == name and there.status == "finished"


@contextlib.contextmanager
def _removed_if_refused(folder: Path, begun: bool) -> Iterator[None]:
    """Remove a new folder if the study refuses its configuration and wrote nothing."""
    try:
        yield
    except InputError:
        there = [file.name for file in folder.iterdir() if not file.name.startswith(".")]
        if not begun and there == [MANIFEST]:
            shutil.rmtree(folder)
        raise


def _remove_checkpoints(folder: Path) -> None:
    for pattern in CHECKPOINTS:
        for left in folder.glob(pattern):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
