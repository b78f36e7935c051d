"""Options of ``scai-irl slurm``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg


@dataclass
class Slurm:
    """Print or submit a Slurm job that runs a sweep; a job submitted again resumes where it stopped."""

    file: Annotated[Positional[Path], arg(help="The sweep, as a TOML file.")]
    out: Annotated[
        Path | None, arg(help="Folder of the sweep and its logs; a new one under results/ if not given.")
    ] = None
    array: Annotated[int | None, arg(help="Make a job array of this many tasks, each with a part of the cells.")] = None
    nodes: Annotated[int | None, arg(help="Make one job with a Ray cluster over this many nodes; 1 unless given.")] = (
        None
    )
    cpus_per_node: Annotated[
        int | None,
        arg(help="Processors of a node, or of a task of an array; whole nodes, or a cell's, unless given."),
    ] = None
    gpus_per_node: Annotated[int, arg(help="GPUs of each node, or of each task of an array.")] = 0
    model: Annotated[str | None, arg(help="Model that vLLM serves on every node for the cells.")] = None
    tensor_parallel: Annotated[int, arg(help="GPUs that share one copy of the model.")] = 1
    serve_extra: Annotated[
        tuple[str, ...], arg(help="Further arguments of `scai-irl serve`, as --serve-extra=--max-model-len=8192.")
    ] = ()
    time: Annotated[str | None, arg(help="Time limit, such as 04:00:00; the partition's unless given.")] = None
    partition: Annotated[str, arg(help="Partition; Slurm's default unless given.")] = ""
    account: Annotated[str, arg(help="Account to charge; your default unless given.")] = ""
    environment: Annotated[
        str | None,
        arg(help="Folder of the environment, or a command that activates it; the one of this program unless given."),
    ] = None
    sbatch_extra: Annotated[
        tuple[str, ...], arg(help="Further options of sbatch, as --sbatch-extra=--constraint=h200.")
    ] = ()
    submit: Annotated[bool, arg(help="Submit it, and print the job's number, instead of the script.")] = False
