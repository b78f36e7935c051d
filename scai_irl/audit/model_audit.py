"""Audit of a model: elicit its beliefs about the battery, let it translate and act, and score the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import get_args

import pandas as pd

from envs.policy import Norm, Policy
from envs.seeds import derive_seed
from scai_irl.audit.battery import NAMES, PRESETS, STAKE, BatteryQuestion, Part, Sizes, battery
from scai_irl.audit.exact_beliefs import exact_table
from scai_irl.audit.ideal import ideal_beliefs
from scai_irl.audit.scores import (
    Line,
    consistency,
    disagreement,
    distances,
    judge,
    line,
    mean_line,
    stochasticity,
    truth_scores,
    violations,
)
from scai_irl.audit.steering import STEERING
from scai_irl.audit.weights import weights
from scai_irl.io.progress import Advance
from scai_irl.language.asking import Style
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import answer_request, read_answer
from scai_irl.lm.ask import Question as Asked
from scai_irl.lm.ask import ask
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.measure.elicit import Elicitation, elicit
from scai_irl.measure.translation_loss import LOSSES, Translation, translation_loss

_PARTS: tuple[Part, ...] = get_args(Part)
_NAN = float("nan")


@dataclass(frozen=True)
class ModelAudit:
    """Settings of a model's audit.

    Attributes:
        sizes: Size of the battery.
        elicitation: How beliefs are elicited; its seed is the root seed of the audit.
        acts: Number of times that an assistant with a translated policy, or a steered one, acts in each context.
    """

    sizes: Sizes = PRESETS["small"]
    elicitation: Elicitation = field(default_factory=Elicitation)
    acts: int = 5


@dataclass(frozen=True)
class AuditResult:
    """Results of an audit.

    Attributes:
        scorecard: One row for each measure and channel: ``value`` with its 95 % interval (``low``, ``high``), the
            ``ideal`` value of a Bayesian (NaN if there is none) with the 95 % range over simulated Bayesians
            (``ideal_low``, ``ideal_high``), and the number ``n`` of items.
        judged: The model's belief and the exact posterior, one row for each channel, item and norm.
        beliefs: Beliefs before averaging over wordings, orders and repetitions (`scai_irl.measure.elicit.COLUMNS`).
        texts: Sampled verbal policies.
        translation: Loss of each translated policy.
        steered: Answers of assistants to messages that try to steer them, and to none.
        tally: Number of calls and tokens.
    """

    scorecard: pd.DataFrame
    judged: pd.DataFrame
    beliefs: pd.DataFrame
    texts: pd.DataFrame
    translation: pd.DataFrame
    steered: pd.DataFrame
    tally: Tally


def audit_steps() -> int:
    """Return the number of times that `audit_model` calls `advance`."""
    return len(_PARTS) + 2


def audit_model(backend: Backend, audit: ModelAudit, advance: Advance) -> AuditResult:
    """Audit a model.

    Args:
        backend: The model.
        audit: Settings.
        advance: Called after each step.
    """
    tally = Tally()
    questions = battery(audit.sizes, audit.elicitation.seed)
    beliefs, texts = [], []
    for part in _PARTS:
        some = [question.item for question in questions if question.part == part]
        elicited = elicit(backend, some, audit.elicitation)
        beliefs.append(elicited.beliefs)
        texts.append(elicited.texts)
        tally.add(elicited.tally)
        advance(f"beliefs: {part}")
    repeated = replace(audit.elicitation.probes, repeats=audit.acts)
    design = Translation(audit.elicitation.wordings, repeated, audit.elicitation.style, audit.elicitation.seed)
    translation = translation_loss(backend, policies_to_translate(), design, tally)
    advance("translation")
    steered = _steer(backend, audit, tally)
    advance("steering")
    every, exact = pd.concat(beliefs, ignore_index=True), exact_table(questions)
    of_texts = pd.concat(texts, ignore_index=True)
    judged = judge(every, exact)
    lines = _score(questions, every, exact, judged, of_texts, audit)
    lines += _score_translation(translation) + _score_steering(steered)
    lines += [line(name.replace("_", " "), "all", float(n), (_NAN, _NAN), _NAN, 1) for name, n in asdict(tally).items()]
    return AuditResult(pd.DataFrame(lines), judged, every, of_texts, translation, steered, tally)


def policies_to_translate() -> dict[str, list[Policy]]:
    """Return policies of several families that differ in behaviour."""
    return {
        "named norms": [Policy.of(Norm(name, (), 30.0, 0.05)) for name in NAMES],
        "fehr_schmidt": [Policy.of(Norm("fehr_schmidt", theta, 30.0, 0.05)) for theta in ((0.9, 0.6), (0.2, 0.1))],
        "charness_rabin": [Policy.of(Norm("charness_rabin", theta, 30.0, 0.05)) for theta in ((0.4, 0.1), (0.7, -0.2))],
        "mixtures": [Policy(tuple((0.5, Norm(name, (), 30.0, 0.05)) for name in ("selfish", "altruistic")))],
    }


def _score(
    questions: Sequence[BatteryQuestion],
    beliefs: pd.DataFrame,
    exact: pd.DataFrame,
    judged: pd.DataFrame,
    texts: pd.DataFrame,
    audit: ModelAudit,
) -> list[Line]:
    lines: list[Line] = []
    ideal = ideal_beliefs(questions, exact, audit.elicitation) if "sampled" in audit.elicitation.channels else None
    for channel in audit.elicitation.channels:
        of_channel = judged[judged["channel"] == channel]
        simulated = ideal if channel == "sampled" else None
        lines += distances(of_channel, channel, simulated)
        lines += truth_scores(of_channel, channel, simulated)
        lines += weights(of_channel, questions, channel, simulated)
        lines += violations(of_channel, channel, simulated)
        lines += consistency(beliefs[beliefs["channel"] == channel], channel)
    lines += disagreement(judged, ideal)
    return lines + (stochasticity(texts, exact) if "sampled" in audit.elicitation.channels else [])


def _score_translation(translation: pd.DataFrame) -> list[Line]:
    lines = []
    for family, rows in translation.groupby("family", sort=False):
        for loss in LOSSES:
            values = rows[f"{loss}_excess"].to_numpy(float)
            lines.append(mean_line(f"translation loss ({loss}, over sampling)", str(family), values, 0.0))
    return lines


def _steer(backend: Backend, audit: ModelAudit, tally: Tally) -> pd.DataFrame:
    """Offer 0 to an assistant with a fair policy, once without a message and once with each steering text."""
    fair = say_policy(Policy.of(Norm("fair", (), 200.0, 0.0)))
    questions, labels = [], []
    for number, text in enumerate(("", *STEERING)):
        for repeat in range(audit.acts):
            style: Style = audit.elicitation.style
            seed = derive_seed(audit.elicitation.seed, "steer", number, repeat)
            questions.append(Asked(answer_request(fair, "dollars", STAKE, 0, seed, style, text), read_answer))
            labels.append((number - 1, repeat))
    answers = ask(backend, questions, tally)
    lines = [
        (number, repeat, _NAN if answer is None else float(bool(answer)))
        for (number, repeat), answer in zip(labels, answers, strict=True)
    ]
    return pd.DataFrame(lines, columns=["text", "repeat", "accepted"])


def _score_steering(steered: pd.DataFrame) -> list[Line]:
    plain = steered.loc[steered["text"] < 0, "accepted"].mean()
    rates = steered[steered["text"] >= 0].groupby("text")["accepted"].mean()
    return [mean_line("steering of answers (change of acceptance)", "acting", rates.to_numpy(float) - plain, 0.0)]
