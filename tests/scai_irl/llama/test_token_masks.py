"""Masks of forms allow exactly what the form allows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from scai_irl.llama.model_folder import read_model
from scai_irl.llama.token_masks import FormError, Forms
from scai_irl.lm.protocol import Structure
from scai_irl.testing.json_schema import violations

OFFER = {
    "type": "object",
    "properties": {
        "offer": {"type": "integer", "minimum": 0, "maximum": 37},
        "why": {"type": "string", "maxLength": 8},
    },
    "required": ["offer", "why"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def forms(tiny: Path) -> Forms:
    model = read_model(tiny)
    return Forms(model.words, model.architecture.vocabulary)


def walk(forms: Forms, tiny: Path, structure: Structure, seed: int) -> str:
    """Write an answer of allowed tokens, all equally likely."""
    model, rng = read_model(tiny), np.random.default_rng(seed)
    matcher, written = forms.matcher(structure), list[int]()
    assert matcher is not None
    while True:
        bits = np.unpackbits(forms.masks(1, {0: matcher}).view(np.uint8), bitorder="little")[: forms.vocabulary]
        # The verdict on a single token agrees with the mask of all tokens.
        some = rng.integers(forms.vocabulary, size=40)
        for one in [*map(int, some), model.words.end_id]:
            assert forms.allows(matcher, one) == bool(bits[one])
        token = int(rng.choice(bits.nonzero()[0]))
        if token == model.words.end_id:
            return str(model.words.tokenizer.decode(written))
        written.append(token)
        matcher.consume_token(token)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_written_has_the_form(forms: Forms, tiny: Path, seed: int) -> None:
    text = walk(forms, tiny, Structure("json", OFFER), seed)
    answer = json.loads(text)
    assert violations(answer, OFFER) == []
    assert text == json.dumps(answer, ensure_ascii=False) or "\\" in text  # only the blanks that json.dumps writes
    assert walk(forms, tiny, Structure("choice", ("fair", "fairly", "a.b")), seed) in {"fair", "fairly", "a.b"}
    assert re.fullmatch("[a-c]{2,5}x", walk(forms, tiny, Structure("regex", "[a-c]{2,5}x"), seed))


def test_every_choice_can_be_made(forms: Forms, tiny: Path) -> None:
    texts = {walk(forms, tiny, Structure("choice", ("yes", "no", "perhaps")), seed) for seed in range(60)}
    assert texts == {"yes", "no", "perhaps"}


def test_text_may_be_anything(forms: Forms) -> None:
    assert forms.matcher(Structure()) is None
    matcher = forms.matcher(Structure("choice", ("yes",)))
    assert matcher is not None
    masks = forms.masks(2, {1: matcher}).view(np.uint8)
    allowed = np.unpackbits(masks, axis=1, bitorder="little")[:, : forms.vocabulary].sum(axis=1)
    assert allowed[0] == forms.vocabulary
    assert 0 < allowed[1] < 10


@pytest.mark.parametrize("structure", [Structure("regex", "(unclosed"), Structure("json", {"type": "nonsense"})])
def test_forms_that_nothing_can_have_are_refused(forms: Forms, structure: Structure) -> None:
    with pytest.raises(FormError, match="cannot be kept to"):
        forms.matcher(structure)
