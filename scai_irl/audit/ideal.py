"""What the sampled channel would read on a Bayesian: her samples are few, and what is done under each is noisy.

She draws each text's norm from the exact posterior and acts on it exactly; her belief is then estimated as a model's is
(`scai_irl.measure.mixing`). Scores of such made-up beliefs are what a model's are held against: they are not 0.
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
    questions: Sequence[BatteryQuestion], exact: pd.DataFrame, how: Elicitation, replications: int = REPLICATIONS
) -> dict[str, Float[np.ndarray, "replication norm"]]:
    """Make up beliefs of a Bayesian about every item, as the sampled channel would find them.

    Args:
        questions: The battery.
        exact: Its exact table (`scai_irl.audit.exact_beliefs.exact_table`).
        how: How beliefs are elicited.
        replications: Bayesians.
    """
    beliefs = {str(item): rows.sort_values("norm")["exact"].to_numpy(float) for item, rows in exact.groupby("item")}
    acts: Mapping[bool, Float[np.ndarray, "norm act outcome"]] = {
        question.mixed: _act_chances(question, how.probes) for question in questions
    }
    found = {}
    for question in questions:
        name = question.item.name
        rng = np.random.default_rng(derive_seed(how.seed, "ideal", name))
        drawn = [_one(beliefs[name], acts[question.mixed], how.draws, rng) for _ in range(replications)]
        found[name] = np.stack(drawn)
    return found


def _one(
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
    """Chance of each outcome of each act at the probes: offers first, then answers (rejected, accepted)."""
    offers, accepts = behaviour(question.item.candidates.policies, probes)
    answers = np.zeros((*accepts.shape, offers.shape[2]))
    answers[..., 0], answers[..., 1] = 1 - accepts, accepts
    return np.repeat(np.concatenate([offers, answers], axis=1), probes.repeats, axis=1)
