"""Fits of social preferences to people's choices, pooled or hierarchical, with cross-validation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Array, Key
from pydantic import Field, field_validator

from envs.seeds import derive_key
from inference.checks.diagnostics import diagnose
from inference.checks.integrated_loo import integrated_loo
from inference.checks.loo import Loo, loo
from inference.checks.pointwise import observations
from inference.continuous.family import HypothesisFamily
from inference.continuous.hierarchy import Hierarchical
from inference.continuous.one_shot import CesAltruism, CharnessRabin, FehrSchmidt, OneShotFamily, Reciprocity
from inference.continuous.strategy_method import StrategyMethod
from inference.infer import CONTINUOUS_METHODS, infer
from inference.samplers.nuts import Nuts
from inference.samplers.posterior import SampledPosterior
from scai_irl.data.human.choices import PROPOSER, human_evidence, human_strategies, pooled, subjects
from scai_irl.experiment.config import ExperimentConfig, some_distinct
from scai_irl.io.errors import InputError

PREFERENCES: dict[str, OneShotFamily] = {
    "fehr-schmidt": FehrSchmidt(),
    "charness-rabin": CharnessRabin(),
    "ces": CesAltruism(),
    "reciprocity": Reciprocity(),
}
"""Families to fit to people, by name; each has a rationality λ and a lapse ε."""

_OF_THOSE_AHEAD = {"fehr-schmidt": ("beta",), "charness-rabin": ("rho",), "reciprocity": ("beta", "gamma", "delta")}
"""Parameters that answers to offers of half or less do not identify. Answers identify only α + δ, so one of the two is
listed."""

POOLED, HIERARCHICAL = "pooled", "hierarchical"


class HumanNorms(ExperimentConfig):
    """Social preferences fitted to people: predictive performance of families, pooled and hierarchical."""

    data: Path = Field(description="Folder from `scai-irl import human`, or a data file.")
    source: str = Field("heffner", description="Data set of a data file: heffner or moblab.")
    families: tuple[str, ...] = Field(
        tuple(PREFERENCES), description="Families to fit to all people together: " + ", ".join(PREFERENCES) + "."
    )
    hierarchical: tuple[str, ...] = Field(
        (),
        description="Families to fit with parameters for each person and a population; takes minutes for hundreds "
        "of people.",
    )
    people: int | None = Field(
        None, ge=2, description="Number of people to draw at random for a quick look; all unless given."
    )
    method: str = Field("nuts", description="Method of inference: " + ", ".join(CONTINUOUS_METHODS) + ".")
    chains: int = Field(4, ge=2, le=64, description="Chains of NUTS.")
    warmup: int = Field(500, ge=10, description="Warm-up steps of NUTS.")
    draws: int = Field(500, ge=10, description="Draws of each chain of NUTS.")
    target_accept: float = Field(
        0.8, gt=0.5, lt=1, description="Target acceptance probability of NUTS; increase it if steps diverge."
    )

    @field_validator("families", "hierarchical")
    @classmethod
    def _known_families(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in PREFERENCES:
                raise ValueError(f"unknown family {name!r}; there are {', '.join(PREFERENCES)}")
        return some_distinct(value, "family") if value else value

    @field_validator("method")
    @classmethod
    def _known_method(cls, value: str) -> str:
        if value not in CONTINUOUS_METHODS:
            raise ValueError(f"unknown method {value!r}; there are {', '.join(CONTINUOUS_METHODS)}")
        return value

    @property
    def models(self) -> list[tuple[str, str]]:
        """(family, pooling) of each fit."""
        return [(name, POOLED) for name in self.families] + [(name, HIERARCHICAL) for name in self.hierarchical]


@dataclasses.dataclass(frozen=True)
class FittedPeople:
    """One fit.

    Attributes:
        family: Name of the family.
        pooling: ``pooled`` or ``hierarchical``.
        posterior: The posterior, of one run.
        loo: Cross-validation that leaves out choices.
        loo_people: Cross-validation that leaves out people, so it measures predictions for people who were not seen.
        warnings: Warnings about the fit.
        largest_r_hat: Largest R̂ of a coordinate; NaN for independent draws.
    """

    family: str
    pooling: str
    posterior: SampledPosterior
    loo: Loo
    loo_people: Loo
    warnings: list[str]
    largest_r_hat: float

    @property
    def name(self) -> str:
        """Family and pooling, as one name."""
        return f"{self.family} {self.pooling}"


def fit_people(
    choices: pd.DataFrame,
    plan: HumanNorms,
    on_steps: Callable[[str, int, int], None] | None = None,
    checkpoints: Path | None = None,
) -> Iterator[FittedPeople]:
    """Fit the models of a plan one after the other.

    Args:
        choices: Table with the columns `scai_irl.data.human.choices.CHOICE_COLUMNS`.
        plan: Families and method.
        on_steps: Called with the model, its steps done, and all its steps.
        checkpoints: Folder of the checkpoints of fits by NUTS.

    Yields:
        Each fit, when it is done.

    Raises:
        InputError: If the choices do not suit the plan.
    """
    if subjects(choices).max() == 0:
        hint = "give choices of two people or more"
        raise InputError("data", "has one person, but fits are compared by leaving out people in turn", hint)
    by_strategy = bool(choices["minimum"].notna().any())
    if by_strategy and plan.hierarchical:
        hint = "give --hierarchical no family"
        raise InputError("hierarchical", "people state one offer and one minimum, too few to distinguish them", hint)
    if by_strategy and choices["accepted"].notna().any():
        raise InputError("data", "has both answers and minimum acceptable offers", "fit them apart")
    for name, pooling in plan.models:
        yield _fit(choices, plan, name, pooling, on_steps, checkpoints)


def family_for(choices: pd.DataFrame, name: str) -> tuple[OneShotFamily, tuple[str, ...]]:
    """Fix at 0 the parameters of a family that the choices do not identify, and return their names."""
    family = PREFERENCES[name]
    if (choices["role"] == PROPOSER).any() or choices["minimum"].notna().any():
        return family, ()
    fixed = _OF_THOSE_AHEAD.get(name, ()) if (choices["offered_share"] <= 0.5).all() else ()
    return dataclasses.replace(family, fixed=tuple((parameter, 0.0) for parameter in fixed)), fixed


def _model(choices: pd.DataFrame, base: OneShotFamily, pooling: str) -> tuple[HypothesisFamily, Any]:
    """Model for the kind of choices, and the choices in its format."""
    if choices["minimum"].notna().any():
        return StrategyMethod(base=base), human_strategies(choices)
    people = human_evidence(choices)
    if pooling == POOLED:
        return base, pooled(people)
    return Hierarchical(base=base, rows=people.runs), people


def _fit(
    choices: pd.DataFrame,
    plan: HumanNorms,
    name: str,
    pooling: str,
    on_steps: Callable[[str, int, int], None] | None,
    checkpoints: Path | None,
) -> FittedPeople:
    base, fixed = family_for(choices, name)
    family, data = _model(choices, base, pooling)
    method = CONTINUOUS_METHODS[plan.method]
    if isinstance(method, Nuts):
        settings = {name: getattr(plan, name) for name in ("chains", "warmup", "draws", "target_accept")}
        method = dataclasses.replace(method, **settings)
    label = f"{name} {pooling}"
    posterior = infer(
        family,
        data,
        key=derive_key(plan.seed, "human-norms", name, pooling),
        method=method,
        allow_disagreement=True,
        on_steps=None if on_steps is None else lambda done, steps: on_steps(label, done, steps),
        checkpoint=None if checkpoints is None else checkpoints / f"{name}-{pooling}.npz",
    )
    diagnostics = diagnose(posterior)
    key = derive_key(plan.seed, "human-norms", name, pooling, "loo")
    by_choice, by_person = _cross_validated(posterior, choices, key)
    warnings = [f"{', '.join(fixed)} cannot be identified from choices like these; fixed at 0"] if fixed else []
    warnings += diagnostics.warnings()
    warnings += [f"choice by choice, {line}" for line in by_choice.warnings()]
    warnings += [f"person by person, {line}" for line in by_person.warnings()]
    r_hat = float(np.nanmax(diagnostics.table["r_hat"], initial=-np.inf))
    r_hat = r_hat if np.isfinite(r_hat) else float("nan")
    return FittedPeople(name, pooling, posterior, by_choice, by_person, warnings, r_hat)


def _cross_validated(posterior: SampledPosterior, choices: pd.DataFrame, key: Key[Array, ""]) -> tuple[Loo, Loo]:
    """Cross-validate by leaving out choices and by leaving out people."""
    if isinstance(posterior.family, Hierarchical):
        return integrated_loo(posterior, key)
    if isinstance(posterior.family, StrategyMethod):
        person = subjects(choices)
    else:
        people = human_evidence(choices)
        person = np.repeat(np.arange(people.runs), (people.offer_seen | people.answer_seen).sum(axis=1))
    # Each kind of observation (offers, answers, and the same for minimums) has an index for every choice.
    kinds = observations(posterior)[1].shape[1] // len(person)
    return loo(posterior, key=key), loo(posterior, groups=np.tile(person, kinds)[None], key=key)
