"""Run a study: from a configuration and a function that finds things out to a results folder with findings.

This is for experiments that are over in seconds or that can go on from the record of their calls; those of many epochs
have `scai_irl.loop.run`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.model_options import ModelConfig
from scai_irl.language.instructions import instruction_hashes
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.report.study import Study, keep
from scai_irl.results.folder import default_folder, opened
from scai_irl.results.manifest import Manifest
from scai_irl.results.results import Results, load
from scai_irl.results.session import counted, kept


def run_study(name: str, config: ExperimentConfig, work: Callable[[], Study]) -> Results:
    """Find something out without a language model, and keep it; a finished folder is only read.

    Args:
        name: Name of the experiment.
        config: Its configuration.
        work: Finds it out.

    Raises:
        InputError: If the folder cannot be used.
    """
    with _folder(name, config) as (folder, manifest):
        if manifest.status != "finished":
            keep(folder, manifest, work())
    return load(folder)


def run_asking(name: str, config: ModelConfig, work: Callable[[Backend, Tally], Study]) -> Results:
    """Find something out by asking a language model; its calls are kept, so what was killed asks nothing twice.

    Args:
        name: Name of the experiment.
        config: Its configuration, which names the model.
        work: Finds it out, given whom to ask and where to count.

    Raises:
        InputError: If the folder or the model cannot be used.
    """
    told: Any = config
    with contextlib.closing(config.open_backend()) as backend:
        more = {"backend": backend.name, "prompts": instruction_hashes()}
        with _folder(name, told, **more) as (folder, manifest):
            if manifest.status != "finished":
                tally = Tally()
                with counted(manifest, backend, folder), kept(backend, folder, config.budget) as asked:
                    found = work(asked, tally)
                manifest.counts = asdict(tally)
                keep(folder, manifest, found)
    return load(folder)


@contextlib.contextmanager
def _folder(name: str, config: ExperimentConfig, **more: Any) -> Iterator[tuple[Path, Manifest]]:
    settings = config.model_dump(mode="json")
    folder = config.out or default_folder(name, settings)
    with opened(folder, name, settings, seed=config.seed, **more) as manifest:
        yield folder, manifest
