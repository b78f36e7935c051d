r"""Exact posterior over each user's norm, if each user keeps one of several named norms.

With L_i(k) = p(D_i | norm k) of user i, and shares w of the norms,

    p(w | D) ∝ p(w) Π_i Σ_k w_k L_i(k),        p(z_i = k | w, D) ∝ w_k L_i(k)

Given w, users are independent, so a sum over w is a sum over all K^users assignments z. In
`inference.discrete.mixtures` users are anonymous and drawn anew for every interaction. Here the interactions of a user
belong together, so her norm can be identified. A group consists of all users with the same norm, so groups have names
and need no order, unlike those of `inference.continuous.groups`.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key
from scipy.special import logsumexp, softmax

from envs.policy import Policy
from envs.seeds import keys_of_runs
from inference.discrete.mixtures import MixtureHypotheses
from inference.discrete.posterior import DiscretePosterior


@dataclass(frozen=True)
class NamedGroups:
    """Posterior over the norms of users, for many runs at once.

    Attributes:
        mixtures: The norms, and the possible shares w.
        log_alone: log p(norm | D_i) of each user under equal shares, from this user's evidence only.
        log_shares: log p(w | D).
    """

    mixtures: MixtureHypotheses
    log_alone: Float[np.ndarray, "run user norm"]
    log_shares: Float[np.ndarray, "run point"]

    @property
    def shares(self) -> Float[np.ndarray, "run norm"]:
        """Expected share of users with each norm, E[w | D]."""
        return np.asarray(np.exp(self.log_shares) @ np.asarray(self.mixtures.weights, np.float64))

    @property
    def assignment(self) -> Float[np.ndarray, "run user norm"]:
        """Probability of each norm for each user, p(z_i = k | D)."""
        each = softmax(_log_joint(self.mixtures, self.log_alone), axis=-1)
        return np.asarray(np.einsum("rp,rupk->ruk", np.exp(self.log_shares), each))

    def policy(self, norm: int) -> Policy:
        """State one of the norms as a policy."""
        return self.mixtures.components.policy(norm)

    def sample(self, key: Key[Array, ""], runs: Int[Array, "run"] | None = None) -> Int[np.ndarray, "run user"]:
        """Draw the norms of all users of a run jointly: first w ~ p(w | D), then each user's norm.

        This is Thompson sampling over the assignment of norms, with one draw per epoch.

        Args:
            key: Root of the runs' keys.
            runs: Number of each run, from which its key is derived; 0, 1, … if not given.
        """
        numbers = jnp.arange(len(self.log_shares)) if runs is None else jnp.asarray(runs)
        keys = jax.vmap(jax.random.split)(keys_of_runs(key, numbers))
        point = np.asarray(jax.vmap(jax.random.categorical)(keys[:, 0], jnp.asarray(self.log_shares)))
        weights = np.asarray(self.mixtures.weights)[point]
        with np.errstate(divide="ignore"):
            logits = self.log_alone + np.log(weights)[:, None]
        return np.asarray(jax.vmap(jax.random.categorical)(keys[:, 1], jnp.asarray(logits)))


def named_groups(mixtures: MixtureHypotheses, alone: DiscretePosterior, users: int) -> NamedGroups:
    """Compute the posterior over each user's norm, if each user keeps one.

    Args:
        mixtures: The norms under one (λ, ε), and the possible shares, all equally probable.
        alone: Posterior over the norms from each user's own evidence and a uniform prior, with a row for each user.
        users: Number of users in each run.

    Raises:
        ValueError: If the number of rows is not a multiple of `users`, or the posterior is over other norms.

    Example:
        >>> from inference import evidence, infer, norm_mixtures
        >>> mixtures = norm_mixtures(("selfish", "altruistic"))
        >>> alone = infer(mixtures.components, evidence([[10], [10], [10]], [[0], [0], [10]], True))
        >>> groups = named_groups(mixtures, alone, users=3)
        >>> groups.assignment.argmax(axis=-1).tolist(), groups.shares.round(1).tolist()
        ([[0, 0, 1]], [[0.6, 0.4]])
    """
    norms = len(mixtures.norms)
    if mixtures.settings != 1 or alone.log_prob.shape[1] != norms:
        raise ValueError(f"alone: give a posterior over the {norms} norms themselves, under one rationality and lapse")
    if alone.runs % users:
        raise ValueError(f"alone: {alone.runs} rows do not make runs of {users} users")
    log_prob = np.asarray(alone.log_prob, np.float64)
    if alone.rest is not None:
        log_prob = log_prob + np.asarray(alone.rest, np.float64)
    log_alone = log_prob.reshape(-1, users, norms)
    log_shares = logsumexp(_log_joint(mixtures, log_alone), axis=-1).sum(axis=1)
    return NamedGroups(mixtures, log_alone, log_shares - logsumexp(log_shares, axis=1, keepdims=True))


def _log_joint(
    mixtures: MixtureHypotheses, log_alone: Float[np.ndarray, "run user norm"]
) -> Float[np.ndarray, "run user point norm"]:
    """Log w_k p(k | D_i), with the axis of shares after the axis of users."""
    with np.errstate(divide="ignore"):
        return log_alone[:, :, None] + np.log(np.asarray(mixtures.weights, np.float64))
