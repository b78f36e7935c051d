"""Policy hypotheses: the θ's that an observer thinks possible.

`Hypotheses` is the protocol that inference methods and posteriors rely on; `PolicyHypotheses` are those under which
every user has the same norm: a named set, or a grid over a utility's parameters. Hypotheses under which users differ
are in `inference.mixtures`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from envs.norms import Norm, Policy
from envs.policies import PolicyTable, policy_table, response_log_probs
from envs.ultimatum import NUM_OFFERS, offered_share
from envs.utilities import get_utility


class Cells(NamedTuple):
    """Distinct (stake, offer) pairs, the only places at which a likelihood has to be known.

    Attributes:
        stakes: Distinct stakes.
        stake_index: Index of each cell's stake in `stakes`.
        offer: Offer of each cell.
    """

    stakes: Int[Array, "stake"]
    stake_index: Int[Array, "cell"]
    offer: Int[Array, "cell"]


class CellLogProbs(NamedTuple):
    """Log-probabilities at given cells, hypotheses running fastest.

    Attributes:
        offer: log π(offer | stake).
        accept: log P(accept | offer, stake).
        reject: log P(reject | offer, stake).
    """

    offer: Float[Array, "cell hypothesis"]
    accept: Float[Array, "cell hypothesis"]
    reject: Float[Array, "cell hypothesis"]


@runtime_checkable
class Hypotheses(Protocol):
    """What an inference method and a posterior ask of a set of K hypotheses."""

    @property
    def size(self) -> int:
        """Number of hypotheses K."""
        ...

    @property
    def norms(self) -> tuple[str, ...]:
        """Names of the norms that occur in the hypotheses."""
        ...

    def table(self, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Log-probabilities of offers and answers, (stake, hypothesis, offer)."""
        ...

    def at_cells(self, cells: Cells) -> CellLogProbs:
        """The table's values at given cells, (cell, hypothesis), without building the rest of it."""
        ...

    def norm_weights(self) -> Float[np.ndarray, "hypothesis norm"]:
        """Weight of each norm under each hypothesis."""
        ...

    def coordinates(self) -> dict[str, Shaped[np.ndarray, "hypothesis"]]:
        """Parameters of each hypothesis, by name."""
        ...

    def policy(self, index: int) -> Policy:
        """State one hypothesis as a policy."""
        ...

    def mean_policy(self, probabilities: Float[np.ndarray, "hypothesis"]) -> Policy:
        """State the posterior mean as a policy."""
        ...


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["theta", "rationality", "lapse"],
    meta_fields=["utility"],
)
@dataclass(frozen=True)
class Block:
    """Hypotheses that share a utility.

    Attributes:
        utility: Name of U.
        theta: Parameters of U.
        rationality: λ.
        lapse: ε.
    """

    utility: str
    theta: Float[Array, "hypothesis parameter"]
    rationality: Float[Array, "hypothesis"]
    lapse: Float[Array, "hypothesis"]

    @property
    def size(self) -> int:
        """Number of hypotheses in the block."""
        return int(self.rationality.shape[0])

    def table(self, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Log-probabilities of offers and answers, (stake, hypothesis, offer)."""
        function = get_utility(self.utility).function

        def at(theta: Array, rationality: Array, lapse: Array, stake: Array) -> PolicyTable:
            return policy_table(function, theta, rationality, lapse, stake)

        over_hypotheses = jax.vmap(at, (0, 0, 0, None))
        over_stakes = jax.vmap(over_hypotheses, (None, None, None, 0))
        return over_stakes(self.theta, self.rationality, self.lapse, stakes)

    def at_cells(self, cells: Cells) -> CellLogProbs:
        """The table's values at given cells.

        One pass over all offers of a stake gives the softmax's normaliser and is thrown away; what is kept has the
        cells' size. Hypotheses run fastest throughout, so that every exponential is a vector operation.
        """

        def scaled_value(stake: Array, offer: Array) -> tuple[Array, Array, Array]:
            share = offered_share(offer, stake)
            accept, reject = self._answers(share)
            gain = self._utility(1 - share, share)
            return self.rationality * jnp.exp(accept) * gain, accept, reject

        def normaliser(stake: Array) -> Array:
            highest_offer = jnp.minimum(stake, NUM_OFFERS - 1)

            def add(offer: Array, total: Array) -> Array:
                return jnp.logaddexp(total, scaled_value(stake, offer)[0])

            return jax.lax.fori_loop(0, highest_offer + 1, add, jnp.full(self.rationality.shape, -jnp.inf))

        log_normaliser = jax.lax.map(normaliser, cells.stakes)
        stake = cells.stakes[cells.stake_index]
        score, accept, reject = jax.vmap(scaled_value)(stake, cells.offer)
        log_softmax = score - log_normaliser[cells.stake_index]
        log_uniform = -jnp.log1p(jnp.minimum(stake, NUM_OFFERS - 1))[:, None]
        offer = jnp.logaddexp(jnp.log1p(-self.lapse) + log_softmax, jnp.log(self.lapse) + log_uniform)
        return CellLogProbs(offer, accept, reject)

    def _utility(self, own: Array, other: Array) -> Float[Array, "hypothesis"]:
        function = get_utility(self.utility).function
        return jnp.asarray(jax.vmap(function, (0, None, None))(self.theta, own, other))

    def _answers(self, share: Array) -> tuple[Array, Array]:
        function = get_utility(self.utility).function
        over_hypotheses = jax.vmap(response_log_probs, (None, 0, 0, 0, None))
        return over_hypotheses(function, self.theta, self.rationality, self.lapse, share)


@functools.partial(jax.tree_util.register_dataclass, data_fields=["blocks"], meta_fields=[])
@dataclass(frozen=True)
class PolicyHypotheses:
    """Hypotheses under which all users share one norm.

    Attributes:
        blocks: Hypotheses by utility; the hypothesis axis runs through them in order.
    """

    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        """Number of hypotheses K."""
        return sum(block.size for block in self.blocks)

    @property
    def norms(self) -> tuple[str, ...]:
        """Names of the utilities, in the order of their first block."""
        return tuple(dict.fromkeys(block.utility for block in self.blocks))

    def table(self, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Log-probabilities of offers and answers, (stake, hypothesis, offer)."""
        tables = [block.table(stakes) for block in self.blocks]
        return PolicyTable(*(jnp.concatenate(leaves, axis=1) for leaves in zip(*tables, strict=True)))

    def at_cells(self, cells: Cells) -> CellLogProbs:
        """The table's values at given cells, (cell, hypothesis), without building the rest of it."""
        parts = [block.at_cells(cells) for block in self.blocks]
        return CellLogProbs(*(jnp.concatenate(leaves, axis=1) for leaves in zip(*parts, strict=True)))

    def norm_weights(self) -> Float[np.ndarray, "hypothesis norm"]:
        """One where the hypothesis has the norm's utility, zero elsewhere."""
        names = np.concatenate([np.full(block.size, block.utility) for block in self.blocks])
        return np.asarray(names[:, None] == np.array(self.norms), np.float32)

    def coordinates(self) -> dict[str, Shaped[np.ndarray, "hypothesis"]]:
        """``norm``, ``rationality``, ``lapse`` and each parameter (NaN where a utility lacks it)."""
        names = dict.fromkeys(name for block in self.blocks for name in get_utility(block.utility).parameters)
        columns: dict[str, list[np.ndarray]] = {name: [] for name in ("norm", *names, "rationality", "lapse")}
        for block in self.blocks:
            own = get_utility(block.utility).parameters
            columns["norm"].append(np.full(block.size, block.utility))
            for name in names:
                values = (
                    np.asarray(block.theta[:, own.index(name)])
                    if name in own
                    else np.full(block.size, np.nan, np.float32)
                )
                columns[name].append(values)
            columns["rationality"].append(np.asarray(block.rationality))
            columns["lapse"].append(np.asarray(block.lapse))
        return {name: np.concatenate(parts) for name, parts in columns.items()}

    def norm(self, index: int) -> Norm:
        """State one hypothesis as a norm."""
        for block in self.blocks:
            if index < block.size:
                return Norm(
                    block.utility,
                    tuple(float(value) for value in np.asarray(block.theta[index])),
                    float(block.rationality[index]),
                    float(block.lapse[index]),
                )
            index -= block.size
        raise IndexError(f"there are {self.size} hypotheses")

    def policy(self, index: int) -> Policy:
        """State one hypothesis as a policy."""
        return Policy.of(self.norm(index))

    def mean_policy(self, probabilities: Float[np.ndarray, "hypothesis"]) -> Policy:
        """Posterior mean: parameters averaged inside each utility, utilities weighted by probability."""
        parts, start = [], 0
        for block in self.blocks:
            share = np.asarray(probabilities[start : start + block.size], np.float64)
            start += block.size
            weight = share.sum()
            if weight < np.finfo(np.float32).eps:
                continue
            share = share / weight
            theta = share @ np.asarray(block.theta, np.float64)
            parts.append(
                (
                    float(np.float32(weight)),
                    Norm(
                        block.utility,
                        tuple(float(np.float32(value)) for value in theta),
                        float(np.float32(share @ np.asarray(block.rationality))),
                        float(np.float32(share @ np.asarray(block.lapse))),
                    ),
                )
            )
        return Policy(tuple(parts))
