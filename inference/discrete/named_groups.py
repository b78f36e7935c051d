r"""Users who each keep one of several named norms: who holds which, exactly.

With L_i(k) = p(D_i | norm k) of user i, and shares w of the norms,

    p(w | D) ∝ p(w) Π_i Σ_k w_k L_i(k),        p(z_i = k | w, D) ∝ w_k L_i(k)

Given w users are independent, so enumerating w sums over all K^users assignments z. Members of
`inference.discrete.mixtures` are anonymous and drawn anew for every game; here a user's games belong together, which is
what tells users apart. A group is all users who hold a norm, so groups have names and need no order, unlike those of
`inference.continuous.groups`.
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
    """The posterior over who holds which norm, for many runs at once.

    Attributes:
        mixtures: The norms, and the shares w that are possible.
        log_alone: log p(norm | D_i) of each user under equal shares: what the user alone shows.
        log_shares: log p(w | D).
    """

    mixtures: MixtureHypotheses
    log_alone: Float[np.ndarray, "run user norm"]
    log_shares: Float[np.ndarray, "run point"]

    @property
    def shares(self) -> Float[np.ndarray, "run norm"]:
        """Expected share of the users that hold each norm, E[w | D]."""
        return np.asarray(np.exp(self.log_shares) @ np.asarray(self.mixtures.weights, np.float64))

    @property
    def assignment(self) -> Float[np.ndarray, "run user norm"]:
        """Probability that each user holds each norm, p(z_i = k | D)."""
        each = softmax(_log_joint(self.mixtures, self.log_alone), axis=-1)
        return np.asarray(np.einsum("rp,rupk->ruk", np.exp(self.log_shares), each))

    def policy(self, norm: int) -> Policy:
        """State one of the norms as a policy."""
        return self.mixtures.components.policy(norm)

    def sample(self, key: Key[Array, ""], runs: Int[Array, "run"] | None = None) -> Int[np.ndarray, "run user"]:
        """Draw who holds which norm, all users of a run together: first w ~ p(w | D), then each user's norm.

        This is Thompson sampling where the world is who users are: one draw for an epoch.

        Args:
            key: Root of the runs' keys.
            runs: Number of each run, from which its key comes; 0, 1, … unless given.
        """
        numbers = jnp.arange(len(self.log_shares)) if runs is None else jnp.asarray(runs)
        keys = jax.vmap(jax.random.split)(keys_of_runs(key, numbers))
        point = np.asarray(jax.vmap(jax.random.categorical)(keys[:, 0], jnp.asarray(self.log_shares)))
        weights = np.asarray(self.mixtures.weights)[point]
        with np.errstate(divide="ignore"):
            logits = self.log_alone + np.log(weights)[:, None]
        return np.asarray(jax.vmap(jax.random.categorical)(keys[:, 1], jnp.asarray(logits)))


def named_groups(mixtures: MixtureHypotheses, alone: DiscretePosterior, users: int) -> NamedGroups:
    """Compute who holds which norm, where each user keeps one.

    Args:
        mixtures: The norms under one (λ, ε), and the shares that are possible, all equally probable.
        alone: Posterior over the norms of each user by herself, a row each, from equal prior probabilities.
        users: Users of each run.

    Raises:
        ValueError: If the posterior's rows are not runs of so many users, or not over these norms.

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
    """Log w_k p(k | D_i), with the axis of shares after that of users."""
    with np.errstate(divide="ignore"):
        return log_alone[:, :, None] + np.log(np.asarray(mixtures.weights, np.float64))
