"""Plan of a job from the command's options and the sweep, with all checks before it is submitted."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sysconfig
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scai_irl.backends.registry import SERVED
from scai_irl.backends.vllm.environment import VARIABLE
from scai_irl.backends.vllm.server_options import ServerOptions, check_options, own_name
from scai_irl.io.errors import InputError
from scai_irl.sweep.slurm.job import PORTS, Job, Served
from scai_irl.sweep.slurm.options import Slurm
from scai_irl.sweep.slurm.times import read_time
from scai_irl.sweep.sweep_cells import Cell
from scai_irl.sweep.sweep_definition import Resources, Sweep

_SBATCH_OURS = {
    "array": "array",
    "nodes": "nodes",
    "cpus-per-task": "cpus-per-node",
    "gpus-per-node": "gpus-per-node",
    "time": "time",
    "partition": "partition",
    "account": "account",
    "output": "out",
}
_SERVE_OURS = ("--host", "--port", "--public", "--tensor-parallel", "--data-parallel", "--key-file")
_MOST_COPIES = PORTS - 2
_WAITING = 2  # requests in flight for each that a copy computes, so that it never waits
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WORD = re.compile(r"[\w@+.,:][\w@+.,:-]*", re.ASCII)


def plan(command: Slurm, sweep: Sweep, cells: Sequence[Cell], out: Path) -> Job:
    """Check the options and return the job.

    Args:
        command: The command's options.
        sweep: The sweep.
        cells: Its cells.
        out: Its folder.

    Raises:
        InputError: For the first option that is wrong, or contradicts another or the sweep.
    """
    needs = sweep.resources
    _check_numbers(command)
    _check_shape(command, len(cells))
    command = replace(command, model=command.model or _model_of(command, cells))
    _check_without_model(command)
    _check_resources(command, needs)
    _check_words(command, out)
    cpus = command.cpus_per_node or (None if command.array is None else needs.cpus)
    job = Job(
        sweep=command.file.absolute(),
        out=out,
        folder=Path.cwd(),
        environment=activation(command.environment),
        array=command.array,
        nodes=command.nodes or 1,
        cpus=cpus,
        gpus=command.gpus_per_node,
        workers=1 if cpus is None or needs.gpus else cpus // needs.cpus,  # two on a GPU would fight for it
        cells=len(cells),
        cell_cpus=needs.cpus,
        served=None if command.model is None else _served(command, command.model, cells),
        seconds=None if command.time is None else read_time(command.time),
        partition=command.partition,
        account=command.account,
        extra=command.sbatch_extra,
        variables={VARIABLE: os.environ[VARIABLE]} if command.model and os.environ.get(VARIABLE) else {},
    )
    _check_ray(command)
    return job


def activation(environment: str | None) -> str:
    """Return the line of a script that activates an environment.

    Args:
        environment: Its folder, or a command; the environment of this program if None.

    Raises:
        InputError: If it is a path without an environment.

    Example:
        >>> activation("module load python/3.11")
        'module load python/3.11'
    """
    if environment is None:
        return f'export PATH={shlex.quote(sysconfig.get_path("scripts"))}:"$PATH"'
    folder = Path(environment).expanduser().absolute()
    if (folder / "bin" / "activate").is_file():
        return f"source {shlex.quote(str(folder / 'bin' / 'activate'))}"
    if (folder / "bin").is_dir():
        return f'export PATH={shlex.quote(str(folder / "bin"))}:"$PATH"'
    if not environment.strip() or (len(environment.split()) == 1 and "/" in environment) or folder.is_dir():
        hint = "give the folder of an environment, or a command that activates one"
        raise InputError("environment", f"{environment!r} has no folder bin", hint)
    return environment


def _check_numbers(command: Slurm) -> None:
    least = {"array": 1, "nodes": 1, "cpus_per_node": 1, "gpus_per_node": 0, "tensor_parallel": 1}
    for name, smallest in least.items():
        number = getattr(command, name)
        if number is not None and number < smallest:
            raise InputError(name.replace("_", "-"), f"{number} is too few", f"give {smallest} or more")


def _check_shape(command: Slurm, cells: int) -> None:
    if command.array is None:
        return
    if command.nodes is not None:
        problem = f"an array of {command.array} tasks and a cluster of {command.nodes} nodes exclude each other"
        raise InputError("array", problem, "give --array for tasks that run apart, or --nodes for one job")
    if command.model is not None:
        raise InputError("model", "tasks of an array have no servers", "give --nodes in the place of --array")
    if command.array > cells:
        raise InputError("array", f"there are {cells} cells for {command.array} tasks", f"give {cells} or less")


def _model_of(command: Slurm, cells: Sequence[Cell]) -> str | None:
    """Return the model that the job must serve, for cells that call a server and have no address."""
    lost = [cell for cell in cells if cell.options.get("backend") == SERVED and "url" not in cell.options]
    if not lost:
        return None
    if command.array is not None:
        hint = "give --nodes in the place of --array, or put url into the sweep's [settings]"
        raise InputError("array", "the sweep asks a server, and tasks of an array have none", hint)
    models = sorted({str(cell.options.get("model") or "") for cell in lost})
    if models == [""]:
        hint = "give --model, or put url into the sweep's [settings]"
        raise InputError("model", "the sweep asks a server, and does not say for which model", hint)
    if len(models) > 1:
        problem = f"the sweep uses several ({', '.join(filter(None, models))}), and a job serves one"
        raise InputError("model", problem, "make a sweep of each, or put url into its [settings]")
    return models[0]


def _check_without_model(command: Slurm) -> None:
    if command.model is None:
        for name, given in (("serve-extra", command.serve_extra), ("tensor-parallel", command.tensor_parallel > 1)):
            if given:
                raise InputError(name, "there is no model to serve", "give --model, or leave this out")


def _check_resources(command: Slurm, needs: Resources) -> None:
    cpus, gpus = command.cpus_per_node, command.gpus_per_node
    if cpus is not None and cpus < needs.cpus:
        hint = f"give {needs.cpus} or more, or lower resources.cpus of the sweep"
        raise InputError("cpus-per-node", f"{cpus} are fewer than the {needs.cpus} of one cell", hint)
    if command.model is not None and needs.gpus:
        hint = "set resources.gpus of the sweep to 0; cells that ask a server need none"
        raise InputError("model", "its servers take all GPUs, and the sweep's cells want some, too", hint)
    if gpus < needs.gpus:
        hint = "give more, or lower resources.gpus of the sweep"
        raise InputError("gpus-per-node", f"{gpus} are fewer than the {needs.gpus:g} of one cell", hint)
    if gpus and not needs.gpus and command.model is None:
        hint = "set resources.gpus of the sweep, give --model, or leave this out"
        problem = f"nothing would use the {gpus}: cells want none, and no model is served"
        raise InputError("gpus-per-node", problem, hint)


def _check_ray(command: Slurm) -> None:
    """Raise an error if the job needs Ray and this environment, which is the job's, has none."""
    if command.array is None and command.environment is None and importlib.util.find_spec("ray") is None:
        hint = "pip install 'scai-irl[cluster]', or give --array, which does without"
        raise InputError("nodes", "they are joined by Ray, which is not installed", hint)


def _check_words(command: Slurm, out: Path) -> None:
    """Check values in lines that Slurm reads by its own rules."""
    if _CONTROL.search(str(out)) or set(str(out)) & {'"', "\\"}:
        raise InputError("out", f"Slurm can make no log in {str(out)!r}", "give a path without quotes and backslashes")
    for name in ("partition", "account"):
        word = getattr(command, name)
        if word and not _WORD.fullmatch(word):
            raise InputError(name, f"{word!r} is no name", f"give the {name}'s name, as `sacctmgr` or `sinfo` show it")
    for option in command.sbatch_extra:
        if not option.startswith("--") or _CONTROL.search(option):
            raise InputError("sbatch-extra", f"{option!r} is no option", "write it as in --sbatch-extra=--mem=64G")
        if own := _SBATCH_OURS.get(option[2:].partition("=")[0]):
            raise InputError("sbatch-extra", f"{option} has an option of its own", f"use --{own}")


def _served(command: Slurm, model: str, cells: Sequence[Cell]) -> Served:
    """Check that the model can be served, and that the cells use it."""
    gpus, together = command.gpus_per_node, command.tensor_parallel
    if gpus % together or (together > 1 and gpus == 0):
        problem = f"{together} GPUs for a copy do not go into the {gpus} of a node"
        raise InputError("tensor-parallel", problem, "give a number that divides --gpus-per-node")
    copies = max(gpus // together, 1)
    if copies > _MOST_COPIES:
        problem = f"{copies} copies on a node are more than the {_MOST_COPIES} that there are ports for"
        raise InputError("tensor-parallel", problem, "give each copy more GPUs, or the job more nodes")
    check_options(ServerOptions(model, tensor_parallel=together))
    for word in command.serve_extra:
        if word.partition("=")[0] in _SERVE_OURS:
            raise InputError("serve-extra", f"{word} is the job's own affair", "leave it out")
    for cell in cells:
        if cell.options.get("backend") != SERVED:
            hint = f'put backend = "{SERVED}" into its [settings], or leave --model out'
            raise InputError("model", "the sweep does not ask a server", hint)
        if "url" in cell.options:
            raise InputError("settings.url", "only the job knows its servers", "remove it")
        if cell.options.get("model") not in (None, "", own_name(model)):
            problem = f"the sweep asks for {cell.options['model']}, and not for {own_name(model)}"
            raise InputError("model", problem, "serve that one, or take model out of the sweep")
    where = str(Path(model).resolve()) if Path(model).is_dir() else model
    served = Served(where, together, copies, command.serve_extra)
    set_already = {name for cell in cells for name in cell.options}
    at_once = _most_at_once(command.serve_extra)
    return replace(
        served,
        in_flight=None if "concurrency" in set_already else _WAITING * at_once if at_once else served.in_flight,
        timeout=None if "timeout" in set_already else served.timeout,
    )


def _most_at_once(words: Sequence[str]) -> int | None:
    """Return the requests that a server computes at once, if its arguments state them.

    Example:
        >>> _most_at_once(["--max-num-seqs=64"]), _most_at_once(["--max-num-seqs", "64"]), _most_at_once([])
        (64, 64, None)
    """
    limits = " ".join(words).replace("_", "-")
    limit = re.search(r"--max-num-seqs[ =](\d+)(?!\S)", limits, re.ASCII)
    return int(limit[1]) if limit else None
