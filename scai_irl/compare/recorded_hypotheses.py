r"""What recorded users may have been doing: the hypotheses of the numerical posterior.

A hypothesis is (w, s): w, the weights of the norms among the users of a group, and s, how closely users keep to them.
Users are anonymous, so one of them offers x and accepts it with the probabilities

    p(x | stake, w, s) = Σ_n w_n π_n(x | stake; λ_n, ε_offer),   p(accept | x, w, s) = Σ_n w_n P_n(accept | x; λ_n, ε_answer)

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
  offers 45 % give everything, and 98 % of those are accepted. Under U = y, giving everything is a lapse that tells
  nothing, and a 50/50 group looks like 66/33 however long one watches.

The grids were chosen with the recorded runs in view, as was the fair norm's utility; they describe these users.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, Field, model_validator

from inference import DiscretePosterior, Evidence, infer, norm_mixtures
from inference.hypotheses import Block, PolicyHypotheses
from inference.mixtures import MixtureHypotheses

Role = Literal["offer", "answer"]


class AuditSetting(BaseModel):
    """How recorded runs are audited; the module's docstring argues for the defaults.

    Example:
        >>> AuditSetting().norms
        ('selfish', 'fair', 'altruistic')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rationality: dict[str, tuple[float, ...]] = Field(
        {"selfish": (200.0, 800.0), "fair": (25.0, 100.0), "altruistic": (50.0, 200.0, 800.0)},
        min_length=2,
        description="Norms that users may hold, and the values of λ thought possible for each.",
    )
    lapse_offer: tuple[float, ...] = Field((0.01, 0.1, 0.3), min_length=1, description="Values of ε for offers.")
    lapse_answer: tuple[float, ...] = Field((0.01, 0.1, 0.3, 1.0), min_length=1, description="Values of ε for answers.")
    altruists_own_weight: float = Field(
        0.02, ge=0, lt=0.5, description="Weight of the altruist's own share; 0 is the plain altruist."
    )
    one_norm: float = Field(0.5, ge=0, le=1, description="Prior probability that all users share one norm.")
    steps: int = Field(20, ge=2, description="Weights of norms are multiples of 1/steps.")
    interval: float = Field(0.9, gt=0, lt=1, description="Mass of the posterior intervals of the weights.")
    confidence: float = Field(0.95, gt=0, lt=1, description="Mass of the bootstrap intervals over runs.")
    resamples: int = Field(1000, ge=1, description="Bootstrap resamples of the runs.")
    replicas: int = Field(1000, ge=1, description="Simulated posterior-sampling assistants that are compared with.")
    seed: int = Field(0, ge=0, description="Root seed of resamples, replicas and posterior draws.")

    @model_validator(mode="after")
    def _sensible(self) -> AuditSetting:
        for name, values in self.rationality.items():
            if not values or min(values) < 0:
                raise ValueError(f"λ of {name} must be numbers of 0 or more, got {values}; correct it")
        for lapse in (*self.lapse_offer, *self.lapse_answer):
            if not 0 < lapse <= 1:
                raise ValueError(f"a lapse of {lapse:g} lets single actions refute all norms; give 0 < lapse <= 1")
        return self

    @property
    def norms(self) -> tuple[str, ...]:
        """Names of the norms."""
        return tuple(self.rationality)


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
        ((6, 3), (144, 5))
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
    def points(self) -> Float[np.ndarray, "point norm"]:
        """Weights w."""
        return np.asarray(self.marginal.weights)

    @cached_property
    def poles(self) -> Int[np.ndarray, "norm"]:
        """Point at which everyone holds the norm."""
        return self.points.argmax(axis=0)

    @cached_property
    def prior(self) -> Float[np.ndarray, "hypothesis"]:
        """p(w, s); see the module's docstring."""
        of_point = np.full(len(self.points), (1 - self.setting.one_norm) / (len(self.points) - len(self.poles)))
        of_point[self.poles] = self.setting.one_norm / len(self.poles)
        return np.tile(of_point, len(self.nuisance)) / len(self.nuisance)

    @cached_property
    def marginal(self) -> MixtureHypotheses:
        """The simplex alone, to hold marginal posteriors of w."""
        return norm_mixtures(self.setting.norms, self.setting.steps)

    def parts(self, role: Role) -> Parts:
        """The single-norm policies in a role."""
        norms = len(self.setting.norms)
        numbers = self.nuisance[:, [norms if role == "offer" else norms + 1]]
        described = np.stack(
            np.broadcast_arrays(np.arange(norms, dtype=np.float32), self.nuisance[:, :norms], numbers), axis=-1
        )
        distinct, of = np.unique(described.reshape(-1, 3), axis=0, return_inverse=True)
        norm = distinct[:, 0].astype(int)
        blocks = tuple(self._block(n, *distinct[norm == n, 1:].T) for n in range(norms))
        return Parts(PolicyHypotheses(blocks), norm, of.reshape(-1, norms))

    def start(self, runs: int) -> DiscretePosterior:
        """State the prior as the posterior of runs that have seen nothing."""
        log_prior = jnp.asarray(np.log(np.maximum(self.prior, np.finfo(np.float32).tiny)), jnp.float32)
        return DiscretePosterior(self._offers, jnp.broadcast_to(log_prior, (runs, len(log_prior))), jnp.zeros(runs))

    def update(self, posterior: DiscretePosterior, seen: Evidence) -> DiscretePosterior:
        """Update on evidence: on its offers under ε_offer, then on its answers under ε_answer.

        The two sets of hypotheses have one axis, so this is one Bayesian update in two steps.
        """
        nothing = np.zeros_like(seen.offer_seen)
        after_offers = infer(self._offers, seen._replace(answer_seen=nothing), posterior)
        return infer(self._answers, seen._replace(offer_seen=nothing), after_offers)

    @cached_property
    def _offers(self) -> MixtureHypotheses:
        return self._mixtures("offer")

    @cached_property
    def _answers(self) -> MixtureHypotheses:
        return self._mixtures("answer")

    def _mixtures(self, role: Role) -> MixtureHypotheses:
        norms = len(self.setting.norms)
        lapse = self.nuisance[:, norms if role == "offer" else norms + 1]
        blocks = tuple(self._block(n, self.nuisance[:, n], lapse) for n in range(norms))
        return MixtureHypotheses(PolicyHypotheses(blocks), jnp.asarray(self.points))

    def _block(
        self, norm: int, rationality: Float[np.ndarray, "setting"], lapse: Float[np.ndarray, "setting"]
    ) -> Block:
        name, own = self.setting.norms[norm], self.setting.altruists_own_weight
        theta = jnp.zeros((len(lapse), 0))
        if name == "altruistic" and own > 0:
            name, theta = "charness_rabin", jnp.full((len(lapse), 2), 1 - own)  # ρ = σ: the same when ahead and behind
        return Block(name, theta, jnp.asarray(rationality), jnp.asarray(lapse))
