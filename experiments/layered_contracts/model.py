"""Assistants that act for people in roles, under laws, role floors and preferences inferred from behaviour.

In a society each person has a target, each role has a floor, and one law holds for all (`envs.roles`). The assistant
observes offers in roles and infers the layers (`inference.structured.layers`). It draws one sample from its posterior.
Then it acts for every person in every role, by *all layers*, by *preferences alone* or by *role norms alone*. These
services are compared with the behaviour of the *people themselves*, who sometimes slip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from pydantic import Field, field_validator

from envs import derive_key
from envs.contracts import LAYERS, PARAMETERS
from envs.roles import binding_layer, offers_in_roles, within_bounds
from envs.soft_policy import inverse_cdf
from inference.structured.layers import LayerGrid, infer_layers
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.game_counts import rising

ALL, PREFERENCES, ROLES, PEOPLE = "all layers", "preferences alone", "role norms alone", "people themselves"
STAKES = (20, 40, 60, 80, 100)
NEAR = 0.05
"""Largest distance at which an offer reaches a target; half a step is due to whole units, half to the soft policy."""

_LAW, _ROLE, _PERSON = (PARAMETERS.index(name) for name in ("floor_strength", "role_strength", "target_strength"))
_LEFT_OUT = {ALL: (), PREFERENCES: (_LAW, _ROLE), ROLES: (_PERSON,)}
_ROUNDING = 1e-6


_GRID = LayerGrid()


class LayeredContracts(ExperimentConfig):
    """Layered contracts: inference of law, role floors and preferences, actions by them, and named conflicts."""

    societies: int = Field(40, ge=1, le=10_000, description="Number of societies, each with its own layers.")
    people: int = Field(6, ge=1, le=100, description="People of a society, each with a target.")
    roles: int = Field(3, ge=1, le=3, description="Roles of a society, each with a floor.")
    games: tuple[int, ...] = Field(
        (1, 2, 4, 8), description="Numbers of interactions of each person in each role after which the assistant acts."
    )
    law_strength: float = Field(_GRID.strengths[0], ge=0, le=100, description="Cost per unit of share below the law.")
    role_strength: float = Field(
        _GRID.strengths[1], ge=0, le=100, description="Cost per unit of share below the floor."
    )
    preference_strength: float = Field(
        _GRID.strengths[2], ge=0, le=100, description="Cost per unit of distance from the person's target."
    )
    rationality: float = Field(_GRID.rationality, ge=0, le=1e6, description="Rationality of people.")
    lapse: float = Field(_GRID.lapse, ge=0, le=1, description="Probability that a person slips and offers any amount.")

    @field_validator("games")
    @classmethod
    def _rising_games(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return rising(value, 1, 1000, "interactions")

    @property
    def grid(self) -> LayerGrid:
        """Grid of possible layers, all equally probable; true layers are drawn from it."""
        strengths = (self.law_strength, self.role_strength, self.preference_strength)
        return LayerGrid(strengths=strengths, rationality=self.rationality, lapse=self.lapse)


@dataclass(frozen=True)
class RoleSociety:
    """A society's layers.

    Attributes:
        law: Smallest share that everybody must get.
        floors: Smallest share that the client of each role must get.
        targets: Share that each person would give.
    """

    law: Float[np.ndarray, ""]
    floors: Float[np.ndarray, "role"]
    targets: Float[np.ndarray, "person"]

    @property
    def layers(self) -> tuple[Float[np.ndarray, "person role"], ...]:
        """Law, floor and target of each person in each role."""
        return np.broadcast_arrays(self.law, self.floors[None], self.targets[:, None])

    def contracts(self, grid: LayerGrid) -> Float[np.ndarray, "person role 6"]:
        """Contract of each person in each role."""
        return grid.contract(*self.layers)

    def binding(self) -> Int[np.ndarray, "person role"]:
        """The layer that binds each person in each role."""
        return binding_layer(*self.layers)


def serve_societies(plan: LayeredContracts) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Infer layers and act by them in every society.

    Returns:
        Two tables. The first has a line for each society, number of interactions and service: ``law`` and ``role``, the
        shares of offers that respect the law and the role's floor; ``satisfied``, the share within `NEAR` of the
        person's target within the bounds; ``satisfied_free``, the same where no bound binds. The second has a line for
        each society, number of interactions, person and role: the layer that ``binds``, the most probable layer
        (``named``), the probability of each layer (``p LAYER``), and the true ``law``, ``floor`` and ``target``.
    """
    done: list[dict[str, object]] = []
    conflicts: list[dict[str, object]] = []
    for society in range(plan.societies):
        world, stake, offer = _society(plan, society)
        for games in plan.games:
            posterior = infer_layers(plan.grid, stake[..., :games], offer[..., :games])
            sampled = RoleSociety(*posterior.sample(derive_key(plan.seed, "layered-contracts", society, "act", games)))
            where: dict[str, object] = {"society": society, "games": games}
            for service, contracts, lapse in _acting(plan.grid, world, sampled):
                measured = _measured(world, contracts, plan.grid.rationality, lapse)
                done.append({**where, "service": service, **measured})
            conflicts += [where | line for line in _conflicts(world, posterior.binding())]
    return pd.DataFrame(done), pd.DataFrame(conflicts)


def _society(
    plan: LayeredContracts, society: int
) -> tuple[RoleSociety, Int[np.ndarray, "person role game"], Int[np.ndarray, "person role game"]]:
    """Draw the layers of a society and simulate its people."""
    grid, path = plan.grid, ("layered-contracts", society)
    rng = np.random.default_rng(jax.random.bits(derive_key(plan.seed, *path, "world"), (4,)).tolist())
    law, floors = rng.choice(grid.law), rng.choice(grid.floors, plan.roles)
    world = RoleSociety(np.array(law), floors, rng.choice(grid.targets, plan.people))
    shape = (plan.people, plan.roles, max(plan.games))
    at = rng.integers(len(STAKES), size=shape)
    log_offers = _log_offers(world.contracts(grid), grid.rationality, grid.lapse)
    person, role, _ = np.indices(shape)
    uniform = jax.random.uniform(derive_key(plan.seed, *path, "offers"), shape)
    offer = np.asarray(inverse_cdf(uniform, jnp.asarray(log_offers[person, role, at])))
    return world, np.array(STAKES)[at], offer


def _acting(
    grid: LayerGrid, world: RoleSociety, sampled: RoleSociety
) -> Iterator[tuple[str, Float[np.ndarray, "person role 6"], float]]:
    """Contracts and lapse of each service; assistants do not slip."""
    for service, left_out in _LEFT_OUT.items():
        contracts = sampled.contracts(grid)
        contracts[..., left_out] = 0.0
        yield service, contracts, 0.0
    yield PEOPLE, world.contracts(grid), grid.lapse


def _measured(
    world: RoleSociety, contracts: Float[np.ndarray, "person role 6"], rationality: float, lapse: float
) -> dict[str, float]:
    """Compliance and satisfaction, in expectation over offers at all stakes."""
    chance = np.exp(_log_offers(contracts, rationality, lapse)) / len(STAKES)
    share = np.minimum(np.arange(chance.shape[-1]) / np.array(STAKES)[:, None], 1.0)
    lawful = np.minimum(share, 1 - share) >= world.law - _ROUNDING
    by_role = share >= world.floors[:, None, None] - _ROUNDING
    wanted = within_bounds(*world.layers)
    reached = np.abs(share - wanted[..., None, None]) <= NEAR + _ROUNDING
    satisfied = (chance * reached).sum(axis=(-2, -1))
    free = world.binding() == LAYERS.index("individual")
    return {
        "law": float((chance * lawful).sum(axis=(-2, -1)).mean()),
        "role": float((chance * by_role).sum(axis=(-2, -1)).mean()),
        "satisfied": float(satisfied.mean()),
        "satisfied_free": float(satisfied[free].mean()) if free.any() else float("nan"),
    }


def _conflicts(world: RoleSociety, chance: Float[np.ndarray, "person role layer"]) -> Iterator[dict[str, object]]:
    """Lines of the table of conflicts, one for each person and role."""
    for (person, role), binds in np.ndenumerate(world.binding()):
        own = chance[person, role]
        line: dict[str, object] = {"person": person, "role": role + 1, "binds": LAYERS[binds]}
        line |= {"named": LAYERS[int(own.argmax())]}
        line |= {f"p {layer}": float(p) for layer, p in zip(LAYERS, own, strict=True)}
        yield line | {"law": float(world.law), "floor": world.floors[role], "target": world.targets[person]}


def _log_offers(
    contracts: Float[np.ndarray, "person role 6"], rationality: float, lapse: float
) -> Float[np.ndarray, "person role stake offer"]:
    flat = jnp.asarray(contracts.reshape(-1, len(PARAMETERS)))
    log_offers = offers_in_roles(flat, jnp.asarray(rationality), jnp.asarray(lapse), jnp.asarray(STAKES))
    return np.asarray(log_offers, np.float64).reshape(*contracts.shape[:2], len(STAKES), -1)
