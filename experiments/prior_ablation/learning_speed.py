r"""Speed of learning under all priors, populations and temperatures, as one compiled program.

A group's policy is one of K mixtures of norms. The same K mixtures are the observers' hypotheses. In each run, for
setting s of (λ, ε), users k and prior π,

    log p(j | D_1..g) = log π(j) + Σ_{i ≤ g} log p(play_i | j, s) + const,     plays_i ~ k under s.

Thompson sampling draws one hypothesis from this posterior. The expected distance of its mean offer from the users' is

    gap_g = Σ_j p(j | D_1..g) |m_j − m_k|,     m_j = E[offered share | j, s]

In new currencies a norm transfers with probability s(d), and the posterior is that of
`inference.structured.transfer.at_target`.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from envs.seeds import keys_of_runs
from envs.soft_policy import PolicyTable, inverse_cdf
from envs.ultimatum import NUM_OFFERS, legal_offers, offered_share
from inference.discrete.mixtures import MixtureHypotheses


class Learning(NamedTuple):
    """Beliefs of observers; axes are run, prior, setting of (λ, ε), users, and number of interactions from 0 on.

    Attributes:
        truth: Probability of the users' own policy.
        gap: Expected distance of a posterior sample's mean offer from the users'.
        new_currencies: The gap after all interactions at each distance from the source currency; users keep their
            policy.
        offer: Offers that were made.
        accepted: Whether they were accepted.
    """

    truth: Float[np.ndarray, "run prior setting users game"]
    gap: Float[np.ndarray, "run prior setting users game"]
    new_currencies: Float[np.ndarray, "run prior setting users distance"]
    offer: Int[np.ndarray, "run setting users play"]
    accepted: Bool[np.ndarray, "run setting users play"]


def learn_at_all(
    key: Key[Array, ""],
    hypotheses: MixtureHypotheses,
    priors: Float[np.ndarray, "prior point"],
    stakes: Int[np.ndarray, "run play"],
    transfers: Float[np.ndarray, "distance"],
) -> Learning:
    """Simulate all users' interactions and compute the beliefs of observers with every prior.

    Args:
        key: Randomness; run r has its own key.
        hypotheses: Mixtures, under L settings of (λ, ε); observers know the setting.
        priors: Probability of each mixture, all above 0.
        stakes: Stake of each play.
        transfers: Probability that a policy transfers to each of some new currencies.

    Raises:
        ValueError: If a prior probability is not above 0.
    """
    if not (priors > 0).all():
        raise ValueError("priors: every hypothesis needs a chance above 0")
    distinct, place = np.unique(stakes, return_inverse=True)
    keys = keys_of_runs(key, jnp.arange(stakes.shape[0]))
    with jax.enable_x64(True):
        exact = jax.tree.map(lambda leaf: jnp.asarray(leaf, np.float64), hypotheses)
        arrays = _learn(keys, exact, np.log(priors), distinct, place.reshape(stakes.shape), transfers)
    return Learning(*(np.asarray(array) for array in arrays))


def first_game(truth: Float[np.ndarray, "*n game"], above: float = 0.9) -> Float[np.ndarray, "*n"]:
    """Number of interactions after which the truth first has more than this probability; NaN if it never has.

    Example:
        >>> first_game(np.array([[0.3, 0.95, 0.8], [0.3, 0.4, 0.5]])).tolist()
        [1.0, nan]
    """
    reached = truth > above
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1), np.nan)


@jax.jit
def _learn(
    keys: Key[Array, "run"],
    hypotheses: MixtureHypotheses,
    log_priors: Float[Array, "prior point"],
    distinct: Int[Array, "stake"],
    place: Int[Array, "run play"],
    transfers: Float[Array, "distance"],
) -> tuple[Array, ...]:
    settings, points = hypotheses.settings, hypotheses.weights.shape[0]
    by_setting = hypotheses.table(distinct)
    table = PolicyTable(*(leaf.reshape(-1, settings, points, NUM_OFFERS) for leaf in by_setting))
    distance = _distances(table, distinct)

    def of_run(entry: tuple[Array, Array]) -> tuple[Array, ...]:
        own, stake = entry
        offer, accepted = _play(own, table, stake)
        log_likelihood = _log_likelihood(table, stake, offer, accepted)
        total = jnp.pad(jnp.cumsum(log_likelihood, axis=2), ((0, 0), (0, 0), (1, 0), (0, 0)))
        log_prob = jax.nn.log_softmax(total + log_priors[:, None, None, None, :], axis=-1)
        chance = jnp.exp(log_prob)
        truth = jnp.einsum("psugk,uk->psug", chance, jnp.eye(points))
        gap = jnp.einsum("psugk,suk->psug", chance, distance)
        by_prior = jnp.einsum("pk,suk->psu", jnp.exp(log_priors), distance)
        new_currencies = transfers * gap[..., -1:] + (1 - transfers) * by_prior[..., None]
        return truth, gap, new_currencies, offer, accepted

    learned: tuple[Array, ...] = jax.lax.map(of_run, (keys, place))
    return learned


def _play(
    key: Key[Array, ""], table: PolicyTable, stake: Int[Array, "play"]
) -> tuple[Int[Array, "setting users play"], Bool[Array, "setting users play"]]:
    """Simulate interactions among users; in a mixed group each user draws its norm anew (see `envs.simulate`)."""
    key_offer, key_answer = jax.random.split(key)
    shape = (*table.offer.shape[1:3], stake.shape[0])
    of_play = jnp.moveaxis(table.offer[stake], 0, 2)
    offer = inverse_cdf(jax.random.uniform(key_offer, shape), of_play)
    accept = jnp.take_along_axis(jnp.moveaxis(table.accept[stake], 0, 2), offer[..., None], axis=-1)[..., 0]
    return offer, jax.random.uniform(key_answer, shape) < jnp.exp(accept)


def _log_likelihood(
    table: PolicyTable,
    stake: Int[Array, "play"],
    offer: Int[Array, "setting users play"],
    accepted: Bool[Array, "setting users play"],
) -> Float[Array, "setting users play point"]:
    """Log-probability of each play under each hypothesis of the same setting."""

    def at(leaf: Float[Array, "stake setting point offer"]) -> Float[Array, "setting users play point"]:
        setting = jnp.arange(leaf.shape[1])[:, None, None]
        return leaf[stake, setting, :, offer]

    answer = jnp.where(accepted[..., None], at(table.accept), at(table.reject))
    return at(table.offer) + answer


def _distances(table: PolicyTable, distinct: Int[Array, "stake"]) -> Float[Array, "setting users point"]:
    """Distance between the mean offered shares of every two policies, averaged over stakes."""
    offers = jnp.broadcast_to(jnp.arange(NUM_OFFERS), (distinct.shape[0], NUM_OFFERS))
    share = jnp.where(legal_offers(distinct), offered_share(offers, distinct[:, None] + 0 * offers), 0.0)
    mean = jnp.einsum("nspo,no->sp", jnp.exp(table.offer), share) / distinct.shape[0]
    return jnp.abs(mean[:, :, None] - mean[:, None, :])
