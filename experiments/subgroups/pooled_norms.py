r"""A majority and a minority with distinct norms, served by one pooled norm or by group norms.

All numbers are expectations over assistants' posterior samples (Thompson sampling), so only the societies are random.
Let m_k be the mean offer of norm k. The gap of a user with norm n is

    one norm for all        Σ_k p(k | D) |m_k − m_n|                  all users are assumed to share a norm
    one mixture for all     Σ_w p(w | D) |Σ_k w_k m_k − m_n|          users are anonymous members of a mixture
    group norms             Σ_k p(z_i = k | D) |m_k − m_n|            each user keeps a norm
    (`inference.discrete.named_groups`)

The gap of a group is the mean over its users. Satisfaction (`experiments.subgroups.satisfaction`) is averaged in the
same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float
from pydantic import Field, ValidationInfo, field_validator

from envs import Population
from experiments.subgroups.satisfaction import mean_offers, satisfaction
from experiments.subgroups.setup import STAKES, Societies, members, policies_held, societies
from inference import infer
from inference.discrete.named_families import NAMED_NORMS
from scai_irl.experiment.config import ExperimentConfig, some_distinct

ONE_NORM, ONE_MIXTURE, GROUPS = "one norm for all", "one mixture for all", "group norms"
WHERE = ("held", "minority", "society", "service")


NormName = Literal["selfish", "fair", "altruistic"]


class PreferenceGroups(ExperimentConfig):
    """Preference groups: gap and satisfaction of the worst-served group under one pooled norm and under group norms."""

    majority: NormName = Field("altruistic", description="Norm of the majority.")
    minority: NormName = Field("selfish", description="Norm of the minority.")
    shares: tuple[float, ...] = Field((0.5, 0.4, 0.3, 0.2, 0.1, 0.05), description="Shares of users in the minority.")
    held: tuple[Literal["firmly", "loosely"], ...] = Field(
        ("firmly", "loosely"),
        description="How firmly users hold norms: firmly (λ 200, no slips) or loosely (λ 5, 25 % slips).",
    )
    societies: int = Field(40, ge=1, le=10_000, description="Number of societies of each kind.")
    users: int = Field(20, ge=2, le=1000, description="Number of users in a society.")
    games: int = Field(4, ge=1, le=1000, description="Number of interactions of each user in each role.")

    @field_validator("minority")
    @classmethod
    def _another_norm(cls, value: str, others: ValidationInfo) -> str:
        if value == others.data.get("majority"):
            raise ValueError(f"{value} is also the majority's norm; give another one")
        return value

    @field_validator("shares")
    @classmethod
    def _shares_of_a_minority(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        for share in value:
            if not 0 < share <= 0.5:
                raise ValueError(f"{share:g} is no share of a minority; give a number above 0 and at most 0.5")
        some_distinct(tuple(f"{share:g}" for share in value), "share")
        return value

    @field_validator("held")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(value, "way to hold norms")

    @field_validator("users")
    @classmethod
    def _somebody_in_each_group(cls, value: int, others: ValidationInfo) -> int:
        for share in others.data.get("shares", ()):
            norms = others.data.get("majority", "altruistic"), others.data.get("minority", "selfish")
            members(Population(norms, (1 - share, share)), value)
        return value

    def population(self, share: float) -> Population:
        """Population with the given share of the minority."""
        return Population((self.majority, self.minority), (1 - share, share))


def serve_minorities(plan: PreferenceGroups) -> pd.DataFrame:
    """Compute gap and satisfaction of both groups, for every society and service.

    Returns:
        A line for each society, service and group: `WHERE` with ``group`` (majority, minority), ``norm``, ``gap`` and
        ``satisfaction``.
    """
    low, high = STAKES
    stakes = np.arange(low, high + 1)
    lines: list[dict[str, object]] = []
    for firmness in plan.held:
        policies = policies_held(firmness)
        norms = [norm for policy in policies for _, norm in policy.parts]
        means = mean_offers(policies, stakes).mean(axis=1)
        worth = satisfaction(norms, policies, stakes)
        for share in plan.shares:
            kind = societies(plan.population(share), firmness, plan.societies, plan.users, plan.games, plan.seed)
            for service, followed, chance in _services(kind, plan.games):
                gap = np.abs((followed @ means)[:, None] - means)  # (followed, norm)
                measures = {"gap": chance @ gap, "satisfaction": chance @ (followed @ worth.T)}
                lines += _groups(plan, kind, (firmness, share), service, measures)
    return pd.DataFrame(lines)


def _services(
    kind: Societies, games: int
) -> Iterator[tuple[str, Float[np.ndarray, "followed norm"], Float[np.ndarray, "society #user followed"]]]:
    """Services, each with the norms or mixtures to follow, and their probabilities for each society and user."""
    each = np.eye(len(NAMED_NORMS))
    yield ONE_NORM, each, kind.pooled_after(games).probabilities[:, None]
    mixed = infer(kind.mixtures, kind.evidence(games, kind.count))
    yield ONE_MIXTURE, np.asarray(kind.mixtures.weights, float), mixed.probabilities[:, None]
    yield GROUPS, each, kind.groups_after(games).assignment


def _groups(
    plan: PreferenceGroups,
    kind: Societies,
    where: tuple[str, float],
    service: str,
    measures: dict[str, Float[np.ndarray, "society #user norm"]],
) -> Iterator[dict[str, object]]:
    """Lines of the table, with averages over the users of each group."""
    for society, (group, norm) in product(
        range(kind.count), (("majority", plan.majority), ("minority", plan.minority))
    ):
        number = NAMED_NORMS.index(norm)
        own = kind.norm == number
        line: dict[str, object] = dict(zip(WHERE, (*where, society, service), strict=True))
        line |= {"group": group, "norm": norm}
        for name, values in measures.items():
            of_users = np.broadcast_to(values[society], (len(own), len(NAMED_NORMS)))
            line[name] = float(of_users[own, number].mean())
        yield line
