"""Check of the nodes of a Ray cluster, before the first cell is sent to one."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scai_irl.io.errors import InputError
from scai_irl.results.manifest import MANIFEST
from scai_irl.sweep import probe
from scai_irl.sweep.sweep_definition import Resources

_PACKAGES = ("scai-irl", "jax", "jaxlib", "numpyro", "numpy")
"""Distributions whose versions affect results."""

_PATIENCE = 180.0  # seconds; all cores of a node may be busy


def check_nodes(ray: Any, folder: Path, resources: Resources) -> None:
    """Check that cells can run on every node, and that some node is large enough.

    Args:
        ray: The module, connected.
        folder: Folder of the sweep.
        resources: Resources of a cell.

    Raises:
        InputError: If a node lacks something, or none is large enough.
    """
    nodes = _alive(ray)
    if not some_node_has_room(ray, resources):
        largest = {
            name: max((node["Resources"].get(name, 0.0) for node in nodes), default=0.0) for name in ("CPU", "GPU")
        }
        problem = f"no node has {resources.cpus} cores and {resources.gpus:g} GPUs"
        hint = f"ask for at most {largest['CPU']:g} and {largest['GPU']:g}, or add a larger node"
        raise InputError("resources", problem, hint)
    wanted = {name: importlib.metadata.version(name) for name in _PACKAGES}
    for address, node_info in _looks(ray, nodes, folder / MANIFEST):
        lacking = what_it_lacks(node_info, wanted, folder)
        if lacking:
            raise InputError(f"node {address} ({node_info['host']})", *lacking)


def what_it_lacks(node_info: Mapping[str, str], wanted: Mapping[str, str], folder: Path) -> tuple[str, str] | None:
    """Return the problem of a node with a hint; None if it lacks nothing.

    Args:
        node_info: Result of `scai_irl.sweep.probe.look`.
        wanted: Versions by distribution.
        folder: Folder of the sweep.
    """
    if not node_info["module"] or not node_info["scai-irl"]:
        return "it has no scai-irl", "install it there, in the environment that Ray runs in"
    for name, version in wanted.items():
        if node_info[name] != version:
            return f"it has {name} {node_info[name] or '(none)'}, not {version}", "install the same versions everywhere"
    if not node_info["file"]:
        return f"it does not see {folder}", "give a folder that all nodes share, with --out"
    return None


def some_node_has_room(ray: Any, resources: Resources) -> bool:
    """Return whether a cell could run on some node if nothing else ran there."""
    return any(
        node["Resources"].get("CPU", 0.0) >= resources.cpus and node["Resources"].get("GPU", 0.0) >= resources.gpus
        for node in _alive(ray)
    )


def _alive(ray: Any) -> list[Mapping[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def _looks(ray: Any, nodes: Sequence[Mapping[str, Any]], file: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the address and the contents of each node; nodes that die in the meantime are left out."""
    strategies: Any = importlib.import_module("ray.util.scheduling_strategies")
    on = strategies.NodeAffinitySchedulingStrategy
    addresses = {}
    ray.cloudpickle.register_pickle_by_value(probe)
    try:
        for node in nodes:
            look = ray.remote(probe.look).options(num_cpus=0, scheduling_strategy=on(node["NodeID"], soft=False))
            addresses[look.remote(_PACKAGES, "scai_irl", str(file))] = str(node["NodeManagerAddress"])
    finally:
        ray.cloudpickle.unregister_pickle_by_value(probe)
    looks = list(addresses)
    silent = set(ray.wait(looks, num_returns=len(looks), timeout=_PATIENCE)[1])
    gone = (ray.exceptions.TaskUnschedulableError, ray.exceptions.NodeDiedError)
    for look, address in addresses.items():
        if look in silent:
            problem = f"it did not answer within {_PATIENCE:.0f} s"
            raise InputError(f"node {address}", problem, "look after it, or take it out of the cluster")
        try:
            yield address, ray.get(look)
        except gone:
            continue
        except ray.exceptions.RayError as broken:
            problem = f"no worker can be started there ({str(broken).splitlines()[-1]})"
            raise InputError(f"node {address}", problem, "look after it, or take it out of the cluster") from broken
