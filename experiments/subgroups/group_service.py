"""Subgroups with norms of their own, found in what users do and served: each by an assistant with the group's norm.

Users of a society keep one of several norms and meet; nobody says who holds which. After so many games each way,
assistants draw what they follow from a posterior, once, and serve: with *group norms* one draw of who holds which norm
(`inference.discrete.named_groups`), and an assistant for each group of it; with *one pooled norm* one draw of the norm
that all users are taken to share; with *norms known* nothing is drawn. What is drawn is put into words, and what users
get is what is offered by following the words. Users are simulated, or played by the language model, which is told their
norms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from envs import Policy, Population, derive_key, derive_seed
from envs.society import meet
from experiments.subgroups.partition import adjusted_rand_index
from experiments.subgroups.satisfaction import mean_offers
from experiments.subgroups.setup import (
    HELD,
    STAKES,
    Meeting,
    Societies,
    draw_stakes,
    named,
    policies_held,
    societies,
)
from inference import thompson
from inference.discrete.families import NAMED_NORMS
from inference.discrete.named_groups import NamedGroups
from scai_irl.agents.assistant import Turn, make_offers, translate
from scai_irl.agents.users import ModelMeeting, UsersBy
from scai_irl.language.asking import Style
from scai_irl.language.phrases import say_policy
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally

GROUPS, POOLED, KNOWN = "group norms", "one pooled norm", "norms known"
WHERE = ("users", "held", "society", "games", "service")
_CURRENCY = "dollars"


@dataclass(frozen=True)
class ServicePlan:
    """What is simulated and asked.

    Attributes:
        populations: Norms that users hold, with their shares.
        held: How firmly, keys of `HELD`.
        societies: Societies of each kind.
        users: Users of each.
        games: Numbers of games, as proposer and as responder each, after which users are served.
        offers: Offers that each assistant makes.
        users_by: Who plays the users: a simulation, or the model.
        style: How the model is asked.
        seed: Root of all draws.
    """

    populations: tuple[Population, ...]
    held: tuple[str, ...] = tuple(HELD)
    societies: int = 20
    users: int = 20
    games: tuple[int, ...] = (1, 2, 4, 8)
    offers: int = 5
    users_by: UsersBy = "simulation"
    style: Style = field(default_factory=Style)
    seed: int = 0


@dataclass(frozen=True)
class Assistant:
    """An assistant and whom it serves.

    Attributes:
        where: Population, how firmly norms are held, society, games and service.
        norm: Norm that it follows, as an index into `NAMED_NORMS`.
        serves: How many users of each norm it serves.
        stakes: Stakes of its offers.
    """

    where: tuple[str, str, int, int, str]
    norm: int
    serves: Int[np.ndarray, "norm"]
    stakes: Int[np.ndarray, "offer"]

    @property
    def policy(self) -> Policy:
        """What it follows."""
        return policies_held(self.where[1])[self.norm]


def group_service(backend: Backend, plan: ServicePlan, tally: Tally) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find groups, serve them, and measure both.

    Args:
        backend: Who puts policies into words, and acts on them.
        plan: What is done.
        tally: What asking costs.

    Returns:
        Service, with the columns `WHERE` and ``norm``: ``gap`` is how far the mean offer of a user's assistant is from
        what users of her norm offer on average at the same stakes, averaged over users of that norm (NaN where there
        were no words, or no offer); ``policy_gap`` is the same of what assistants' policies offer on average, words and
        chance apart. Where the model plays the users, as many offers of theirs by each norm as an assistant makes take
        the place of the first average. And groups found, a line for each society and number of games above 0:
        ``right`` is the share of users whose most probable norm is their own, ``ari`` the adjusted Rand index of those
        groups, ``groups`` their number.
    """
    assistants: list[Assistant] = []
    found: list[tuple[object, ...]] = []
    for population, held in product(plan.populations, plan.held):
        meeting = _meeting(backend, plan, population, held, tally)
        kind = societies(population, held, plan.societies, plan.users, max(plan.games), plan.seed, meeting)
        for games in plan.games:
            groups = kind.groups_after(games)
            assistants += _assistants(kind, games, groups, plan)
            found += _found(kind, games, groups) if games else []  # before the first game there is nothing to find
    offered = _offered(backend, plan, assistants, tally)
    columns = [*WHERE[:4], "right", "ari", "groups"]
    by_users = _offered_by_users(backend, plan, assistants, tally) if plan.users_by == "model" else None
    return pd.DataFrame(gaps(assistants, offered, by_users)), pd.DataFrame(found, columns=columns)


def _meeting(backend: Backend, plan: ServicePlan, population: Population, held: str, tally: Tally) -> Meeting:
    """How users meet."""
    if plan.users_by == "simulation":
        return meet
    seed = derive_seed(plan.seed, "group-service", "users", named(population), held)
    return ModelMeeting(backend, _CURRENCY, seed, tally, plan.style)


def _found(kind: Societies, games: int, groups: NamedGroups) -> list[tuple[object, ...]]:
    """How well the groups found, by users' most probable norms, are those there are."""
    where = (named(kind.population), kind.held)
    lines: list[tuple[object, ...]] = []
    for society, found in enumerate(groups.assignment.argmax(axis=-1)):
        right, ari = float((found == kind.norm).mean()), adjusted_rand_index(found, kind.norm)
        lines.append((*where, society, games, right, ari, len(np.unique(found))))
    return lines


def _assistants(kind: Societies, games: int, groups: NamedGroups, plan: ServicePlan) -> Iterator[Assistant]:
    """Draw what is followed, and say who serves whom."""
    name = named(kind.population)
    path = ("group-service", name, kind.held, games)
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
            yield Assistant((name, kind.held, society, games, service), int(norm), serves, stakes[society])


def _offered(
    backend: Backend, plan: ServicePlan, assistants: Sequence[Assistant], tally: Tally
) -> Float[np.ndarray, "assistant"]:
    """Have every policy put into words and acted on, in two batches; the mean share that each assistant offers."""
    path = [("group-service", *one.where, NAMED_NORMS[one.norm]) for one in assistants]
    seeds = [derive_seed(plan.seed, *place, "translate") for place in path]
    texts = translate(backend, [one.policy for one in assistants], seeds, tally, plan.style)
    turns = [
        (number, Turn(text, _CURRENCY, int(stake), derive_seed(plan.seed, *path[number], "offer", offer)))
        for number, (one, text) in enumerate(zip(assistants, texts, strict=True))
        if text is not None
        for offer, stake in enumerate(one.stakes)
    ]
    shares: list[list[float]] = [[] for _ in assistants]
    made = make_offers(backend, [turn for _, turn in turns], tally, plan.style)
    for (number, turn), units in zip(turns, made, strict=True):
        if units is not None:
            shares[number].append(units / turn.stake)
    return np.array([np.mean(some) if some else np.nan for some in shares])


OfUsers = tuple[str, str, int, int, int]
"""Population, how firmly norms are held, society, games and norm."""


def _offered_by_users(
    backend: Backend, plan: ServicePlan, assistants: Sequence[Assistant], tally: Tally
) -> dict[OfUsers, float]:
    """Have users who are played by the model propose at their assistants' stakes; the mean share of each norm."""
    stakes = {(*one.where[:4], int(norm)): one.stakes for one in assistants for norm in np.flatnonzero(one.serves)}
    turns = [
        (place, Turn(say_policy(policies_held(place[1])[place[4]]), _CURRENCY, int(stake), seed))
        for place, of_place in stakes.items()
        for offer, stake in enumerate(of_place)
        for seed in [derive_seed(plan.seed, "group-service", "users offer", *place, offer)]
    ]
    shares: dict[OfUsers, list[float]] = {place: [] for place in stakes}
    made = make_offers(backend, [turn for _, turn in turns], tally, plan.style)
    for (place, turn), units in zip(turns, made, strict=True):
        if units is not None:
            shares[place].append(units / turn.stake)
    return {place: float(np.mean(some)) if some else float("nan") for place, some in shares.items()}


def gaps(
    assistants: Sequence[Assistant],
    offered: Float[np.ndarray, "assistant"],
    by_users: Mapping[OfUsers, float] | None = None,
) -> Iterator[dict[str, object]]:
    """A line for each society, number of games, service and norm that is held.

    Args:
        assistants: Who serves whom.
        offered: Mean share that each offers.
        by_users: Mean share that users of a norm offer; what the norm offers on average if not given.
    """
    low, high = STAKES
    expected = {held: mean_offers(policies_held(held), np.arange(low, high + 1)) for held in HELD}
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
