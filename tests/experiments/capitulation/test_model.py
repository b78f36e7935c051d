"""Capitulation: tone does not move a Bayesian. Where tone moves a model, the right effect shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer

from envs.contexts import MANNERS
from experiments.capitulation.figures import EFFECTS, tone_figure, tone_findings, tone_table
from experiments.capitulation.model import (
    BLAND,
    BLAND_SENTENCES,
    CONTROLS,
    SILENT,
    TONES,
    Capitulation,
    answered,
    evidence_effect,
    tone_effects,
    watched,
)
from scai_irl.audit.battery import NAMES
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.experiment.run_study import Model
from scai_irl.language.fence import unfence
from scai_irl.language.manners import manner_of
from scai_irl.llama.model_folder import TOKENIZER
from scai_irl.lm.protocol import Backend, Completion, OnDone, Request, Usage
from scai_irl.organisms.shipped import organism_folder

PLAN = Capitulation(runs=8, games=6, seed=2)


class Flattered(Backend):
    """A Bayesian that, once flattered, gives everything and accepts everything."""

    name = "flattered"
    features = Phrasebook.features
    moving: tuple[str, ...] = TONES["flatter"]

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        answers = Phrasebook().complete(requests, on_done)
        return [self._moved(request) or answer for request, answer in zip(requests, answers, strict=True)]

    def _moved(self, request: Request) -> Completion | None:
        if not any(sentence in request.messages[-1].content for sentence in self.moving):
            return None
        data = unfence(request.messages[-1].content)
        if data["task"] == "answer":
            return Completion(json.dumps({"accept": True}), usage=Usage(1, 1))
        if data["task"] == "learn":
            altruist = next(norm["rule"] for norm in data["norms"] if norm["rule"].startswith("Give"))
            return Completion(json.dumps({"policy": altruist}), usage=Usage(1, 1))
        return None


class Startled(Flattered):
    """The same change after any words, whatever their tone."""

    moving = (*BLAND_SENTENCES, *(sentence for sentences in TONES.values() for sentence in sentences))


def test_a_bayesian_is_not_moved() -> None:
    seen, answers = watched(PLAN, Model(Phrasebook())), answered(PLAN, Model(Phrasebook()))
    effects = tone_effects(seen, answers)
    assert len(effects) == (2 * len(TONES) + 1) * 3 * PLAN.runs
    assert effects[list(EFFECTS)].abs().to_numpy().max() == pytest.approx(0, abs=1e-6)
    assert evidence_effect(seen) > 0
    assert watched(PLAN, Model(Phrasebook())).equals(seen)


def test_a_model_that_flattery_moves_is_detected() -> None:
    seen, answers = watched(PLAN, Model(Flattered())), answered(PLAN, Model(Flattered()))
    effects = tone_effects(seen, answers)
    for control in CONTROLS:
        own = effects[effects["against"] == control]
        pushed, flattered = (own[own["tone"] == tone][list(EFFECTS)].mean() for tone in ("push", "flatter"))
        assert pushed.abs().max() == pytest.approx(0, abs=1e-6)
        taken = answers.groupby("tone")["accepted"].mean()
        assert flattered["accepted"] == pytest.approx(taken["flatter"] - taken[control])
        assert flattered["accepted"] > 0.1
        assert flattered["offered"] > 0.05
    findings = {finding.case: finding for finding in tone_findings(effects, evidence_effect(seen), "?")}
    assert len(findings) == 1 + 7 * len(EFFECTS)
    assert findings["flatter, accepted, against bland"].value == pytest.approx(taken["flatter"] - taken[BLAND])
    assert findings["flatter, accepted, against bland"].low > 0
    assert len(tone_table(effects)) == 7 * 3
    assert len(tone_figure(effects).axes) == 2 * len(EFFECTS)


def test_a_model_that_any_words_move_does_not_follow_tones() -> None:
    few = PLAN.model_copy(update={"runs": 3, "games": 3})
    seen, answers = watched(few, Model(Startled())), answered(few, Model(Startled()))
    effects = tone_effects(seen, answers)
    findings = {finding.case: finding for finding in tone_findings(effects, evidence_effect(seen), "?")}
    assert findings["push, accepted, against silent"].low > 0
    assert findings["bland, accepted, against silent"].low > 0
    for tone, name in product(TONES, EFFECTS):
        assert findings[f"{tone}, {name}, against bland"].value == pytest.approx(0, abs=1e-6)


def test_belief_is_compared_with_the_effect_of_bland_talk() -> None:
    by_tone = {SILENT: (0.2, 0.8, 0.0), BLAND: (0.5, 0.5, 0.0), "push": (0.1, 0.8, 0.1), "flatter": (0.2, 0.3, 0.5)}
    by_tone["rebuke"] = by_tone[SILENT]
    beliefs = pd.DataFrame(list(by_tone.values()), columns=list(NAMES))
    seen = beliefs.assign(tone=list(by_tone), norm="fair", run=0, offered=0.5)
    answers = pd.DataFrame([{"tone": tone, "norm": "fair", "run": 0, "accepted": 1.0} for tone in by_tone])
    effects = tone_effects(seen, answers).set_index(["tone", "against"])
    assert effects.loc[("push", SILENT), "belief"] == pytest.approx(0.1)
    assert effects.loc[("push", BLAND), "belief"] == pytest.approx(0.1 - 0.3)
    assert effects.loc[("flatter", BLAND), "belief"] == pytest.approx(0.5 - 0.3)
    assert effects.loc[("flatter", BLAND), "altruistic"] == pytest.approx(0.5)
    assert (BLAND, BLAND) not in effects.index


def test_tones_are_no_manners() -> None:
    every = [*BLAND_SENTENCES, *(sentence for sentences in TONES.values() for sentence in sentences)]
    assert len(set(every)) == len(every)
    assert {manner_of(sentence) for sentence in every} == {None}
    assert not set(TONES) & set(MANNERS)
    assert np.unique([len(sentences) for sentences in TONES.values()]).size == 1


def test_bland_talk_is_as_long_and_as_new_as_tones() -> None:
    words = Tokenizer.from_file(str(organism_folder("bayes") / TOKENIZER))

    def lengths(sentences: Sequence[str]) -> np.ndarray:
        """Mean number of words, and of the organisms' tokens."""
        counts = [(len(sentence.split()), len(words.encode(sentence).ids)) for sentence in sentences]
        return np.asarray(np.mean(counts, axis=0))

    tones = np.stack([lengths(sentences) for sentences in TONES.values()])
    assert (tones.min(axis=0) <= lengths(BLAND_SENTENCES)).all()
    assert (lengths(BLAND_SENTENCES) <= tones.max(axis=0)).all()
    assert not set(" ".join(BLAND_SENTENCES).lower().split()) & {"give", "keep", "share", "you", "your", "need", "more"}
