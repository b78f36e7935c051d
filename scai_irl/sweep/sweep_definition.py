"""Definition of a sweep: an experiment, its settings, varied options, seeds, and the resources of a cell."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from scai_irl.io.errors import InputError

_MOST_SEEDS = 1_000_000
_OF_THE_SWEEP = {
    "seed": "name seeds with the sweep's own key, as in seeds = [0, 1, 2]",
    "out": "every cell has a folder of its own; name the sweep's with --out",
    "dry_run": "use scai-irl sweep FILE --dry-run",
}


class Resources(BaseModel):
    """Resources of one cell, and its number of retries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpus: int = Field(1, ge=1, le=10_000, description="Cores that a cell computes on.")
    gpus: float = Field(0, ge=0, le=1_000, description="GPUs of a cell: a share of one, or a whole number.")
    retries: int = Field(2, ge=0, le=1_000, description="Retries of a cell after its machine failed.")

    @field_validator("gpus")
    @classmethod
    def _share_or_number(cls, value: float) -> float:
        if value > 1 and value != int(value):
            raise ValueError(f"{value} is neither a share of one GPU nor a whole number; give 0.5, 1 or 2, say")
        return value


class Sweep(BaseModel):
    """One experiment for every combination of settings and seeds.

    Example:
        >>> sweep = Sweep(experiment="some-experiment", seeds={"first": 3, "count": 2}, grid={"lapse": [0.0, 0.1]})
        >>> sweep.seeds
        (3, 4)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: str = Field(description="Name of the experiment; `scai-irl list` names them.")
    seeds: tuple[int, ...] = Field(description="Seeds: a list, or {first = 0, count = 20}.")
    settings: dict[str, JsonValue] = Field({}, description="Options of the experiment that all cells share.")
    grid: dict[str, tuple[JsonValue, ...]] | None = Field(
        None, description="Values of options, of which every combination is run."
    )
    figures: bool = Field(False, description="Whether cells draw their figures.")
    resources: Resources = Field(Resources(), description="Resources of a cell.")

    @field_validator("seeds", mode="before")
    @classmethod
    def _listed_seeds(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        first, count = value.get("first", 0), value.get("count")
        if set(value) - {"first", "count"} or not isinstance(first, int) or not isinstance(count, int):
            raise ValueError("they are neither a list nor a first and a count; write {first = 0, count = 20}")
        if not 1 <= count <= _MOST_SEEDS:
            raise ValueError(f"a count of {count} makes no sense; give 1 to {_MOST_SEEDS:,}")
        return tuple(range(first, first + count))

    @field_validator("seeds")
    @classmethod
    def _distinct_seeds(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value:
            raise ValueError("there are none; give at least one")
        seen: set[int] = set()
        for seed in value:
            if seed < 0:
                raise ValueError(f"{seed} is negative; give 0 or more")
            if seed in seen:
                raise ValueError(f"{seed} stands there twice, and would give the same numbers; give each seed once")
            seen.add(seed)
        return value

    @field_validator("settings", "grid")
    @classmethod
    def _not_the_sweeps_own(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        for name in value or {}:
            if name in _OF_THE_SWEEP:
                raise ValueError(f"{name} is the sweep's own affair; {_OF_THE_SWEEP[name]}")
        return value

    @field_validator("grid")
    @classmethod
    def _something_varies(cls, value: dict[str, tuple[Any, ...]] | None) -> dict[str, tuple[Any, ...]] | None:
        if value == {}:
            raise ValueError("it is empty; name an option with its values, or leave [grid] out")
        for name, values in (value or {}).items():
            if not values:
                raise ValueError(f"{name} has no values; give some, as in {name} = [1, 2], or leave it out")
        return value

    def written(self, uncounted: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Return the settings that identify this sweep, without resources and options that do not affect results.

        Args:
            uncounted: Options of the experiment that do not affect results.
        """
        first, count = self.seeds[0], len(self.seeds)
        consecutive = self.seeds == tuple(range(first, first + count))
        return {
            "experiment": self.experiment,
            "seeds": {"first": first, "count": count} if consecutive else list(self.seeds),
            "settings": {name: value for name, value in self.settings.items() if name not in uncounted},
            "grid": {name: list(values) for name, values in (self.grid or {}).items()},
            "figures": self.figures,
        }


def read_sweep(path: Path) -> Sweep:
    """Read a sweep from a TOML file.

    Raises:
        InputError: If the file cannot be read, or a key is wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        raise InputError(str(path), "there is no such file", "give the path of a sweep, as a TOML file") from missing
    except OSError as refused:
        raise InputError(str(path), f"it cannot be read ({refused.strerror})", "give a file that can be") from refused
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise InputError(str(path), f"it is no TOML ({wrong})", "correct that place") from wrong
    return check_sweep(content)


def check_sweep(content: Mapping[str, Any]) -> Sweep:
    """Return a sweep from a user's keys and values.

    Raises:
        InputError: For the first wrong key.

    Example:
        >>> check_sweep({"experiment": "some-experiment", "seeds": [1, 1]})
        Traceback (most recent call last):
        scai_irl.io.errors.InputError: seeds: 1 stands there twice, and would give the same numbers; give each seed once
    """
    try:
        return Sweep.model_validate(dict(content))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "value_error":
            problem, _, hint = message.partition("; ")
            raise InputError(key, problem, hint) from wrong
        if first["type"] == "missing":
            raise InputError(key, "it is missing", f"add it: {Sweep.model_fields[key].description}") from wrong
        if first["type"] == "extra_forbidden":
            model = Resources if key.startswith("resources.") else Sweep
            raise InputError(key, "a sweep has no such key", f"there are {', '.join(model.model_fields)}") from wrong
        raise InputError(key, f"{first['input']!r} does not fit", message[0].lower() + message[1:]) from wrong
