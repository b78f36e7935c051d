"""Cells of a sweep: each combination of settings with each seed, with a name that states the varied settings.

The experiment's own configuration checks all cells before the first one runs.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from scai_irl.experiment.config import ExperimentConfig, check
from scai_irl.experiment.definition import Experiment, find_experiments
from scai_irl.io.errors import InputError
from scai_irl.sweep.sweep_definition import Sweep

_LONGEST = 120  # characters of a name; file systems allow 255 bytes
_DIGITS = 8
_MOST = 1_000_000
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Cell:
    """One run of the experiment.

    Attributes:
        name: Name of its folder.
        varied: Varied options, in the sweep's order.
        options: All given options of the experiment, including the varied ones.
        seed: Seed.
    """

    name: str
    varied: Mapping[str, Any]
    options: Mapping[str, Any]
    seed: int


def known_experiment(sweep: Sweep) -> Experiment[ExperimentConfig]:
    """Return the experiment of a sweep.

    Raises:
        InputError: If the name is unknown.
    """
    known = find_experiments()
    if sweep.experiment not in known:
        raise InputError("experiment", f"there is no {sweep.experiment!r}", f"give one of {', '.join(known)}")
    return known[sweep.experiment]


def uncounted(config: type[ExperimentConfig]) -> frozenset[str]:
    """Return the options that do not affect results, such as addresses; the hash of a results folder omits them."""
    return frozenset(name for name, field in config.model_fields.items() if field.exclude)


def cells_of(sweep: Sweep, config: type[ExperimentConfig]) -> list[Cell]:
    """Return the cells of a sweep in its order; seeds vary fastest.

    Args:
        sweep: The sweep.
        config: Configuration of its experiment.

    Raises:
        InputError: For the first option that is wrong, is given twice, or varies without effect.

    Example:
        >>> from scai_irl.experiment.config import GroupGameConfig
        >>> sweep = Sweep(experiment="some-experiment", seeds=[7], grid={"agents": [["map"], ["map", "oracle"]]})
        >>> [cell.name for cell in cells_of(sweep, GroupGameConfig)]
        ['agents=map,seed=7', 'agents=map+oracle,seed=7']
    """
    grid = sweep.grid or {}
    for where, names in (("settings", sweep.settings), ("grid", grid)):
        for name in names:
            _refuse_unknown(where, name, config)
    for name in grid:
        if name in sweep.settings:
            raise InputError(f"grid.{name}", "it is in settings, too", "remove it from one of the two")
    number = len(sweep.seeds)
    for values in grid.values():
        number *= len(values)
    if number > _MOST:
        raise InputError("grid", f"it makes {number:,} cells", f"make several sweeps of at most {_MOST:,}")
    cells: list[Cell] = []
    seen: dict[bytes, str] = {}
    for values in product(*grid.values()):
        varied = dict(zip(grid, values, strict=True))
        options = {**sweep.settings, **varied}
        for seed in sweep.seeds:
            cell = Cell(cell_name(varied, seed), varied, options, seed)
            same = seen.setdefault(_numbers(cell, config), cell.name)
            if same is not cell.name:
                problem = f"{cell.name} would give the same numbers as {same}"
                raise InputError("grid", problem, "give each value once, and only options that change numbers")
            cells.append(cell)
    _refuse_equal_names(cells)
    return cells


def cell_name(varied: Mapping[str, Any], seed: int) -> str:
    """Return the name of a cell, which is also its folder's name; a digest replaces characters that are not allowed.

    Example:
        >>> cell_name({"rationality": 5.0, "agents": ["thompson", "map"]}, 1)
        'rationality=5.0,agents=thompson+map,seed=1'
        >>> cell_name({"users": "a/b"}, 1)
        'users=a_b,seed=1~a2587cb9'
    """
    exact = {name: written(value) for name, value in varied.items()}
    safe = {name: "+".join(_UNSAFE.sub("_", word) for word in _words(value)) for name, value in varied.items()}
    name = ",".join(f"{option}={value}" for option, value in {**safe, "seed": str(seed)}.items())
    if safe == exact and len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(json.dumps([dict(varied), seed]).encode()).hexdigest()[:_DIGITS]
    return f"{name[: _LONGEST - _DIGITS - 1]}~{digest}"


def written(value: Any) -> str:
    """Return a value as one word.

    Example:
        >>> written(True), written(0.5), written(["fair", "selfish"])
        ('true', '0.5', 'fair+selfish')
    """
    return "+".join(_words(value))


def _words(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [word for one in value for word in _words(one)]
    return [value if isinstance(value, str) else json.dumps(value)]


def _refuse_unknown(key: str, name: str, config: type[ExperimentConfig]) -> None:
    options = list(config.model_fields)
    if name not in options:
        close = difflib.get_close_matches(name, options, n=1)
        hint = f"perhaps you meant {close[0]}" if close else f"there are {', '.join(options)}"
        raise InputError(f"{key}.{name}", "the experiment has no such option", hint)


def _numbers(cell: Cell, config: type[ExperimentConfig]) -> bytes:
    """Compute a digest of the checked options that affect a cell's results."""
    try:
        checked = check(config, {**cell.options, "seed": cell.seed})
    except InputError as wrong:
        where = "grid" if wrong.field in cell.varied else "settings"
        field = f"{where}.{wrong.field}" if wrong.field in cell.options else wrong.field
        raise InputError(field, wrong.problem, wrong.hint) from wrong
    return hashlib.sha256(checked.model_dump_json().encode()).digest()


def _refuse_equal_names(cells: list[Cell]) -> None:
    """Raise an error for two cells with one name, which can only come from values such as ["a", "b"] and "a+b"."""
    names: set[str] = set()
    for cell in cells:
        if cell.name in names:
            raise InputError("grid", f"two cells would be called {cell.name}", "write values that differ")
        names.add(cell.name)
