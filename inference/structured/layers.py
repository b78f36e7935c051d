r"""Exact inference of the layers behind behaviour in roles: a law, a floor for each role, a target for each person.

Let law b, floors f_r of the roles and targets t_u of the users be on grids with equal prior probabilities, and let D_ur
be the offers of user u in role r (`envs.roles`). Then

    p(b, f | D) ∝ Π_u Σ_t Π_r p(D_ur | b, f_r, t),        p(t_u | b, f, D) ∝ Π_r p(D_ur | b, f_r, t_u)

Given the bounds, users are independent, so the sum over all targets is a product of sums. Several users in the same
role identify a bound: if all give the same in a role, the role has a floor.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key
from scipy.special import log_softmax, logsumexp

from envs.contracts import LAYERS
from envs.roles import binding_layer, offers_in_roles


def _steps(highest: float, step: float = 0.05) -> tuple[float, ...]:
    return tuple(float(value) for value in np.round(np.arange(round(highest / step) + 1) * step, 9))


@dataclass(frozen=True)
class LayerGrid:
    """Possible values, in steps of .05, and known parameters.

    Attributes:
        law: Values of the smallest share for everybody.
        floors: Values of the smallest share for the client of a role.
        targets: Values of the share that a person would give.
        strengths: Costs per unit of share below law, below floor and away from target.
        rationality: λ of everybody.
        lapse: ε of everybody.

    Example:
        >>> grid = LayerGrid()
        >>> len(grid.law), len(grid.floors), len(grid.targets)
        (6, 11, 21)
    """

    law: tuple[float, ...] = _steps(0.25)
    floors: tuple[float, ...] = _steps(0.5)
    targets: tuple[float, ...] = _steps(1.0)
    strengths: tuple[float, float, float] = (10.0, 10.0, 3.0)
    rationality: float = 30.0
    lapse: float = 0.1

    def contract(
        self, law: Float[np.ndarray, "*n"], floor: Float[np.ndarray, "*n"], target: Float[np.ndarray, "*n"]
    ) -> Float[np.ndarray, "*n 6"]:
        """Parameters of layered contracts with these layers."""
        values = np.broadcast_arrays(law, self.strengths[0], floor, self.strengths[1], target, self.strengths[2])
        return np.stack([np.asarray(value, np.float32) for value in values], axis=-1)

    @functools.cached_property
    def all_contracts(self) -> Float[np.ndarray, "contract 6"]:
        """All combinations; the target varies fastest."""
        return self.contract(*np.array(list(product(self.law, self.floors, self.targets))).T)


@dataclass(frozen=True)
class Layers:
    """Posterior over the layers of one society.

    Attributes:
        grid: The possible values.
        log_bounds: log p(b, f | D), with an axis for the law and one for each role's floor.
        log_targets: log p(t_u | b, f, D) of each user, with targets as the last axis.
    """

    grid: LayerGrid
    log_bounds: Float[np.ndarray, "law *floor"]
    log_targets: Float[np.ndarray, "user law *floor target"]

    @property
    def roles(self) -> int:
        """Number of roles."""
        return self.log_bounds.ndim - 1

    def pairs(self, role: int) -> Float[np.ndarray, "user law floor target"]:
        """Joint posterior of the law, one role's floor and each user's target."""
        joint = np.exp(self.log_bounds[..., None] + self.log_targets)
        others = tuple(2 + other for other in range(self.roles) if other != role)
        return np.asarray(joint.sum(axis=others))

    def binding(self) -> Float[np.ndarray, "user role layer"]:
        """Probability of each layer to bind each user in each role (see `envs.roles.binding_layer`)."""
        law, floor, target = np.meshgrid(self.grid.law, self.grid.floors, self.grid.targets, indexing="ij")
        binds = np.arange(len(LAYERS)) == binding_layer(law, floor, target)[..., None]
        each = [np.einsum("ubft,bftl->ul", self.pairs(role), binds) for role in range(self.roles)]
        return np.stack(each, axis=1)

    def sample(
        self, key: Key[Array, ""]
    ) -> tuple[Float[np.ndarray, ""], Float[np.ndarray, "role"], Float[np.ndarray, "user"]]:
        """Draw law, floors and targets jointly."""
        key_bounds, key_targets = jax.random.split(key)
        point = int(jax.random.categorical(key_bounds, jnp.asarray(self.log_bounds.reshape(-1))))
        law, *floors = (int(place) for place in np.unravel_index(point, self.log_bounds.shape))
        logits = self.log_targets.reshape(len(self.log_targets), -1, len(self.grid.targets))[:, point]
        targets = np.asarray(jax.random.categorical(key_targets, jnp.asarray(logits)))
        of = self.grid
        return np.array(of.law[law]), np.array(of.floors)[floors], np.array(of.targets)[targets]


def infer_layers(
    grid: LayerGrid, stake: Int[np.ndarray, "user role game"], offer: Int[np.ndarray, "user role game"]
) -> Layers:
    """Compute the posterior over the layers of one society from its users' offers in roles.

    Args:
        grid: Possible values.
        stake: Units divided.
        offer: Units given to the client.

    Example:
        >>> stake = np.full((2, 1, 3), 20)
        >>> offer = np.broadcast_to(np.array([8, 14])[:, None, None], stake.shape)  # one gives .4, another one .7
        >>> found = infer_layers(LayerGrid(), stake, offer)
        >>> LAYERS[int(found.binding()[1, 0].argmax())]  # so .4 may be a floor, but .7 is what the other wants
        'individual'
    """
    users, roles, games = stake.shape
    stakes, at = np.unique(stake, return_inverse=True)
    table = _log_offers(grid, tuple(int(value) for value in stakes))
    seen = table[:, at.reshape(-1), offer.reshape(-1)].reshape(-1, users, roles, games).sum(axis=-1)
    shape = (len(grid.law), len(grid.floors), len(grid.targets))
    log_prob = np.moveaxis(seen, 0, -1).reshape(users, roles, *shape)
    total = np.zeros((users, shape[0], *(1,) * roles, shape[2]))
    for role in range(roles):
        floors = [1] * roles
        floors[role] = shape[1]
        total = total + log_prob[:, role].reshape(users, shape[0], *floors, shape[2])
    log_bounds = logsumexp(total, axis=-1).sum(axis=0)
    return Layers(grid, log_bounds - logsumexp(log_bounds), log_softmax(total, axis=-1))


@functools.lru_cache(64)
def _log_offers(grid: LayerGrid, stakes: tuple[int, ...]) -> Float[np.ndarray, "contract stake offer"]:
    settings = jnp.asarray(grid.rationality), jnp.asarray(grid.lapse)
    return np.asarray(offers_in_roles(jnp.asarray(grid.all_contracts), *settings, jnp.asarray(stakes)), np.float64)
