"""Assistants that act for people in roles, under a law, role floors and preferences inferred from behaviour.

People of a society have targets of their own, roles have floors, and a law holds for all (`envs.roles`); the assistant
sees what they offer in roles and infers the layers (`inference.structured.layers`). It draws them once from its
posterior and acts for every person in every role, by *all layers*, by *preferences alone* or by *role norms alone*.
These are compared with what *people themselves* do, who slip now and then.
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
"""Distance within which an offer reaches a target; half a step is lost to whole units, and half to softness."""

_LAW, _ROLE, _PERSON = (PARAMETERS.index(name) for name in ("floor_strength", "role_strength", "target_strength"))
_LEFT_OUT = {ALL: (), PREFERENCES: (_LAW, _ROLE), ROLES: (_PERSON,)}
_ROUNDING = 1e-6


_GRID = LayerGrid()


class LayeredContracts(ExperimentConfig):
    """Layered contracts: law, role floors and preferences inferred, acted on, and their conflicts named."""

    societies: int = Field(40, ge=1, le=10_000, description="Societies, each with layers of its own.")
    people: int = Field(6, ge=1, le=100, description="People of a society, each with a target.")
    roles: int = Field(3, ge=1, le=3, description="Roles of a society, each with a floor.")
    games: tuple[int, ...] = Field(
        (1, 2, 4, 8), description="Numbers of games of each person in each role after which the assistant acts."
    )
    law_strength: float = Field(_GRID.strengths[0], ge=0, le=100, description="What a share less than the law costs.")
    role_strength: float = Field(_GRID.strengths[1], ge=0, le=100, description="What a share below the floor costs.")
    preference_strength: float = Field(
        _GRID.strengths[2], ge=0, le=100, description="What a share away from the own target costs."
    )
    rationality: float = Field(_GRID.rationality, ge=0, le=1e6, description="Rationality of people.")
    lapse: float = Field(_GRID.lapse, ge=0, le=1, description="Chance that a person slips and offers anything.")

    @field_validator("games")
    @classmethod
    def _rising_games(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return rising(value, 1, 1000, "games")

    @property
    def grid(self) -> LayerGrid:
        """Layers that are possible, all equally probable; truths are drawn from it, too."""
        strengths = (self.law_strength, self.role_strength, self.preference_strength)
        return LayerGrid(strengths=strengths, rationality=self.rationality, lapse=self.lapse)


@dataclass(frozen=True)
class RoleSociety:
    """A society's layers.

    Attributes:
        law: What everybody gets at least.
        floors: What the client of each role gets at least.
        targets: What each person would give.
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
        What was done, a line for each society, number of games and service: ``law`` and ``role``, shares of offers that
        keep to the law and to the role's floor; ``satisfied``, share of offers within `NEAR` of the person's target as
        far as bounds allow, and ``satisfied_free``, the same where no bound is in the way. And conflicts, a line for
        each society, number of games, person and role: the layer that ``binds``, the one that is ``named`` as the most
        probable, the probability of each (``p LAYER``), and the true ``law``, ``floor`` and ``target``.
    """
    done: list[dict[str, object]] = []
    conflicts: list[dict[str, object]] = []
    for society in range(plan.societies):
        world, stake, offer = _society(plan, society)
        for games in plan.games:
            found = infer_layers(plan.grid, stake[..., :games], offer[..., :games])
            drawn = RoleSociety(*found.sample(derive_key(plan.seed, "layered-contracts", society, "act", games)))
            where: dict[str, object] = {"society": society, "games": games}
            for service, contracts, lapse in _acting(plan.grid, world, drawn):
                measured = _measured(world, contracts, plan.grid.rationality, lapse)
                done.append({**where, "service": service, **measured})
            conflicts += [where | line for line in _conflicts(world, found.binding())]
    return pd.DataFrame(done), pd.DataFrame(conflicts)


def _society(
    plan: LayeredContracts, society: int
) -> tuple[RoleSociety, Int[np.ndarray, "person role game"], Int[np.ndarray, "person role game"]]:
    """Draw the layers of a society, and let its people act."""
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
    grid: LayerGrid, world: RoleSociety, drawn: RoleSociety
) -> Iterator[tuple[str, Float[np.ndarray, "person role 6"], float]]:
    """Contracts by which each service acts, and its lapse: assistants do not slip."""
    for service, left_out in _LEFT_OUT.items():
        contracts = drawn.contracts(grid)
        contracts[..., left_out] = 0.0
        yield service, contracts, 0.0
    yield PEOPLE, world.contracts(grid), grid.lapse


def _measured(
    world: RoleSociety, contracts: Float[np.ndarray, "person role 6"], rationality: float, lapse: float
) -> dict[str, float]:
    """Compliance and satisfaction in expectation over offers, at all stakes."""
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
    """A line for each person and role."""
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
    found = offers_in_roles(flat, jnp.asarray(rationality), jnp.asarray(lapse), jnp.asarray(STAKES))
    return np.asarray(found, np.float64).reshape(*contracts.shape[:2], len(STAKES), -1)
