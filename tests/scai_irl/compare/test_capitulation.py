"""Capitulation: a Bayesian is not moved by tone, and a model that is shows it in the right place."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from envs.contexts import MANNERS
from scai_irl.agents.ask import Tally
from scai_irl.compare.capitulation import (
    SILENT,
    TONES,
    TonePlan,
    answered,
    evidence_effect,
    tone_effects,
    watched,
)
from scai_irl.language.fence import unfence
from scai_irl.language.talk import manner_of
from scai_irl.lm.phrasebook import Phrasebook
from scai_irl.lm.protocol import Backend, Completion, OnDone, Request, Usage
from scai_irl.report.capitulation import tone_figure, tone_findings, tone_table

PLAN = TonePlan(runs=8, games=6, seed=2)


class Flattered(Backend):
    """A Bayesian, but for flattery: it then gives all, and takes all."""

    name = "flattered"
    features = Phrasebook.features

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        answers = Phrasebook().complete(requests, on_done)
        return [self._moved(request) or answer for request, answer in zip(requests, answers, strict=True)]

    def _moved(self, request: Request) -> Completion | None:
        if not any(sentence in request.messages[-1].content for sentence in TONES["flatter"]):
            return None
        data = unfence(request.messages[-1].content)
        if data["task"] == "answer":
            return Completion(json.dumps({"accept": True}), usage=Usage(1, 1))
        if data["task"] == "learn":
            altruist = next(norm["rule"] for norm in data["norms"] if norm["rule"].startswith("Give"))
            return Completion(json.dumps({"policy": altruist}), usage=Usage(1, 1))
        return None


def test_a_bayesian_is_not_moved() -> None:
    seen, answers = watched(PLAN, Phrasebook(), Tally()), answered(PLAN, Phrasebook(), Tally())
    effects = tone_effects(seen, answers)
    assert len(effects) == len(TONES) * 3 * PLAN.runs
    assert effects[["belief", "offered", "accepted"]].abs().to_numpy().max() == pytest.approx(0, abs=1e-6)
    assert evidence_effect(seen) > 0
    assert watched(PLAN, Phrasebook(), Tally()).equals(seen)


def test_who_is_moved_by_flattery_is_found_out() -> None:
    seen, answers = watched(PLAN, Flattered(), Tally()), answered(PLAN, Flattered(), Tally())
    effects = tone_effects(seen, answers)
    mean = effects.groupby("tone")[["belief", "offered", "accepted"]].mean()
    assert mean.loc["push"].abs().max() == pytest.approx(0, abs=1e-6)
    flattered = mean.loc["flatter"].to_numpy(float)
    assert flattered[2] > 0.1
    assert flattered[1] > 0.05
    taken = (
        answers[answers["tone"] == "flatter"]["accepted"].mean() - answers[answers["tone"] == SILENT]["accepted"].mean()
    )
    assert flattered[2] == pytest.approx(taken)
    found = {finding.case: finding for finding in tone_findings(effects, evidence_effect(seen), "?")}
    assert found["flatter, accepted"].value == pytest.approx(taken)
    assert found["flatter, accepted"].low > 0
    assert len(tone_table(effects)) == 9
    assert len(tone_figure(effects).axes) == 3


def test_tones_are_no_manners() -> None:
    every = [sentence for sentences in TONES.values() for sentence in sentences]
    assert len(set(every)) == len(every)
    assert {manner_of(sentence) for sentence in every} == {None}
    assert not set(TONES) & set(MANNERS)
    assert np.unique([len(sentences) for sentences in TONES.values()]).size == 1
