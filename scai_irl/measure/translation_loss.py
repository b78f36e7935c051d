"""Round-trip loss of translation: policy → words → behaviour, held against the policy itself.

A policy π_θ is put into words by the MetaLM, and the AssistantLM acts on the words R times at each probe. With π̂ what
it did, the loss of a text is

    TV(π̂, π_θ) and W₁(π̂, π_θ) over offered shares, averaged over stakes, and |α̂ − α_θ| over answers

Even a translator that loses nothing has a loss above 0, since R acts are a sample; beside each loss stands what such a
translator would have on average, from acts drawn from π_θ, and the excess over it.
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
from scai_irl.measure.grounding import MISSING, Acts, Probes, behaviour, ground

_IDEAL = 200  # translators that lose nothing, whose average loss is the floor
_REPEATS = 10

LOSSES = ("tv", "w1", "answer")


@dataclass(frozen=True)
class Translation:
    """How translation is measured.

    Attributes:
        wordings: Wordings in which translations are asked for.
        probes: Contexts in which the words are acted on.
        style: How the models are asked.
        seed: Root of all seeds.
    """

    wordings: tuple[int, ...] = (1,)
    probes: Probes = field(default_factory=lambda: Probes(repeats=_REPEATS))
    style: Style = field(default_factory=Style)
    seed: int = 0


def translation_loss(
    backend: Backend, families: Mapping[str, Sequence[Policy]], how: Translation, tally: Tally | None = None
) -> pd.DataFrame:
    """Measure the loss of every policy of every family, in two rounds.

    Args:
        backend: Who translates and acts.
        families: Policies to be put into words, by family.
        how: How it is measured.
        tally: What it costs.

    Returns:
        A line for each family, policy and wording: the text, ``tv``, ``w1`` and ``answer``, each with its floor
        (``tv_floor`` …) and excess (``tv_excess`` …). NaN where nobody gave words or acted.

    Example:
        >>> from envs import Norm
        >>> from scai_irl.backends.phrasebook.backend import Phrasebook
        >>> found = translation_loss(Phrasebook(), {"named": [Policy.of(Norm("fair"))]}, Translation())
        >>> found["tv"].round(2).tolist()
        [0.0]
    """
    cases = [
        (family, number, policy, wording)
        for family, policies in families.items()
        for number, policy in enumerate(policies)
        for wording in how.wordings
    ]
    plan = _say_and_act(cases, how)
    costs = Tally() if tally is None else tally
    ((texts, acts),) = in_rounds([plan], functools.partial(ask, backend, costs=costs))
    offers, accepts = behaviour([policy for _, _, policy, _ in cases], how.probes)
    lines = []
    for case, (family, number, _, wording) in enumerate(cases):
        line: dict[str, object] = {"family": family, "policy": number, "wording": wording, "text": texts[case]}
        own = Acts(acts.units[case : case + 1], acts.answer[case : case + 1])
        loss = _loss(own, offers[case], accepts[case], how.probes)[0]
        rng = np.random.default_rng(derive_seed(how.seed, "ideal", family, number, wording))
        ideal = _loss(_ideal(own, offers[case], accepts[case], rng), offers[case], accepts[case], how.probes)
        for name, value, floor in zip(LOSSES, loss, ideal.mean(axis=0), strict=True):
            line |= {name: value, f"{name}_floor": floor, f"{name}_excess": value - floor}
        lines.append(line)
    return pd.DataFrame(lines)


Case = tuple[str, int, Policy, int]


def _say_and_act(cases: Sequence[Case], how: Translation) -> Plan[tuple[list[str | None], Acts]]:
    questions = []
    for family, number, policy, wording in cases:
        style = replace(how.style, wording=wording)
        seed = derive_seed(how.seed, "translate", family, number, wording)
        questions.append(Question(translation_request(policy, seed, style), read_translation))
    texts = [None if answer is None else str(answer) for answer in (yield questions)]
    acts = yield from ground(texts, how.probes, functools.partial(derive_seed, how.seed, "ground"), how.style)
    return texts, acts


def _loss(
    acts: Acts,
    offers: Float[np.ndarray, "stake units"],
    accepts: Float[np.ndarray, "offered"],
    probes: Probes,
) -> Float[np.ndarray, "text loss"]:
    """TV and W₁ of offers, and the mean distance of acceptance, of each text; acts that are missing are left out."""
    counts = _counts(acts.units, offers.shape[1])
    made = counts.sum(axis=2, keepdims=True)
    with np.errstate(invalid="ignore"):
        did = counts / made
    tv = total_variation(did, offers[None])
    steps = 1 / np.asarray(probes.stakes)[None, :, None]
    w1 = (np.abs(np.cumsum(did - offers[None], axis=2)) * steps).sum(axis=2)
    answered = (acts.answer != MISSING).sum(axis=2)
    with np.errstate(invalid="ignore"):
        accepted = (acts.answer == 1).sum(axis=2) / answered
    gap = np.abs(accepted - accepts[None])
    return np.stack([_mean(tv), _mean(w1), _mean(gap)], axis=1)


def _counts(units: Int[np.ndarray, "text stake repeat"], size: int) -> Float[np.ndarray, "text stake units"]:
    return np.asarray((units[..., None] == np.arange(size)).sum(axis=2), float)


def _mean(values: Float[np.ndarray, "text context"]) -> Float[np.ndarray, "text"]:
    """Mean over contexts in which somebody acted; NaN without any."""
    there = ~np.isnan(values)
    total = np.where(there, values, 0.0).sum(axis=1)
    return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)


def _ideal(
    acts: Acts,
    offers: Float[np.ndarray, "stake units"],
    accepts: Float[np.ndarray, "offered"],
    rng: np.random.Generator,
) -> Acts:
    """As many acts as there are, drawn from the policy itself, many times over."""
    units = np.full((_IDEAL, *acts.units.shape[1:]), MISSING)
    for stake, chances in enumerate(offers):
        there = acts.units[0, stake] != MISSING
        drawn = rng.choice(len(chances), (_IDEAL, int(there.sum())), p=chances / chances.sum())
        units[:, stake, there] = drawn
    answer = np.full((_IDEAL, *acts.answer.shape[1:]), MISSING)
    for offered, chance in enumerate(accepts):
        there = acts.answer[0, offered] != MISSING
        answer[:, offered, there] = rng.random((_IDEAL, int(there.sum()))) < chance
    return Acts(units, answer)
