"""``scai-irl slurm``: print the script of a job that runs a sweep on a Slurm cluster, or submit it."""

from __future__ import annotations

import shutil
import subprocess
import sys

from scai_irl.io.errors import InputError, printable
from scai_irl.results.folder import default_folder
from scai_irl.sweep.slurm.job import job_script
from scai_irl.sweep.slurm.options import Slurm
from scai_irl.sweep.slurm.plan import plan
from scai_irl.sweep.sweep_cells import cells_of, known_experiment, uncounted
from scai_irl.sweep.sweep_definition import read_sweep
from scai_irl.sweep.sweep_folder import SWEEP, alone

_SBATCH = "sbatch"


def slurm(command: Slurm) -> None:
    """Print or submit the job.

    Slurm writes its logs into the sweep's folder before the first cell begins, so the folder is prepared here.

    Raises:
        InputError: If the sweep or an option cannot be used, Slurm is not installed, or it refuses the job.
    """
    if command.submit and shutil.which(_SBATCH) is None:
        hint = "leave --submit out, and run the script on a machine with Slurm"
        raise InputError("submit", "there is no sbatch on this machine", hint)
    sweep = read_sweep(command.file)
    config = known_experiment(sweep).config
    written = sweep.written(uncounted(config))
    out = (command.out or default_folder(SWEEP, written)).absolute()
    job = plan(command, sweep, cells_of(sweep, config), out)
    script = job_script(job)
    with alone(out, written):
        pass
    if command.submit:
        print(submit(script))
        print(f"submitted; its logs are {printable(str(out))}/slurm-*.out", file=sys.stderr)
    else:
        print(script, end="")


def submit(script: str) -> str:
    """Submit a script, and return the number of the job.

    Raises:
        InputError: If Slurm refuses it.
    """
    done = subprocess.run([_SBATCH, "--parsable"], input=script, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        message = done.stderr.strip().removeprefix("sbatch: error: ") or f"exit status {done.returncode}"
        raise InputError(_SBATCH, f"Slurm refuses the job ({message})", "correct the option that it names")
    return done.stdout.strip().partition(";")[0]  # behind it, the cluster's name


OPTIONS, execute = Slurm, slurm
