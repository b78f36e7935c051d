"""A job of a Slurm cluster, and the script that ``sbatch`` takes: a Jinja template for each of its two shapes."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from scai_irl.sweep.on_ray import STORE
from scai_irl.sweep.slurm.times import write_time

SERVER_SECONDS = 1_800
"""Longest time that the servers of a job may take to start."""

RAY_SECONDS = 300
"""Longest time that Ray may take to have all nodes."""

PORTS = 20
"""Ports of a job on each of its nodes: two of Ray, and one for each copy of a model."""

_REQUEST_SECONDS = 600.0  # in which a server answers, though all cells ask it at once
_CPUS_OF_A_SERVER = 2  # of which one is busy as long as its GPU is
_SIGNAL_SECONDS = 60  # before the time limit; Slurm may be as much earlier
_PATIENCE = 600  # in which Slurm ends a job after its signal to stop
_PLAIN = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


@dataclass(frozen=True)
class Served:
    """A language model that a job serves, with vLLM, on every one of its nodes.

    Attributes:
        model: Folder of a checkpoint, or name on the Hugging Face hub.
        tensor_parallel: GPUs that share one copy of it.
        copies: Copies on a node, each a server of its own.
        extra: Further arguments of ``scai-irl serve``.
        in_flight: Requests in flight at a copy, from all cells together; None for the sweep's own value.
        timeout: Seconds after which a cell sends a request again; None for the sweep's own value.
    """

    model: str
    tensor_parallel: int = 1
    copies: int = 1
    extra: tuple[str, ...] = ()
    in_flight: int | None = 1_024
    timeout: float | None = _REQUEST_SECONDS


@dataclass(frozen=True)
class Job:
    """Definition of a job; paths are absolute.

    Attributes:
        sweep: File of the sweep.
        out: Its results folder.
        folder: Working folder, to which relative paths in the sweep's file refer.
        environment: Line of the script that activates the environment of ``scai-irl``.
        array: Tasks of a job array, each with a part of the sweep; None for a Ray cluster over the nodes.
        nodes: Nodes of a Ray cluster.
        cpus: Processors of a node, or of a task of an array; None for whole nodes.
        gpus: GPUs of a node, or of a task of an array.
        workers: Cells at a time in a task of an array.
        cells: Cells of the sweep.
        cell_cpus: Processors of a cell.
        served: Model to serve; None for none.
        seconds: Time limit; the partition's if None.
        partition: Partition; Slurm's default if empty.
        account: Account to charge; the user's default if empty.
        extra: Further options of ``sbatch``.
        variables: Variables of the environment that the job's programs need.
    """

    sweep: Path
    out: Path
    folder: Path
    environment: str
    array: int | None = None
    nodes: int = 1
    cpus: int | None = None
    gpus: int = 0
    workers: int = 1
    cells: int = 1
    cell_cpus: int = 1
    served: Served | None = None
    seconds: int | None = None
    partition: str = ""
    account: str = ""
    extra: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def job_script(job: Job) -> str:
    """Return the script of a job.

    Example:
        >>> job = Job(Path("/home/me/sweep.toml"), Path("/home/me/my results"), Path("/home/me"), ":", array=4, cpus=1)
        >>> print(job_script(job).splitlines()[-2].replace(chr(92), "…"))
        attend scai-irl sweep /home/me/sweep.toml --engine local --workers 1 …
    """
    model = job.served or Served("")
    return (
        _templates()
        .get_template("cluster.sh.j2" if job.array is None else "array.sh.j2")
        .render(
            sweep=str(job.sweep),
            out=str(job.out),
            folder=str(job.folder),
            environment=job.environment,
            variables=job.variables,
            options=sbatch_options(job),
            patience=_PATIENCE,
            array=job.array,
            workers=job.workers,
            nodes=job.nodes,
            steps=job.array is None and (job.nodes > 1 or job.served is not None),
            model=model.model,
            tensor_parallel=model.tensor_parallel,
            copies=model.copies,
            gpus=job.gpus,
            serve_extra=model.extra,
            in_flight=model.in_flight if job.served else None,
            timeout=model.timeout,
            server_log=_log(job, "-server-%N-"),
            server_seconds=SERVER_SECONDS,
            ports=PORTS,
            ray_log=f"{_log(job, '-ray-%N')}.out",
            ray_seconds=RAY_SECONDS,
            ray_gpus=0 if job.served else job.gpus,
            store=STORE,
            kept=_CPUS_OF_A_SERVER * model.copies if job.served else 0,
            cells=job.cells,
            cell_cpus=job.cell_cpus,
        )
    )


def sbatch_options(job: Job) -> list[str]:
    """Return the options of ``sbatch`` for the script.

    Example:
        >>> job = Job(Path("/s.toml"), Path("/my results"), Path("/"), ":", nodes=4, gpus=8, seconds=7200)
        >>> sbatch_options(job)[:2]
        ['--job-name=scai-irl-s', '--output="/my results/slurm-%j.out"']
    """
    name = re.sub(r"[^\w.-]", "-", job.sweep.stem)
    log = f"{_log(job, number='%j' if job.array is None else '%A_%a')}.out"
    options: dict[str, object] = {
        "--job-name": f"scai-irl-{name}",
        "--output": _sbatch_word(log),
        "--open-mode": "append",  # of a job that is requeued the first log stays
        "--signal": f"B:TERM@{_SIGNAL_SECONDS}",
        "--time": None if job.seconds is None else write_time(job.seconds),
        "--partition": job.partition or None,
        "--account": job.account or None,
        "--array": None if job.array is None else f"0-{job.array - 1}",
        "--nodes": job.nodes,
        "--ntasks-per-node": 1,
        "--cpus-per-task": job.cpus,
        "--mem": 0 if job.cpus is None else None,  # all that whole nodes have
        "--gpus-per-node": job.gpus or None,
    }
    words = [f"{name}={value}" for name, value in options.items() if value is not None]
    return [*words, "--requeue", *([] if job.cpus else ["--exclusive"]), *job.extra]


def _log(job: Job, what: str = "", number: str = "%j") -> str:
    """Return the path of a log without ``.out``; Slurm replaces parts that begin with a per cent sign."""
    folder = str(job.out).replace("%", "%%")
    return f"{folder}/slurm-{number}{what}"


def _sbatch_word(value: str) -> str:
    """Quote a value, which contains no quotes, for a line of the script that ``sbatch`` itself reads."""
    return value if _PLAIN.fullmatch(value) else f'"{value}"'


@functools.cache
def _templates() -> Environment:
    environment = Environment(  # noqa: S701 - it makes no HTML; the filter quotes for the shell
        loader=PackageLoader("scai_irl.sweep.slurm"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        comment_start_string="{%#",  # Jinja's own begins the length of an array in bash
        comment_end_string="#%}",
    )
    environment.filters["quoted"] = shlex.quote
    return environment
