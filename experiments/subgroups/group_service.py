"""Subgroups with distinct norms, inferred from users' interactions and served by assistants with the group's norm.

Each user of a society has one of several norms, and users meet; the assignment of norms is hidden. After a number of
interactions in each role, assistants sample norms from a posterior once, and serve users. With *group norms* they
sample the norm of each user (`inference.discrete.named_groups`), and each group has an assistant. With *one pooled
norm* they sample one norm that all users are assumed to share. With *norms known* nothing is sampled. Norms are put
into words, and assistants act on the texts. Users are simulated, or the language model plays them and is told their
norms.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from pydantic import Field, ValidationInfo, field_validator

from envs import Policy, Population, derive_key, derive_seed
from envs.society import meet
from experiments.subgroups.partition import adjusted_rand_index
from experiments.subgroups.satisfaction import mean_offers
from experiments.subgroups.setup import (
    FIRMNESS,
    STAKES,
    Meeting,
    Societies,
    draw_stakes,
    members,
    named,
    policies_held,
    societies,
)
from inference import thompson
from inference.discrete.named_families import NAMED_NORMS
from inference.discrete.named_groups import NamedGroups
from scai_irl.agents.assistant import Turn, make_offers, translate
from scai_irl.agents.users import ModelMeeting
from scai_irl.experiment.config import ExperimentConfig, read_mixture, some_distinct
from scai_irl.experiment.game_counts import rising
from scai_irl.experiment.model_options import UsersConfig
from scai_irl.experiment.run_study import Model
from scai_irl.language.phrases import say_policy

GROUPS, POOLED, KNOWN = "group norms", "one pooled norm", "norms known"
WHERE = ("users", "held", "society", "games", "service")
_CURRENCY = "dollars"


class SubgroupNorms(UsersConfig, ExperimentConfig):
    """Subgroups with distinct norms: inferred from behaviour, and each served by an assistant with the group's norm."""

    mixtures: tuple[str, ...] = Field(
        (
            "altruistic=0.5,selfish=0.5",
            "altruistic=0.8,selfish=0.2",
            "altruistic=0.2,selfish=0.8",
            "selfish=0.5,fair=0.5",
        ),
        description="Norms that users hold, as norm=share pairs; the shares of each sum to 1.",
    )
    held: tuple[Literal["firmly", "loosely"], ...] = Field(
        ("firmly", "loosely"),
        description="How firmly users hold norms: firmly (λ 200, no slips) or loosely (λ 5, 25 % slips).",
    )
    societies: int = Field(20, ge=1, le=10_000, description="Number of societies of each kind.")
    users: int = Field(20, ge=2, le=1000, description="Number of users in a society.")
    games: tuple[int, ...] = Field(
        (1, 2, 4, 8), description="Numbers of interactions of each user in each role after which users are served."
    )
    offers: int = Field(5, ge=1, le=1000, description="Number of offers of each assistant.")

    @field_validator("mixtures")
    @classmethod
    def _sound_mixtures(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        some_distinct(tuple(named(read_mixture(text)) for text in value), "mixture")
        return value

    @field_validator("held")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(value, f"of {', '.join(FIRMNESS)}")

    @field_validator("users")
    @classmethod
    def _somebody_in_each_group(cls, value: int, others: ValidationInfo) -> int:
        for text in others.data.get("mixtures", ()):
            members(read_mixture(text), value)
        return value

    @field_validator("games")
    @classmethod
    def _rising_games(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return rising(value, 0, 1000, "interactions")

    @functools.cached_property
    def populations(self) -> tuple[Population, ...]:
        """Norms that users hold, with their shares."""
        return tuple(map(read_mixture, self.mixtures))


@dataclass(frozen=True)
class Assistant:
    """An assistant and the users that it serves.

    Attributes:
        where: Population, firmness of norms, society, number of interactions and service.
        norm: Norm that the assistant follows, as an index into `NAMED_NORMS`.
        serves: Number of users of each norm that it serves.
        stakes: Stakes of its offers.
    """

    where: tuple[str, str, int, int, str]
    norm: int
    serves: Int[np.ndarray, "norm"]
    stakes: Int[np.ndarray, "offer"]

    @property
    def policy(self) -> Policy:
        """Policy that the assistant follows."""
        return policies_held(self.where[1])[self.norm]


def group_service(model: Model, plan: SubgroupNorms) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Infer groups, serve them, and measure both.

    Args:
        model: Language model that translates policies and acts on texts.
        plan: The design.

    Returns:
        Two tables. Service has the columns `WHERE` and ``norm``. ``gap`` is the distance between the mean offer of a
        user's assistant and the mean offer of users with her norm at the same stakes, averaged over users of that norm
        (NaN if there was no text or no offer). If the model plays the users, their mean is over as many offers as an
        assistant makes. ``policy_gap`` is the same distance for the expected offers of assistants' policies, without
        texts and chance. Groups found has a line for each society and number of interactions above 0: ``right`` is the
        share of users whose most probable norm is their own, ``ari`` the adjusted Rand index of these groups,
        ``groups`` their number.
    """
    assistants: list[Assistant] = []
    agreement: list[tuple[object, ...]] = []
    for population, firmness in product(plan.populations, plan.held):
        meeting = _meeting(model, plan, population, firmness)
        kind = societies(population, firmness, plan.societies, plan.users, max(plan.games), plan.seed, meeting)
        for games in plan.games:
            groups = kind.groups_after(games)
            assistants += _assistants(kind, games, groups, plan)
            agreement += (
                _found(kind, games, groups) if games else []
            )  # before the first interaction there are no groups to infer
    offered = _offered(model, plan, assistants)
    columns = [*WHERE[:4], "right", "ari", "groups"]
    by_users = _offered_by_users(model, plan, assistants) if plan.users_by == "model" else None
    return pd.DataFrame(gaps(assistants, offered, by_users)), pd.DataFrame(agreement, columns=columns)


def _meeting(model: Model, plan: SubgroupNorms, population: Population, firmness: str) -> Meeting:
    """Function that simulates meetings of users."""
    if plan.users_by == "simulation":
        return meet
    seed = derive_seed(plan.seed, "group-service", "users", named(population), firmness)
    return ModelMeeting(model.backend, _CURRENCY, seed, model.tally, plan.style)


def _found(kind: Societies, games: int, groups: NamedGroups) -> list[tuple[object, ...]]:
    """Agreement between inferred groups, by users' most probable norms, and true groups."""
    where = (named(kind.population), kind.firmness)
    lines: list[tuple[object, ...]] = []
    for society, inferred in enumerate(groups.assignment.argmax(axis=-1)):
        right, ari = float((inferred == kind.norm).mean()), adjusted_rand_index(inferred, kind.norm)
        lines.append((*where, society, games, right, ari, len(np.unique(inferred))))
    return lines


def _assistants(kind: Societies, games: int, groups: NamedGroups, plan: SubgroupNorms) -> Iterator[Assistant]:
    """Sample the norms of assistants, and assign users to them."""
    name = named(kind.population)
    path = ("group-service", name, kind.firmness, games)
    shared = thompson(derive_key(plan.seed, *path, "pooled"), kind.pooled_after(games), 1)
    followed = {
        GROUPS: groups.sample(derive_key(plan.seed, *path, "groups")),
        POOLED: np.broadcast_to(shared, (kind.count, plan.users)),
        KNOWN: np.broadcast_to(kind.norm, (kind.count, plan.users)),
    }
    stakes = draw_stakes(plan.seed, kind.count, plan.offers, *path, "stakes")
    for society, (service, norms) in product(range(kind.count), followed.items()):
        for norm in np.unique(norms[society]):
            serves = np.bincount(kind.norm[norms[society] == norm], minlength=len(NAMED_NORMS))
            yield Assistant((name, kind.firmness, society, games, service), int(norm), serves, stakes[society])


def _offered(model: Model, plan: SubgroupNorms, assistants: Sequence[Assistant]) -> Float[np.ndarray, "assistant"]:
    """Mean share that each assistant offers; policies are translated in one batch and acted on in another."""
    path = [("group-service", *one.where, NAMED_NORMS[one.norm]) for one in assistants]
    seeds = [derive_seed(plan.seed, *place, "translate") for place in path]
    texts = translate(model.backend, [one.policy for one in assistants], seeds, model.tally, plan.style)
    turns = [
        (number, Turn(text, _CURRENCY, int(stake), derive_seed(plan.seed, *path[number], "offer", offer)))
        for number, (one, text) in enumerate(zip(assistants, texts, strict=True))
        if text is not None
        for offer, stake in enumerate(one.stakes)
    ]
    shares: list[list[float]] = [[] for _ in assistants]
    offers = make_offers(model.backend, [turn for _, turn in turns], model.tally, plan.style)
    for (number, turn), units in zip(turns, offers, strict=True):
        if units is not None:
            shares[number].append(units / turn.stake)
    return np.array([np.mean(some) if some else np.nan for some in shares])


OfUsers = tuple[str, str, int, int, int]
"""Key of users: population, firmness of norms, society, number of interactions and norm."""


def _offered_by_users(model: Model, plan: SubgroupNorms, assistants: Sequence[Assistant]) -> dict[OfUsers, float]:
    """Mean share that users of each norm offer at their assistants' stakes, if the model plays them."""
    stakes = {(*one.where[:4], int(norm)): one.stakes for one in assistants for norm in np.flatnonzero(one.serves)}
    turns = [
        (place, Turn(say_policy(policies_held(place[1])[place[4]]), _CURRENCY, int(stake), seed))
        for place, of_place in stakes.items()
        for offer, stake in enumerate(of_place)
        for seed in [derive_seed(plan.seed, "group-service", "users offer", *place, offer)]
    ]
    shares: dict[OfUsers, list[float]] = {place: [] for place in stakes}
    offers = make_offers(model.backend, [turn for _, turn in turns], model.tally, plan.style)
    for (place, turn), units in zip(turns, offers, strict=True):
        if units is not None:
            shares[place].append(units / turn.stake)
    return {place: float(np.mean(some)) if some else float("nan") for place, some in shares.items()}


def gaps(
    assistants: Sequence[Assistant],
    offered: Float[np.ndarray, "assistant"],
    by_users: Mapping[OfUsers, float] | None = None,
) -> Iterator[dict[str, object]]:
    """Lines of the table of service, one for each society, number of interactions, service and norm.

    Args:
        assistants: Assistants with the users that they serve.
        offered: Mean share that each assistant offers.
        by_users: Mean share that users of a norm offer; the norm's expected offer if not given.
    """
    low, high = STAKES
    expected = {firmness: mean_offers(policies_held(firmness), np.arange(low, high + 1)) for firmness in FIRMNESS}
    sums: dict[tuple[object, ...], Float[np.ndarray, "number"]] = {}
    for one, share in zip(assistants, offered, strict=True):
        on_average = expected[one.where[1]][:, one.stakes - low].mean(axis=1)
        for norm in np.flatnonzero(one.serves):
            own = on_average[norm] if by_users is None else by_users[*one.where[:4], int(norm)]
            off = (abs(share - own), abs(on_average[one.norm] - on_average[norm]), 1.0)
            group = (*one.where, NAMED_NORMS[norm])
            sums[group] = sums.get(group, np.zeros(3)) + one.serves[norm] * np.array(off)
    for place, (gap, policy_gap, users) in sums.items():
        line = dict(zip((*WHERE, "norm"), place, strict=True))
        yield line | {"gap": gap / users, "policy_gap": policy_gap / users}
