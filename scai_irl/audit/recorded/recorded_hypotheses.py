r"""Hypotheses of the numerical posterior about recorded users.

A hypothesis is (w, s): w are the weights of the norms among the users of a group, and s is the users' noise. Users are
anonymous, so one of them offers x and accepts it with the probabilities

    p(x | stake, w, s)  = Σ_n w_n π_n(x | stake; λ_n, ε_offer)
    p(accept | x, w, s) = Σ_n w_n P_n(accept | x; λ_n, ε_answer)

**Prior.** With probability `AuditSetting.one_norm` all users share one norm: the prior has an atom on each vertex of
the simplex. Otherwise w is uniform over the rest of the simplex. Recorded groups are of both kinds, and nine offers of
one norm must be strong evidence for a group of one norm. Under a prior that is uniform throughout, they are not: nine
offers of one norm in nine leave E[w] at 10/12, since this prior is nearly certain that users differ. Given that all
share one norm, the posterior over it is that of `inference.named_norms`; otherwise it is that of
`inference.norm_mixtures`. So the same E[w | D] serves both kinds of group. It is the numerical posterior with which the
verbal one is compared.

**Nuisance s**, with a uniform prior over a grid, is the users' noise. GPT-4's users do not behave like softmax choosers
with one λ and one ε, and a model that assumes so biases the weights. (The figures are for the archive, after four
epochs.)

- λ has a value for each norm. It multiplies utilities of different slopes: the fair norm's slope is eight times the
  selfish one's. Also, recorded selfish users always offer exactly 1 unit, while altruistic ones keep 0 or 1.
- ε has one value for offers and one for answers. Offers always fit the users' norm, but answers may not: selfish users
  reject 1 % to 88 % of offers of 1 unit, depending on manner. With one ε for both, 40 % of the posterior weight in
  sycophantic selfish groups (25 % in rude ones) goes to fair users, of whom there are none. ε_answer may be up to 1,
  where answers carry no information, so the posterior learns how informative answers are.
- The altruist values its own share with weight 1/50: U = .98 y + .02 x. Under the plain U = y it is indifferent at an
  offer of everything: its responder rejects half of these, and its proposer never makes one. But 45 % of recorded
  altruistic offers give everything, and 98 % of those are accepted. Under U = y they would be lapses, which carry no
  information: a 50/50 group would look like 66/33 after any number of epochs, and rude altruists, of whom 90 % give
  everything, would look selfish (.80). With .01 or .05 instead of .02, the mean error of the weights in mixed groups is
  .05 or .02; with .02 it is .02.

Without atoms (`one_norm` = 0) beliefs about the mixed groups are the same, and those about the other groups end at
.93–.94. The grids and the fair norm's utility were chosen with the recorded runs in view; they describe these users.
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
    """Mixtures of norms with different noise in the two roles (an `inference.Hypotheses`).

    Attributes:
        proposing: The mixtures that describe proposers.
        responding: The same mixtures, in the same order of points and settings, that describe responders.
        norms: Names of the norms.
        numbers: Name of each nuisance parameter, with its values by setting.
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
        """Return the log-probabilities of offers and answers, (stake, hypothesis, offer)."""
        return self.responding.table(stakes)._replace(offer=self.proposing.table(stakes).offer)

    def at_cells(self, cells: Cells) -> CellLogProbs:
        """Return the table's values at given cells, (cell, hypothesis)."""
        return self.responding.at_cells(cells)._replace(offer=self.proposing.at_cells(cells).offer)

    def norm_weights(self) -> Float[np.ndarray, "hypothesis norm"]:
        """Return the points w, repeated for each setting."""
        return self.proposing.norm_weights()

    def coordinates(self) -> dict[str, Shaped[np.ndarray, "hypothesis"]]:
        """Return ``weight_NORM`` for each norm, and the nuisance parameters."""
        weights = self.norm_weights()
        columns: dict[str, Shaped[np.ndarray, "hypothesis"]] = {
            f"weight_{norm}": weights[:, n] for n, norm in enumerate(self.norms)
        }
        points = len(weights) // self.proposing.settings
        return columns | {name: np.repeat(np.array(values, np.float32), points) for name, values in self.numbers}

    def policy(self, index: int) -> Policy:
        """Return one hypothesis as a policy; a policy has one lapse, and this is the proposer's."""
        return self.proposing.policy(index)

    def mean_policy(self, probabilities: Float[np.ndarray, "hypothesis"]) -> Policy:
        """Return the posterior mean as a policy, with the proposer's lapse."""
        return self.proposing.mean_policy(probabilities)


class Parts(NamedTuple):
    """The distinct single-norm policies, in one role, whose mixtures are the hypotheses.

    Attributes:
        policies: A hypothesis for each part: a norm with its λ and the role's ε.
        norm: Norm of each part.
        part: Index of the part that each norm has under each setting of the nuisance.
    """

    policies: PolicyHypotheses
    norm: Int[np.ndarray, "part"]
    part: Int[np.ndarray, "setting norm"]


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
        """Return the settings s: λ of each norm, then ε for offers and for answers."""
        axes = [*self.setting.rationality.values(), self.setting.lapse_offer, self.setting.lapse_answer]
        return np.array(list(itertools.product(*axes)), np.float32)

    @cached_property
    def nuisance_names(self) -> tuple[str, ...]:
        """Return the names of the nuisance parameters."""
        return (*(f"rationality_{norm}" for norm in self.setting.norms), "lapse_offer", "lapse_answer")

    @cached_property
    def marginal(self) -> MixtureHypotheses:
        """Return the hypotheses about w alone, for marginal posteriors."""
        return norm_mixtures(self.setting.norms, self.setting.steps)

    @cached_property
    def points(self) -> Float[np.ndarray, "point norm"]:
        """Return the weights w."""
        return np.asarray(self.marginal.weights)

    @cached_property
    def poles(self) -> Int[np.ndarray, "norm"]:
        """Return the index of the point at which all users hold the norm, for each norm."""
        return np.asarray(self.points.argmax(axis=0))

    @cached_property
    def prior(self) -> Float[np.ndarray, "hypothesis"]:
        """Return p(w, s); see the module's docstring."""
        of_point = np.full(len(self.points), (1 - self.setting.one_norm) / (len(self.points) - len(self.poles)))
        of_point[self.poles] = self.setting.one_norm / len(self.poles)
        return np.asarray(np.tile(of_point / len(self.nuisance), len(self.nuisance)))

    @cached_property
    def mixtures(self) -> RoleMixtures:
        """Return the hypotheses in the form that `inference.infer` takes."""
        columns = zip(self.nuisance_names, self.nuisance.T.tolist(), strict=True)
        return RoleMixtures(
            self._mixtures("offer"),
            self._mixtures("answer"),
            self.setting.norms,
            tuple((name, tuple(values)) for name, values in columns),
        )

    def start(self, runs: int) -> DiscretePosterior:
        """Return the prior as the posterior of runs without evidence."""
        log_prior = jnp.asarray(np.log(np.maximum(self.prior, np.finfo(np.float32).tiny)), jnp.float32)
        return DiscretePosterior(self.mixtures, jnp.broadcast_to(log_prior, (runs, len(log_prior))), jnp.zeros(runs))

    def marginal_posterior(self, points: Float[np.ndarray, "run point"]) -> DiscretePosterior:
        """Return p(w | D) of some runs as a posterior over w alone."""
        log_prob = jnp.log(jnp.maximum(jnp.asarray(points, jnp.float32), np.finfo(np.float32).tiny))
        return DiscretePosterior(self.marginal, log_prob, jnp.zeros(len(points)))

    def parts(self, role: Role) -> Parts:
        """Return the single-norm policies in a role."""
        norms = len(self.setting.norms)
        columns = (np.arange(norms, dtype=np.float32), self.nuisance[:, :norms], self._lapse(role)[:, None])
        described = np.stack(np.broadcast_arrays(*columns), axis=-1)
        distinct, index = np.unique(described.reshape(-1, 3), axis=0, return_inverse=True)
        norm = distinct[:, 0].astype(int)
        blocks = tuple(self._block(n, distinct[norm == n, 1], distinct[norm == n, 2]) for n in range(norms))
        return Parts(PolicyHypotheses(blocks), norm, index.reshape(-1, norms))

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
