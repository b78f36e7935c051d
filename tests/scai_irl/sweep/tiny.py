"""An experiment of milliseconds in a distribution of its own, like a user's, with faults on demand.

Its folder is on the path of this process and its children, so that workers find it, too.
"""

from __future__ import annotations

import os
from pathlib import Path

SOURCE = '''
"""Draws a number, and fails as it is told to."""

import errno
import os
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd

from envs.seeds import derive_seed
from matplotlib.figure import Figure
from pydantic import Field
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.io.errors import InputError
from scai_irl.experiment.definition import experiment
from scai_irl.io.files import telling_disk_errors
from scai_irl.results.findings import Finding
from scai_irl.report.study import Study


class Tiny(ExperimentConfig):
    """A number from a normal distribution."""

    level: float = Field(0.0, description="Its mean.")
    users: str = Field("fair", description="A word that the summary has a column for, too.")
    words: tuple[str, ...] = Field((), description="Words.")
    fault: str = Field("", exclude=True, description="What goes wrong.")
    seconds: float = Field(0.0, exclude=True, description="How long it takes.")
    log: Path | None = Field(None, exclude=True, description="File that gets a line each time.")


@experiment("tiny", "draws a number", config=Tiny)
def tiny(config, model):
    """Draw the number, or fail."""
    if config.log is not None:
        with config.log.open("a") as file:
            file.write(f"{config.level} {config.users} {config.seed}\\n")
    time.sleep(config.seconds)
    if config.fault == "input":
        raise InputError("fault", f"level {config.level}", "be lucky")
    if config.fault == "bug":
        raise KeyError("a bug")
    if config.fault in ("disk", "passing"):
        with telling_disk_errors(config.out):
            raise OSError(errno.ENOSPC if config.fault == "disk" else errno.ESTALE, "it failed")
    if config.fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    mark = config.log and config.log.with_suffix(f".{config.seed}")
    if config.fault.endswith(" once") and not mark.exists():
        mark.touch()
        if config.fault == "killed once":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.EIO, "it failed")
    value = np.random.default_rng(derive_seed(config.seed, "tiny", str(config.level))).normal(config.level)
    draws = pd.DataFrame({"users": [config.users], "value": [value], "threads": [os.environ.get("PJRT_NPROC", "")]})
    finding = Finding("How large?", config.users, "It is {value}.", value)
    return Study([finding], {"summary": draws}, figures={"empty": Figure()})

'''


def install(folder: Path) -> None:
    """Write the distribution into a folder of the path."""
    (folder / "tiny_for_sweeps.py").write_text(SOURCE, encoding="utf-8")
    metadata = folder / "tiny_for_sweeps-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-for-sweeps\nVersion: 1.0\n", encoding="utf-8")
    group = "[scai_irl.experiments]\ntiny = tiny_for_sweeps:tiny\n"
    (metadata / "entry_points.txt").write_text(group, encoding="utf-8")


def on_path(folder: Path) -> dict[str, str]:
    """Environment in which another process can import from a folder."""
    return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}
