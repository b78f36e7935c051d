"""Simulated beliefs of a Bayesian, as the sampled channel would estimate them.

The channel uses few samples and noisy acts, so even a Bayesian does not score 0. The simulated Bayesian draws the norm
of each text from the exact posterior and follows it exactly. Her belief is estimated as a model's belief is
(`scai_irl.measure.mixing`). A model's scores are compared with the scores of these beliefs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from envs.seeds import derive_seed
from scai_irl.audit.battery import BatteryQuestion
from scai_irl.measure.elicit import Elicitation
from scai_irl.measure.grounding import Probes, behaviour
from scai_irl.measure.mixing import mixing_weights

REPLICATIONS = 40
_STEPS = 150


def ideal_beliefs(
    questions: Sequence[BatteryQuestion],
    exact: pd.DataFrame,
    elicitation: Elicitation,
    replications: int = REPLICATIONS,
) -> dict[str, Float[np.ndarray, "replication norm"]]:
    """Simulate beliefs of Bayesians about every item, as the sampled channel would estimate them.

    Args:
        questions: The battery.
        exact: Its exact table (`scai_irl.audit.exact_beliefs.exact_table`).
        elicitation: How beliefs are elicited.
        replications: Number of simulated Bayesians.
    """
    posteriors = {str(item): rows.sort_values("norm")["exact"].to_numpy(float) for item, rows in exact.groupby("item")}
    acts: Mapping[bool, Float[np.ndarray, "norm act outcome"]] = {
        question.mixed: _act_chances(question, elicitation.probes) for question in questions
    }
    beliefs_by_item = {}
    for question in questions:
        name = question.item.name
        rng = np.random.default_rng(derive_seed(elicitation.seed, "ideal", name))
        replicated = [
            _sampled_belief(posteriors[name], acts[question.mixed], elicitation.draws, rng) for _ in range(replications)
        ]
        beliefs_by_item[name] = np.stack(replicated)
    return beliefs_by_item


def _sampled_belief(
    exact: Float[np.ndarray, "norm"],
    chances: Float[np.ndarray, "norm act outcome"],
    draws: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "norm"]:
    norms = rng.choice(len(exact), draws, p=exact / exact.sum())
    cumulative = np.cumsum(chances, axis=2)[norms]
    uniform = rng.random((draws, chances.shape[1], 1)) * cumulative[..., -1:]
    outcome = (uniform > cumulative).sum(axis=2)
    with np.errstate(divide="ignore"):
        log_chances = np.log(chances)
    likelihood = np.take_along_axis(log_chances[None], outcome[:, None, :, None], axis=3)[..., 0].sum(axis=2)
    return mixing_weights(likelihood, _STEPS)


def _act_chances(question: BatteryQuestion, probes: Probes) -> Float[np.ndarray, "norm act outcome"]:
    """Return the probability of each outcome of each act: offers first, then answers (rejected, accepted)."""
    offers, accepts = behaviour(question.item.candidates.policies, probes)
    answers = np.zeros((*accepts.shape, offers.shape[2]))
    answers[..., 0], answers[..., 1] = 1 - accepts, accepts
    return np.repeat(np.concatenate([offers, answers], axis=1), probes.repeats, axis=1)
