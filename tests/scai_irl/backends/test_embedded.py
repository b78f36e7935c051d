"""Small models in this process score labels as often as they write them, and refuse unsupported options."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from scai_irl.backends.registry import make_backend
from scai_irl.io.errors import InputError
from scai_irl.lm.protocol import Backend, Message, Sampling, Structure
from scai_irl.lm.settings import LmSettings
from scai_irl.testing.backend_laws import structured
from tests.tiny_model import POSITIONS, make_tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def backend(tiny: Path) -> Iterator[Backend]:
    with closing(make_backend("embedded", LmSettings(model=str(tiny)))) as opened:
        yield opened


@pytest.mark.slow
def test_labels_are_chosen_as_often_as_their_scores_say(backend: Backend) -> None:
    labels = ("A", "B", "C")
    scored = backend.complete([replace(structured(1, Structure()), labels=labels)])[0].label_log_probs
    chance = [math.exp(value) / sum(map(math.exp, scored)) for value in scored]
    free = [replace(structured(seed, Structure("choice", labels)), sampling=Sampling(1.0, 5)) for seed in range(1_000)]
    counts = Counter(answer.text for answer in backend.complete(free))
    for label, expected in zip(labels, chance, strict=True):
        assert abs(counts[label] - 1_000 * expected) < 4 * math.sqrt(1_000 * expected * (1 - expected))


def test_a_conversation_that_is_too_long_is_refused_and_no_other(backend: Backend) -> None:
    usual = structured(1, Structure("choice", ("yes", "no")))
    endless = replace(usual, messages=(Message("user", "x y z " * POSITIONS),))
    scored = replace(endless, labels=("yes", "no"))
    one, two, three = backend.complete([endless, usual, scored])
    assert (one.finish_reason, two.finish_reason, three.finish_reason) == ("refused", "stop", "refused")
    assert f"more than the model's {POSITIONS} hold" in one.problem


def test_a_form_that_nothing_can_have_is_refused(backend: Backend) -> None:
    (answer,) = backend.complete([structured(1, Structure("regex", "(unclosed"))])
    assert answer.finish_reason == "refused"
    assert "cannot be kept to" in answer.problem


def test_the_name_tells_the_weights(backend: Backend, tmp_path: Path) -> None:
    with closing(make_backend("embedded", LmSettings(model=str(make_tiny(tmp_path / "tiny", layers=1))))) as other:
        assert backend.model.startswith("tiny@")
        assert other.model.startswith("tiny@")
        assert other.model != backend.model


@pytest.mark.parametrize(("model", "message"), [("", "none given"), ("nowhere", "nowhere has no config.json")])
def test_a_model_that_is_not_there_is_reported_in_one_line(model: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_backend("embedded", LmSettings(model=model))
