"""Typed configuration of experiments: every field is checked before anything is computed.

A configuration is a pydantic model, and its command-line options are made from it. The message of a validator is shown
unchanged as ``error: FIELD: MESSAGE``, so it contains the value and a hint.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from envs.contexts import CURRENCIES, MANNERS
from envs.norm_names import norm_name
from envs.population import Population, mixture
from envs.schedule import Schedule
from envs.utilities import UTILITIES
from inference import FAMILIES
from scai_irl.agents.registry import AGENTS, get_agent
from scai_irl.experiment.model_options import UsersConfig
from scai_irl.io.errors import InputError

_LARGEST_STAKE = 1_000_000
_MOST = 1_000_000

C = TypeVar("C", bound=BaseModel)


def check(config: type[C], values: Mapping[str, Any]) -> C:
    """Validate a configuration.

    Raises:
        InputError: For the first field that is wrong.

    Example:
        >>> check(GroupGameConfig, {"runs": 0})
        Traceback (most recent call last):
        scai_irl.io.errors.InputError: runs: 0 does not fit; input should be greater than or equal to 1
    """
    try:
        return config.model_validate(dict(values))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        field = ".".join(str(part) for part in first["loc"][:1]) or "configuration"
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "value_error":
            problem, _, hint = message.partition("; ")
            raise InputError(field, problem, hint or "correct it") from wrong
        raise InputError(field, f"{first['input']!r} does not fit", message[0].lower() + message[1:]) from wrong


class ExperimentConfig(BaseModel):
    """Options of every experiment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, ge=0, description="Root seed: the same command with the same seed gives the same numbers.")
    out: Path | None = Field(
        None, exclude=True, description="Results folder; if not given, a new one under results/ for each configuration."
    )


class PlayConfig(UsersConfig, ExperimentConfig):
    """Options of every experiment with the epoch loop."""

    runs: int = Field(20, ge=1, le=_MOST, description="Runs of each condition.")
    first_run: int = Field(
        0, ge=0, le=_MOST, description="Number of the first run. Any run can be repeated alone, with the same numbers."
    )
    epochs: int = Field(5, ge=1, le=1000, description="Epochs of a run; beliefs are updated after each.")
    group: tuple[str, ...] = Field(
        ("1v9", "5v5", "9v1"),
        description="Groups: 1v9, 5v5, 9v1 (assistants v users), or counts of pairings such as 3uu-2au-2ua-3aa.",
    )
    agents: tuple[str, ...] = Field(
        ("thompson", "posterior-mean", "map", "prior-only", "oracle"),
        description=f"How assistants choose their policy: {', '.join(AGENTS)}.",
    )
    currencies: tuple[str, ...] = Field(("dollars", "apples", "blankets"), description="Currencies; each run has one.")
    stakes: tuple[int, int] = Field((10, 100), description="Smallest and largest stake; each epoch has one stake.")
    rationality: float = Field(
        200.0, ge=0, le=1e6, description="Rationality of the users (inverse temperature, per share of the stake)."
    )
    lapse: float = Field(0.0, ge=0, le=1, description="Probability that a user slips and acts at random.")
    family: str = Field("named-norms", description="Hypotheses of the assistants; `scai-irl list` names the families.")

    @field_validator("group", "agents", "currencies")
    @classmethod
    def _separated_by_spaces(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if "," in name:
                raise ValueError(f"{name!r} has a comma; separate values by spaces, as in {name.replace(',', ' ')}")
        return value

    @field_validator("group")
    @classmethod
    def _known_groups(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            Schedule.named(name)
        return some_distinct(value, "group")

    @field_validator("agents")
    @classmethod
    def _known_agents(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            get_agent(name)
        return some_distinct(value, "agent")

    @field_validator("currencies")
    @classmethod
    def _known_currencies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in CURRENCIES:
                raise ValueError(f"unknown currency {name!r}; there are {', '.join(CURRENCIES)}")
        return some_distinct(value, "currency")

    @field_validator("stakes")
    @classmethod
    def _sensible_stakes(cls, value: tuple[int, int]) -> tuple[int, int]:
        low, high = value
        if low < 1:
            raise ValueError(f"a stake of {low} cannot be divided; give a smallest stake of 1 or more")
        if high < low:
            raise ValueError(f"the largest stake {high} is below the smallest {low}; give the smallest first")
        if high > _LARGEST_STAKE:
            raise ValueError(f"a stake of {high} is too large; give {_LARGEST_STAKE} at most")
        return value

    @field_validator("family")
    @classmethod
    def _known_family(cls, value: str) -> str:
        if value not in FAMILIES:
            raise ValueError(f"unknown family {value!r}; there are {', '.join(FAMILIES)}")
        return value


class GroupGameConfig(PlayConfig):
    """Options of the experiments on a group's norm in which users may talk."""

    manner: str = Field(
        "", description="Manner of users' messages: neutral, rude or sycophantic. Users are silent if not given."
    )

    @field_validator("manner")
    @classmethod
    def _known_manner(cls, value: str) -> str:
        return known_manners((value,))[0] if value else value


def known_manners(names: tuple[str, ...]) -> tuple[str, ...]:
    """Check that all names are manners.

    Raises:
        ValueError: If one is unknown.
    """
    for name in names:
        if name not in MANNERS:
            raise ValueError(f"unknown manner {name!r}; there are {', '.join(MANNERS)}")
    return names


def known_norms(names: tuple[str, ...]) -> tuple[str, ...]:
    """Check that norms and their parameters are known and that no norm repeats; return their standard names.

    Raises:
        ValueError: If one is not.

    Example:
        >>> known_norms(("fair", "offer=.30"))
        ('fair', 'offer=0.3')
    """
    return some_distinct(tuple(norm_name(name) for name in names), "norm")


def norm_without_parameters(name: str) -> str:
    """Check that a norm is known and has no parameters.

    Raises:
        ValueError: If it is not.
    """
    plain = [utility.name for utility in UTILITIES.values() if not utility.parameters]
    if name not in plain:
        raise ValueError(f"unknown norm {name!r}; there are {', '.join(plain)}")
    return name


def read_mixture(text: str) -> Population:
    """Read a population such as ``selfish=0.2,altruistic=0.8``.

    Raises:
        ValueError: If a norm is unknown or named twice, a weight is no number, or the weights do not sum to 1.

    Example:
        >>> read_mixture("selfish=0.2,altruistic=0.8").weights
        (0.2, 0.8)
    """
    weights: dict[str, float] = {}
    for pair in text.split(","):
        name, _, weight = pair.partition("=")
        norm = norm_without_parameters(name.strip())
        if norm in weights:
            raise ValueError(f"{text!r} names {norm} twice; give each norm one weight")
        try:
            weights[norm] = float(weight)
        except ValueError as wrong:
            raise ValueError(f"no weight in {pair!r}; write norm=weight, as in selfish=0.2") from wrong
    return mixture(weights)


def some_distinct(value: tuple[str, ...], what: str) -> tuple[str, ...]:
    """Check that a list is not empty and has no duplicates.

    Raises:
        ValueError: If it does not.
    """
    if not value:
        raise ValueError(f"none given; give at least one {what}")
    if len(set(value)) < len(value):
        raise ValueError(f"{', '.join(value)} has a duplicate; give each {what} once")
    return value
