"""Round-trip loss of translation: policy → text → behaviour, compared with the policy itself.

The MetaLM translates a policy π_θ into a text, and the AssistantLM follows the text R times at each probe. With its
observed behaviour π̂, the loss of a text is

    TV(π̂, π_θ) and W₁(π̂, π_θ) over offered shares, averaged over stakes, and |α̂ − α_θ| over answers

R acts are a sample, so even a perfect translator has a loss above 0. Its mean loss, from acts sampled from π_θ, is the
floor. Each loss is reported with its floor and its excess over the floor.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from envs.policy import Policy
from envs.seeds import derive_seed
from scai_irl.language.asking import Style
from scai_irl.language.requests import read_translation, translation_request
from scai_irl.lm.ask import Question, ask
from scai_irl.lm.protocol import Backend
from scai_irl.lm.rounds import Plan, in_rounds
from scai_irl.lm.tally import Tally
from scai_irl.measure.distances import total_variation
from scai_irl.measure.grounding import MISSING, Acts, Probes, act_on_policies, behaviour

_IDEAL = 200  # simulated perfect translators, whose mean loss is the floor
_REPEATS = 10

LOSSES = ("tv", "w1", "answer")


@dataclass(frozen=True)
class Translation:
    """Settings of the measurement.

    Attributes:
        wordings: Wordings of the request for a translation.
        probes: Contexts in which assistants follow the texts.
        style: Temperature and length of answers.
        seed: Root seed.
    """

    wordings: tuple[int, ...] = (1,)
    probes: Probes = field(default_factory=lambda: Probes(repeats=_REPEATS))
    style: Style = field(default_factory=Style)
    seed: int = 0


def translation_loss(
    backend: Backend, families: Mapping[str, Sequence[Policy]], design: Translation, tally: Tally | None = None
) -> pd.DataFrame:
    """Measure the loss of every policy of every family, in two rounds of calls.

    Args:
        backend: Model that translates and acts.
        families: Policies to translate, by family.
        design: Wordings, contexts and seed.
        tally: Counts calls and tokens.

    Returns:
        One row for each family, policy and wording: the text, ``tv``, ``w1`` and ``answer``, each with its floor
        (``tv_floor`` …) and excess (``tv_excess`` …). NaN if there is no text or no act.

    Example:
        >>> from envs import Norm
        >>> from scai_irl.backends.phrasebook.backend import Phrasebook
        >>> losses = translation_loss(Phrasebook(), {"named": [Policy.of(Norm("fair"))]}, Translation())
        >>> losses["tv"].round(2).tolist()
        [0.0]
    """
    cases = [
        (family, number, policy, wording)
        for family, policies in families.items()
        for number, policy in enumerate(policies)
        for wording in design.wordings
    ]
    plan = _say_and_act(cases, design)
    costs = Tally() if tally is None else tally
    ((texts, acts),) = in_rounds([plan], functools.partial(ask, backend, costs=costs))
    offers, accepts = behaviour([policy for _, _, policy, _ in cases], design.probes)
    lines = []
    for case, (family, number, _, wording) in enumerate(cases):
        line: dict[str, object] = {"family": family, "policy": number, "wording": wording, "text": texts[case]}
        own = Acts(acts.units[case : case + 1], acts.answer[case : case + 1])
        loss = _loss(own, offers[case], accepts[case], design.probes)[0]
        rng = np.random.default_rng(derive_seed(design.seed, "ideal", family, number, wording))
        ideal = _loss(_ideal(own, offers[case], accepts[case], rng), offers[case], accepts[case], design.probes)
        for name, value, floor in zip(LOSSES, loss, ideal.mean(axis=0), strict=True):
            line |= {name: value, f"{name}_floor": floor, f"{name}_excess": value - floor}
        lines.append(line)
    return pd.DataFrame(lines)


Case = tuple[str, int, Policy, int]


def _say_and_act(cases: Sequence[Case], design: Translation) -> Plan[tuple[list[str | None], Acts]]:
    questions = []
    for family, number, policy, wording in cases:
        style = replace(design.style, wording=wording)
        seed = derive_seed(design.seed, "translate", family, number, wording)
        questions.append(Question(translation_request(policy, seed, style), read_translation))
    texts = [None if answer is None else str(answer) for answer in (yield questions)]
    acts = yield from act_on_policies(
        texts, design.probes, functools.partial(derive_seed, design.seed, "ground"), design.style
    )
    return texts, acts


def _loss(
    acts: Acts,
    offers: Float[np.ndarray, "stake units"],
    accepts: Float[np.ndarray, "offered"],
    probes: Probes,
) -> Float[np.ndarray, "text loss"]:
    """Compute TV and W₁ of offers and the mean distance of acceptance for each text, without missing acts."""
    counts = _counts(acts.units, offers.shape[1])
    total = counts.sum(axis=2, keepdims=True)
    with np.errstate(invalid="ignore"):
        frequency = counts / total
    tv = total_variation(frequency, offers[None])
    steps = 1 / np.asarray(probes.stakes)[None, :, None]
    w1 = (np.abs(np.cumsum(frequency - offers[None], axis=2)) * steps).sum(axis=2)
    answered = (acts.answer != MISSING).sum(axis=2)
    with np.errstate(invalid="ignore"):
        accepted = (acts.answer == 1).sum(axis=2) / answered
    gap = np.abs(accepted - accepts[None])
    return np.stack([_mean(tv), _mean(w1), _mean(gap)], axis=1)


def _counts(units: Int[np.ndarray, "text stake repeat"], size: int) -> Float[np.ndarray, "text stake units"]:
    return np.asarray((units[..., None] == np.arange(size)).sum(axis=2), float)


def _mean(values: Float[np.ndarray, "text context"]) -> Float[np.ndarray, "text"]:
    """Compute the mean over contexts with acts; NaN without any."""
    known = ~np.isnan(values)
    summed = np.where(known, values, 0.0).sum(axis=1)
    return np.where(known.any(axis=1), summed / np.maximum(known.sum(axis=1), 1), np.nan)


def _ideal(
    acts: Acts,
    offers: Float[np.ndarray, "stake units"],
    accepts: Float[np.ndarray, "offered"],
    rng: np.random.Generator,
) -> Acts:
    """Sample acts from the policy itself, as many as were observed, for each simulated translator."""
    units = np.full((_IDEAL, *acts.units.shape[1:]), MISSING)
    for stake, chances in enumerate(offers):
        known = acts.units[0, stake] != MISSING
        units_drawn = rng.choice(len(chances), (_IDEAL, int(known.sum())), p=chances / chances.sum())
        units[:, stake, known] = units_drawn
    answer = np.full((_IDEAL, *acts.answer.shape[1:]), MISSING)
    for offered, chance in enumerate(accepts):
        known = acts.answer[0, offered] != MISSING
        answer[:, offered, known] = rng.random((_IDEAL, int(known.sum()))) < chance
    return Acts(units, answer)
