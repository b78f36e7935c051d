"""Hypotheses under which users differ: several norms in one group, with unknown proportions.

A hypothesis is a point w on the simplex of norm weights, with the (λ, ε) that all users share. Users are anonymous, so
an action of a user has probability Σ_n w_n π_n(action).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from envs.policy import Policy
from envs.soft_policy import PolicyTable
from inference.discrete.cells import CellLogProbs, Cells
from inference.discrete.hypotheses import PolicyHypotheses


@functools.partial(jax.tree_util.register_dataclass, data_fields=["components", "weights"], meta_fields=[])
@dataclass(frozen=True)
class MixtureHypotheses:
    """Mixtures of N norms at W points of the simplex, under L settings of (λ, ε): K = L·W hypotheses.

    Along the hypothesis axis, points vary faster than settings.

    Attributes:
        components: The norms, with one block of L settings for each of the N norms.
        weights: Points w of the simplex.
    """

    components: PolicyHypotheses
    weights: Float[Array, "point norm"]

    @property
    def settings(self) -> int:
        """Number L of settings of (λ, ε)."""
        return self.components.blocks[0].size

    @property
    def size(self) -> int:
        """Number of hypotheses K."""
        return self.settings * int(self.weights.shape[0])

    @property
    def norms(self) -> tuple[str, ...]:
        """Names of the norms that are mixed."""
        return self.components.norms

    def table(self, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Log-probabilities of offers and answers, (stake, hypothesis, offer)."""
        return PolicyTable(*(self._mix(leaf, axis=1) for leaf in self.components.table(stakes)))

    def at_cells(self, cells: Cells) -> CellLogProbs:
        """The table's values at given cells, without building the rest of it."""
        return CellLogProbs(*(self._mix(leaf, axis=1) for leaf in self.components.at_cells(cells)))

    def norm_weights(self) -> Float[np.ndarray, "hypothesis norm"]:
        """The points w, once for each setting."""
        return np.tile(np.asarray(self.weights), (self.settings, 1))

    def coordinates(self) -> dict[str, Shaped[np.ndarray, "hypothesis"]]:
        """``weight_NORM`` for each norm, ``rationality`` and ``lapse``."""
        weights = self.norm_weights()
        columns: dict[str, Shaped[np.ndarray, "hypothesis"]] = {
            f"weight_{norm}": weights[:, n] for n, norm in enumerate(self.norms)
        }
        points = self.weights.shape[0]
        shared = self.components.blocks[0]
        columns["rationality"] = np.repeat(np.asarray(shared.rationality), points)
        columns["lapse"] = np.repeat(np.asarray(shared.lapse), points)
        return columns

    def policy(self, index: int) -> Policy:
        """State one hypothesis as a policy; norms of weight 0 are left out."""
        setting, point = divmod(index, self.weights.shape[0])
        return self._policy(np.asarray(self.weights[point]), setting)

    def mean_policy(self, probabilities: Float[np.ndarray, "hypothesis"]) -> Policy:
        """Mean weights, under the most probable setting of (λ, ε)."""
        table = np.asarray(probabilities, np.float64).reshape(self.settings, -1)
        weights = table.sum(axis=0) @ np.asarray(self.weights, np.float64)
        return self._policy(weights / weights.sum(), int(table.sum(axis=1).argmax()))

    def _policy(self, weights: Float[np.ndarray, "norm"], setting: int) -> Policy:
        parts = tuple(
            (float(np.float32(weight)), self.components.norm(n * self.settings + setting))
            for n, weight in enumerate(weights)
            if weight > np.finfo(np.float32).eps
        )
        return Policy(parts)

    def _mix(self, component: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
        """Replace the components' axis (norm, setting) by the hypotheses' (setting, point)."""
        moved = jnp.moveaxis(component, axis, -1)
        shaped = moved.reshape(*moved.shape[:-1], len(self.norms), self.settings)
        by_setting = jnp.swapaxes(shaped, -1, -2)[..., :, None, :]
        mixed = jax.nn.logsumexp(by_setting + jnp.log(self.weights), axis=-1)
        return jnp.moveaxis(mixed.reshape(*moved.shape[:-1], self.size), -1, axis)
