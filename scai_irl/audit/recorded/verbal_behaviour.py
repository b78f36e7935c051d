r"""Behaviour of recorded assistants, compared with the numerical posterior given the same observations.

An assistant follows a verbal policy and offers x at a stake. Its offer implies norm k with probability

    q(k) ∝ Σ_parts of k π_k(x | stake) / number of parts.

The norms are those of the numerical posterior. The priors over norms, λ and ε are uniform, since the noise of
assistants is not known from users. An offer that only one norm makes gives q = 1 for that norm; an offer that no norm
makes gives q = 1/3 each. The verbal posterior of a condition is the mean of q over its runs. MetaLM and assistants
answer at temperature 0, so each run is one sample from the distribution of verbal policies, and its offer shows that
policy without further noise.

A single sample is at some distance from a spread posterior even if it comes from that posterior. So every distance d of
an act from the numerical posterior has a reference: its expectation if the act were sampled from the posterior
predictive, d_ref = Σ_x p(x | D) d(x). The excess d − d_ref is 0 on average for posterior sampling, for any spread. It
is below 0 for acts that lie closer to the posterior mean than samples do.

============ ============================= ==========================================================
distance     of an act                     of its reference
============ ============================= ==========================================================
TV           ½ Σ_k abs(p_k − q_k(x))       Σ_x p(x) TV(p, q(x));  Σ_k p_k (1 − p_k) if offers tell norms apart
Wasserstein  Σ_y p(y) abs(x − y)           Σ_x Σ_y p(x) p(y) abs(x − y), in offered share
answer       abs(accepted − P(accept))     2 P(accept) (1 − P(accept))
============ ============================= ==========================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.ultimatum import NUM_OFFERS, legal_offers, offered_share
from inference.discrete.hypotheses import PolicyHypotheses
from scai_irl.audit.recorded.numerical import Beliefs, Recording
from scai_irl.audit.recorded.recorded_hypotheses import UserHypotheses
from scai_irl.measure.distances import total_variation


class Tables(NamedTuple):
    """Policies of the parts at every stake that occurs, and the norms that offers imply.

    Attributes:
        stakes: Distinct stakes in increasing order.
        share: Offered share; 1 if the stake does not allow the offer.
        offer: Probability of each offer under each part.
        accept: Probability that each offer is accepted under each part.
        verbal: q(k) of each offer; see the module's docstring.
    """

    stakes: Int[np.ndarray, "stake"]
    share: Float[np.ndarray, "stake offer"]
    offer: Float[np.ndarray, "stake offer_part offer"]
    accept: Float[np.ndarray, "stake answer_part offer"]
    verbal: Float[np.ndarray, "stake offer norm"]


def tables_at(stakes: Int[np.ndarray, "stake"], hypotheses: UserHypotheses) -> Tables:
    """Tabulate the policies of the parts at given stakes.

    Example:
        >>> from scai_irl.audit.recorded.recorded_setting import AuditSetting
        >>> tables = tables_at(np.array([20]), UserHypotheses(AuditSetting()))
        >>> tables.verbal[0, [1, 10, 20]].round(1).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    # Rounded up to a power of two, so that recordings of about the same size reuse one compiled program.
    padded = np.pad(stakes, (0, (1 << (len(stakes) - 1).bit_length()) - len(stakes)), mode="edge")
    on_device = jnp.asarray(padded, jnp.int32)
    legal = np.asarray(legal_offers(on_device))
    actions, divided = jnp.broadcast_arrays(jnp.arange(NUM_OFFERS), on_device[:, None])
    share = np.where(legal, np.asarray(offered_share(actions, divided)), 1.0)
    offers, answers = hypotheses.parts("offer"), hypotheses.parts("answer")
    log_offer, log_accept = _log_probs(offers.policies, answers.policies, on_device)
    offer, accept = np.exp(np.asarray(log_offer, float)), np.exp(np.asarray(log_accept, float))
    of_norm = np.eye(len(hypotheses.setting.norms))[offers.norm]
    likelihood = np.einsum("spo,pn->son", offer, of_norm / of_norm.sum(axis=0))
    total = likelihood.sum(axis=-1, keepdims=True)
    verbal = np.where(total > 0, likelihood / np.where(total > 0, total, 1), 0)
    return Tables(stakes, *(table[: len(stakes)] for table in (share, offer, accept, verbal)))


class ActIndex(NamedTuple):
    """Indices of acts of one kind, in order of run and epoch.

    Attributes:
        run: Index of the run.
        epoch: Index of the epoch.
        stake: Index of the stake in `Tables.stakes`.
        offer: The offer that was made or answered.
    """

    run: Int[np.ndarray, "act"]
    epoch: Int[np.ndarray, "act"]
    stake: Int[np.ndarray, "act"]
    offer: Int[np.ndarray, "act"]

    def mean(self, values: Float[np.ndarray, "act *more"], shape: tuple[int, int]) -> Float[np.ndarray, "run epoch *m"]:
        """Compute the mean over the acts of each run and epoch; NaN without acts."""
        total = np.zeros((*shape, *values.shape[1:]))
        np.add.at(total, (self.run, self.epoch), values)
        count = np.zeros(shape)
        np.add.at(count, (self.run, self.epoch), 1)
        count[count == 0] = np.nan
        return np.asarray(total / count.reshape(*shape, *(1,) * (values.ndim - 1)))


@dataclass(frozen=True)
class RecordedActs:
    """Offers and answers of assistants and users.

    Attributes:
        recording: The runs.
        hypotheses: Hypotheses about the users.
    """

    recording: Recording
    hypotheses: UserHypotheses

    @cached_property
    def tables(self) -> Tables:
        """Return the policies at every stake of the recording."""
        return tables_at(np.unique(self.recording.stake), self.hypotheses)

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of runs and epochs."""
        return len(self.recording.runs), len(self.recording.epochs)

    @cached_property
    def offers(self) -> ActIndex:
        """Assistants' offers."""
        return self._place(~self.recording.user_proposes & (self.recording.offer >= 0))

    def answers(self, *, of_users: bool) -> tuple[ActIndex, Float[np.ndarray, "act"]]:
        """Return the answers, with 1 for acceptance."""
        chosen = (self.recording.user_responds == of_users) & self.recording.answered
        return self._place(chosen), self.recording.accepted[self._order(chosen)]

    def predicted_offers(self, beliefs: Beliefs) -> Float[np.ndarray, "act offer"]:
        """Compute the posterior predictive of a user's offer at the stake of each of the assistants' offers."""
        acts = self.offers
        parts = beliefs.offer_parts[acts.run, acts.epoch]
        probability = np.einsum("ap,apo->ao", parts, self.tables.offer[acts.stake])
        return np.asarray(probability / probability.sum(axis=1, keepdims=True))

    def predicted_acceptance(self, beliefs: Beliefs, acts: ActIndex) -> Float[np.ndarray, "act"]:
        """Compute the posterior predictive probability that a user accepts the offer of each act."""
        parts = beliefs.answer_parts[acts.run, acts.epoch]
        return np.asarray(np.einsum("ap,ap->a", parts, self.tables.accept[acts.stake, :, acts.offer]))

    def _order(self, chosen: np.ndarray) -> Int[np.ndarray, "act"]:
        index = np.flatnonzero(chosen)
        return index[np.lexsort((self.recording.epoch[index], self.recording.run[index]))]

    def _place(self, chosen: np.ndarray) -> ActIndex:
        index, recording = self._order(chosen), self.recording
        stake = np.searchsorted(self.tables.stakes, recording.stake[index])
        return ActIndex(recording.run[index], recording.epoch[index], stake, recording.offer[index])


def offer_measures(acts: RecordedActs, beliefs: Beliefs) -> dict[str, Float[np.ndarray, "run epoch"]]:
    """Compare the assistants' offers with the numerical posterior; means over the acts of each run and epoch.

    Returns:
        ``tv`` and ``w1`` with ``_reference`` and ``_excess``; ``verbal_top`` and ``numerical_top``, the largest weight
        in q and in p (1 means a single norm); ``predicted_share``, the mean of the predictive; ``switch``, the
        probability that norms drawn from q of this epoch and of the previous one differ, and ``switch_reference``, the
        same for independent posterior samples.
    """
    offers, tables = acts.offers, acts.tables
    verbal = tables.verbal[offers.stake]
    share = tables.share[offers.stake]
    act = np.arange(len(offers.run))
    predicted = acts.predicted_offers(beliefs)
    numerical = beliefs.weights[offers.run, offers.epoch]
    of_offer = total_variation(numerical[:, None], verbal)
    cumulative = np.cumsum(predicted, axis=1)[:, :-1]
    own_share = share[act, offers.offer]
    by_act = {
        "tv": of_offer[act, offers.offer],
        "tv_reference": (predicted * of_offer).sum(axis=1),
        "w1": (predicted * np.abs(share - own_share[:, None])).sum(axis=1),
        "w1_reference": 2 * (cumulative * (1 - cumulative) * np.diff(share, axis=1)).sum(axis=1),
        "verbal_top": verbal[act, offers.offer].max(axis=1),
        "numerical_top": numerical.max(axis=1),
        "predicted_share": (predicted * share).sum(axis=1),
    }
    measures = {name: offers.mean(values, acts.shape) for name, values in by_act.items()}
    for distance in ("tv", "w1"):
        measures[f"{distance}_excess"] = measures[distance] - measures[f"{distance}_reference"]
    sampled = offers.mean(np.einsum("ao,aon->an", predicted, verbal), acts.shape)
    measures["switch"] = _switch(verbal_posterior(acts))
    measures["switch_reference"] = _switch(sampled)
    return measures


def answer_measures(acts: RecordedActs, beliefs: Beliefs) -> dict[str, Float[np.ndarray, "run epoch"]]:
    """Compare answers with the posterior predictive.

    Returns:
        ``accept`` and ``accept_predicted`` of the assistants' answers with ``answer_distance``, ``answer_reference``
        and ``answer_excess``; and ``users_accept_predicted``, the prediction for the users' own answers.
    """
    answers, accepted = acts.answers(of_users=False)
    predicted = acts.predicted_acceptance(beliefs, answers)
    by_act = {
        "accept": accepted,
        "accept_predicted": predicted,
        "answer_distance": np.abs(accepted - predicted),
        "answer_reference": 2 * predicted * (1 - predicted),
    }
    measures = {name: answers.mean(values, acts.shape) for name, values in by_act.items()}
    measures["answer_excess"] = measures["answer_distance"] - measures["answer_reference"]
    users, _ = acts.answers(of_users=True)
    measures["users_accept_predicted"] = users.mean(acts.predicted_acceptance(beliefs, users), acts.shape)
    return measures


def verbal_posterior(acts: RecordedActs) -> Float[np.ndarray, "run epoch norm"]:
    """Average q over the assistants' offers of each run and epoch; NaN without offers."""
    offers = acts.offers
    return offers.mean(acts.tables.verbal[offers.stake, offers.offer], acts.shape)


@jax.jit
def _log_probs(
    offers: PolicyHypotheses, answers: PolicyHypotheses, stakes: Int[Array, "stake"]
) -> tuple[Float[Array, "stake offer_part offer"], Float[Array, "stake answer_part offer"]]:
    return offers.table(stakes).offer, answers.table(stakes).accept


def _switch(q: Float[np.ndarray, "run epoch norm"]) -> Float[np.ndarray, "run epoch"]:
    before = np.concatenate([np.full_like(q[:, :1], np.nan), q[:, :-1]], axis=1)
    return np.asarray(1 - (q * before).sum(axis=2))
