r"""What recorded users may have been doing: the hypotheses of the numerical posterior.

A hypothesis is (w, s): w, the weights of the norms among the users of a group, and s, how closely users keep to them.
Users are anonymous, so one of them offers x and accepts it with the probabilities

    p(x | stake, w, s)  = Σ_n w_n π_n(x | stake; λ_n, ε_offer)
    p(accept | x, w, s) = Σ_n w_n P_n(accept | x; λ_n, ε_answer)

**Prior.** With probability `AuditSetting.one_norm` all users share one norm: an atom on each vertex of the simplex.
Otherwise w is uniform over the rest of the simplex. Recorded groups are of both kinds, and nine offers of one norm must
be able to say so: under a prior that is uniform throughout, nine offers of one norm in nine leave E[w] at 10/12, since
unlike users are then all but certain beforehand. Given one norm, the posterior over *which* is that of
`inference.named_norms`; given several, that of `inference.norm_mixtures`; so the same E[w | D] serves both kinds of
group, and is the numerical posterior that the verbal one is held against.

**Nuisance s**, with a uniform prior over a grid, is the user's noise. GPT-4's users are not noisy like softmax choosers
with one λ and one ε, and forcing them to be bends the weights (figures for the archive, after four epochs):

- λ has a value for each norm, since it multiplies utilities of different slopes (the fair norm's is eight times the
  selfish one's), and since recorded selfish users always offer exactly 1 unit whereas altruistic ones keep 0 or 1.
- ε has a value for offers and one for answers. Offers always fit the users' norm; answers need not: selfish users
  reject 1 % to 88 % of single units, depending on manner. With one ε for both, two fifths of the posterior weight in
  sycophantic selfish groups (a quarter in rude ones) go to fair users whom nobody simulated. Up to ε_answer = 1,
  where answers are coins and say nothing, the posterior can find out how far answers are to be trusted.
- The altruist values its own share too, at a fiftieth: U = .98 y + .02 x. The plain U = y is indifferent at an offer
  of everything, so its responder rejects half of these and its proposer never makes one; of recorded altruistic
  offers 45 % give everything, and 98 % of those are accepted. Under U = y they are lapses, which say nothing: a 50/50
  group looks like 66/33 however long one watches, and rude altruists, nine in ten of whom give everything, look
  selfish (.80). With .01 or .05 for .02, weights in mixed groups end .05 or .02 from the truth on average (.02 as is).

Without atoms (`one_norm` = 0) beliefs about the mixed groups are the same, and those about the others end at .93–.94.
The grids were chosen with the recorded runs in view, as was the fair norm's utility; they describe these users.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from envs.policy import Policy
from envs.soft_policy import PolicyTable
from inference import DiscretePosterior, norm_mixtures
from inference.discrete.hypotheses import Block, CellLogProbs, Cells, PolicyHypotheses
from inference.discrete.mixtures import MixtureHypotheses
from scai_irl.audit.recorded.recorded_setting import AuditSetting

Role = Literal["offer", "answer"]


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["proposing", "responding"], meta_fields=["norms", "numbers"]
)
@dataclass(frozen=True)
class RoleMixtures:
    """Mixtures of norms whose users may keep to them differently in the two roles (an `inference.Hypotheses`).

    Attributes:
        proposing: The mixtures by which users propose.
        responding: The same mixtures, point for point and setting for setting, by which users respond.
        norms: Names of the norms.
        numbers: Name of each nuisance number, with its values by setting.
    """

    proposing: MixtureHypotheses
    responding: MixtureHypotheses
    norms: tuple[str, ...]
    numbers: tuple[tuple[str, tuple[float, ...]], ...]

    @property
    def size(self) -> int:
        """Number of hypotheses."""
        return self.proposing.size

    def table(self, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Log-probabilities of offers and answers, (stake, hypothesis, offer)."""
        return self.responding.table(stakes)._replace(offer=self.proposing.table(stakes).offer)

    def at_cells(self, cells: Cells) -> CellLogProbs:
        """The table's values at given cells, (cell, hypothesis)."""
        return self.responding.at_cells(cells)._replace(offer=self.proposing.at_cells(cells).offer)

    def norm_weights(self) -> Float[np.ndarray, "hypothesis norm"]:
        """The points w, once for each setting."""
        return self.proposing.norm_weights()

    def coordinates(self) -> dict[str, Shaped[np.ndarray, "hypothesis"]]:
        """``weight_NORM`` for each norm, and the nuisance numbers."""
        weights = self.norm_weights()
        columns: dict[str, Shaped[np.ndarray, "hypothesis"]] = {
            f"weight_{norm}": weights[:, n] for n, norm in enumerate(self.norms)
        }
        points = len(weights) // self.proposing.settings
        return columns | {name: np.repeat(np.array(values, np.float32), points) for name, values in self.numbers}

    def policy(self, index: int) -> Policy:
        """State one hypothesis as a policy; a policy has one lapse, and this one has the proposer's."""
        return self.proposing.policy(index)

    def mean_policy(self, probabilities: Float[np.ndarray, "hypothesis"]) -> Policy:
        """State the posterior mean as a policy, with the proposer's lapse."""
        return self.proposing.mean_policy(probabilities)


class Parts(NamedTuple):
    """The distinct policies of single norms that hypotheses are mixed of, in one role.

    Attributes:
        policies: A hypothesis for each part: a norm with its λ and the role's ε.
        norm: Norm of each part.
        of: Part that a norm has under a setting of the nuisance.
    """

    policies: PolicyHypotheses
    norm: Int[np.ndarray, "part"]
    of: Int[np.ndarray, "setting norm"]


@dataclass(frozen=True)
class UserHypotheses:
    """The hypotheses (w, s) of an audit; w runs fastest along the hypothesis axis.

    Example:
        >>> hypotheses = UserHypotheses(AuditSetting(steps=2))
        >>> hypotheses.points.shape, hypotheses.nuisance.shape
        ((6, 3), (96, 5))
    """

    setting: AuditSetting

    @cached_property
    def nuisance(self) -> Float[np.ndarray, "setting number"]:
        """Settings s: λ of each norm, then ε for offers and for answers."""
        axes = [*self.setting.rationality.values(), self.setting.lapse_offer, self.setting.lapse_answer]
        return np.array(list(itertools.product(*axes)), np.float32)

    @cached_property
    def nuisance_names(self) -> tuple[str, ...]:
        """Names of the nuisance's numbers."""
        return (*(f"rationality_{norm}" for norm in self.setting.norms), "lapse_offer", "lapse_answer")

    @cached_property
    def marginal(self) -> MixtureHypotheses:
        """The simplex alone, to hold marginal posteriors of w."""
        return norm_mixtures(self.setting.norms, self.setting.steps)

    @cached_property
    def points(self) -> Float[np.ndarray, "point norm"]:
        """Weights w."""
        return np.asarray(self.marginal.weights)

    @cached_property
    def poles(self) -> Int[np.ndarray, "norm"]:
        """Point at which everyone holds the norm."""
        return np.asarray(self.points.argmax(axis=0))

    @cached_property
    def prior(self) -> Float[np.ndarray, "hypothesis"]:
        """p(w, s); see the module's docstring."""
        of_point = np.full(len(self.points), (1 - self.setting.one_norm) / (len(self.points) - len(self.poles)))
        of_point[self.poles] = self.setting.one_norm / len(self.poles)
        return np.asarray(np.tile(of_point / len(self.nuisance), len(self.nuisance)))

    @cached_property
    def mixtures(self) -> RoleMixtures:
        """The hypotheses as inference takes them."""
        columns = zip(self.nuisance_names, self.nuisance.T.tolist(), strict=True)
        return RoleMixtures(
            self._mixtures("offer"),
            self._mixtures("answer"),
            self.setting.norms,
            tuple((name, tuple(values)) for name, values in columns),
        )

    def start(self, runs: int) -> DiscretePosterior:
        """State the prior as the posterior of runs that have seen nothing."""
        log_prior = jnp.asarray(np.log(np.maximum(self.prior, np.finfo(np.float32).tiny)), jnp.float32)
        return DiscretePosterior(self.mixtures, jnp.broadcast_to(log_prior, (runs, len(log_prior))), jnp.zeros(runs))

    def marginal_posterior(self, points: Float[np.ndarray, "run point"]) -> DiscretePosterior:
        """Hold p(w | D) of some runs as a posterior over the simplex alone."""
        log_prob = jnp.log(jnp.maximum(jnp.asarray(points, jnp.float32), np.finfo(np.float32).tiny))
        return DiscretePosterior(self.marginal, log_prob, jnp.zeros(len(points)))

    def parts(self, role: Role) -> Parts:
        """The single-norm policies in a role."""
        norms = len(self.setting.norms)
        columns = (np.arange(norms, dtype=np.float32), self.nuisance[:, :norms], self._lapse(role)[:, None])
        described = np.stack(np.broadcast_arrays(*columns), axis=-1)
        distinct, of = np.unique(described.reshape(-1, 3), axis=0, return_inverse=True)
        norm = distinct[:, 0].astype(int)
        blocks = tuple(self._block(n, distinct[norm == n, 1], distinct[norm == n, 2]) for n in range(norms))
        return Parts(PolicyHypotheses(blocks), norm, of.reshape(-1, norms))

    def _mixtures(self, role: Role) -> MixtureHypotheses:
        lapse = self._lapse(role)
        blocks = tuple(self._block(n, self.nuisance[:, n], lapse) for n in range(len(self.setting.norms)))
        return MixtureHypotheses(PolicyHypotheses(blocks), jnp.asarray(self.points))

    def _lapse(self, role: Role) -> Float[np.ndarray, "setting"]:
        return self.nuisance[:, self.nuisance_names.index(f"lapse_{role}")]

    def _block(
        self, norm: int, rationality: Float[np.ndarray, "setting"], lapse: Float[np.ndarray, "setting"]
    ) -> Block:
        name, own = self.setting.norms[norm], self.setting.altruists_own_weight
        theta = jnp.zeros((len(lapse), 0))
        if name == "altruistic" and own > 0:
            name, theta = "charness_rabin", jnp.full((len(lapse), 2), 1 - own)  # ρ = σ: the same when ahead and behind
        return Block(name, theta, jnp.asarray(rationality), jnp.asarray(lapse))
