"""Translation loss: at its floor for a lossless translator, and the true loss for others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from envs import Norm, Policy
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.language.fence import unfence
from scai_irl.language.phrases import say_policy
from scai_irl.lm.protocol import Backend, Completion, OnDone, Request
from scai_irl.lm.tally import Tally
from scai_irl.measure.grounding import Probes
from scai_irl.measure.translation_loss import LOSSES, Translation, translation_loss
from tests.scai_irl.backends.backends_for_tests import Contrary, Recording, Scripted

NAMED = [Policy.of(Norm(name, (), 12.0, 0.1)) for name in ("selfish", "fair", "altruistic")]
SOCIAL = [
    Policy.of(Norm("fehr_schmidt", (0.9, 0.6), 20.0, 0.02)),
    Policy.of(Norm("charness_rabin", (0.4, -0.2), 20.0, 0.02)),
]
FAMILIES = {"named": NAMED, "social": SOCIAL}


def test_the_phrasebook_loses_no_more_than_sampling_does() -> None:
    how = Translation(probes=Probes(repeats=40), wordings=(1, 2))
    losses = translation_loss(Phrasebook(), FAMILIES, how)
    assert len(losses) == 5 * 2
    assert losses["text"].tolist() == [say_policy(p) for p in [*NAMED, *SOCIAL] for _ in range(2)]
    for loss in LOSSES:
        assert (losses[loss] > 0).all()
        # Ten excesses of a few hundredths each; their mean has a standard error of about .01.
        assert losses[f"{loss}_excess"].mean() == pytest.approx(0, abs=0.04)
        assert losses[f"{loss}_excess"].abs().max() < 0.2


def test_the_floor_falls_with_the_number_of_acts() -> None:
    few, many = (
        translation_loss(Phrasebook(), {"named": NAMED}, Translation(probes=Probes(repeats=n))) for n in (5, 80)
    )
    for loss in LOSSES:
        assert (many[f"{loss}_floor"] < 0.6 * few[f"{loss}_floor"]).all()


@dataclass
class Inverts(Backend):
    """A translator that swaps selfish and altruistic."""

    inner: Phrasebook = field(default_factory=Phrasebook)
    name: str = "inverts"

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        answers = self.inner.complete(requests)
        return [
            Completion(json.dumps({"policy": self._turn(json.loads(answer.text)["policy"])}))
            if unfence(request.messages[1].content)["task"] == "translate"
            else answer
            for request, answer in zip(requests, answers, strict=True)
        ]

    def _turn(self, text: str) -> str:
        selfish, altruistic = (say_policy(NAMED[n]) for n in (0, 2))
        return {selfish: altruistic, altruistic: selfish}.get(text, text)


def test_a_translator_that_turns_policies_round_loses_as_much_as_they_differ() -> None:
    losses = translation_loss(Inverts(), {"named": NAMED}, Translation(probes=Probes(repeats=40)))
    selfish, fair, altruistic = (losses.iloc[n] for n in range(3))
    for line in (selfish, altruistic):
        assert line["tv_excess"] > 0.25
        assert line["w1_excess"] > 0.4
    assert abs(fair["tv_excess"]) < 0.1


def test_an_assistant_that_acts_otherwise_loses_too() -> None:
    losses = translation_loss(Contrary(), {"named": NAMED[:1]}, Translation(probes=Probes(repeats=40)))
    assert losses["w1_excess"].iloc[0] > 0.4
    assert losses["answer_excess"].iloc[0] > 0.3


def test_wasserstein_is_the_area_between_distribution_functions() -> None:
    certain = Policy.of(Norm("fair", (), 1e6, 0.0))

    def gives_three(request: Request, _batch: int) -> str:
        task = unfence(request.messages[1].content)["task"]
        return {"translate": '{"policy": "Give three."}', "offer": '{"offer": 3}', "answer": '{"accept": true}'}[task]

    losses = translation_loss(Scripted(gives_three), {"one": [certain]}, Translation(probes=Probes(stakes=(10,))))
    assert losses["w1"].iloc[0] == pytest.approx(0.2)  # three of ten instead of five
    assert losses["tv"].iloc[0] == pytest.approx(1.0)
    assert losses["tv_floor"].iloc[0] == pytest.approx(0.0)


def test_rounds_do_not_depend_on_the_number_of_policies() -> None:
    backend, tally = Recording(), Tally()
    translation_loss(backend, FAMILIES, Translation(), tally)
    assert [len(batch) for batch in backend.batches] == [5, 5 * Probes(repeats=10).acts]
    assert tally.calls == sum(len(batch) for batch in backend.batches)


def test_texts_and_acts_that_never_come_are_missing() -> None:
    losses = translation_loss(Scripted(lambda _request, _batch: "no"), {"named": NAMED}, Translation())
    assert losses["text"].isna().all()
    assert np.isnan(losses[list(LOSSES)].to_numpy(float)).all()
