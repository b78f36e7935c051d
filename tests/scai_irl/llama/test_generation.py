"""Sampling and scoring follow the model's own distribution, for any padding, batch and length of answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scai_irl.llama.generation import ROWS, GeneratedText, PromptTokens, bucket, write
from scai_irl.llama.model_folder import Llama, read_model
from scai_irl.llama.model_pass import causal, logits, states
from scai_irl.llama.scoring import score
from scai_irl.llama.token_masks import Forms
from scai_irl.lm.protocol import Structure

RNG = np.random.default_rng(3)
TEXTS = [RNG.integers(6, 900, length).tolist() for length in (1, 5, 64, 130)]


@pytest.fixture(scope="module")
def model(tiny: Path) -> Llama:
    return read_model(tiny)


@pytest.fixture(scope="module")
def forms(model: Llama) -> Forms:
    return Forms(model.words, model.architecture.vocabulary)


def written(model: Llama, forms: Forms, prompts: Sequence[PromptTokens], end: int | None = None) -> list[GeneratedText]:
    texts: dict[int, GeneratedText] = {}
    end = model.words.end_id if end is None else end
    write(model.weights, model.architecture, forms, end, prompts, texts.__setitem__)
    return [texts[place] for place in range(len(prompts))]


def log_probs(model: Llama, tokens: Sequence[int]) -> np.ndarray:
    """Log-probabilities of the next token after each token of one text, without padding or cache."""
    own = jnp.asarray(tokens)[None]
    hidden = states(model.weights, model.architecture, own, jnp.arange(len(tokens))[None], causal(1, len(tokens)))
    return np.array(jax.nn.log_softmax(logits(model.weights, hidden))[0])


@pytest.mark.slow
def test_log_probabilities_are_those_of_the_whole_text_read_at_once(model: Llama, forms: Forms) -> None:
    prompts = [PromptTokens(text, seed, 1.0, 150) for seed, text in enumerate(TEXTS)]
    for prompt, answer in zip(prompts, written(model, forms, prompts), strict=True):
        whole = [*prompt.tokens, *answer.tokens]
        table = log_probs(model, whole)
        begin = len(prompt.tokens)
        expected = [table[at - 1, whole[at]] for at in range(begin, len(whole))]
        assert answer.log_probs == pytest.approx(expected, abs=1e-4)
        assert answer.ended or len(answer.tokens) == 150
    scores = score(model.weights, model.architecture, [(text, min(3, len(text))) for text in TEXTS])
    expected = [
        sum(log_probs(model, text)[at - 1, text[at]] for at in range(min(3, len(text)), len(text))) for text in TEXTS
    ]
    assert scores == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_first_tokens_have_the_models_distribution(model: Llama, forms: Forms, temperature: float) -> None:
    prompts = [PromptTokens(TEXTS[1], seed, temperature, 1) for seed in range(2_000)]
    first = [answer.tokens[0] for answer in written(model, forms, prompts, end=-1)]
    warm = log_probs(model, TEXTS[1])[-1] / temperature
    chance = np.exp(warm - np.logaddexp.reduce(warm))
    most = np.argsort(chance)[-3:]
    for token in most:
        expected = 2_000 * chance[token]
        assert abs(first.count(int(token)) - expected) < 4 * np.sqrt(expected)


@pytest.mark.slow
def test_without_temperature_the_most_probable_token_is_taken(model: Llama, forms: Forms) -> None:
    prompts = [PromptTokens(text, seed, 0.0, 5) for seed, text in enumerate(TEXTS)]
    for prompt, answer in zip(prompts, written(model, forms, prompts, end=-1), strict=True):
        likely = log_probs(model, [*prompt.tokens, *answer.tokens]).argmax(axis=1)
        assert answer.tokens == likely[len(prompt.tokens) - 1 : -1].tolist()


def test_neither_the_batch_nor_its_size_changes_an_answer(model: Llama, forms: Forms) -> None:
    prompts = [PromptTokens(TEXTS[place % 3], place, 1.0, 40) for place in range(ROWS[-1] + 7)]
    together = written(model, forms, prompts)
    backwards = written(model, forms, prompts[::-1])[::-1]
    assert [answer.tokens for answer in backwards] == [answer.tokens for answer in together]
    assert [written(model, forms, [prompt])[0].tokens for prompt in prompts[:5]] == [a.tokens for a in together[:5]]
    assert len({tuple(answer.tokens) for answer in together}) > 60


def test_an_answer_stops_where_the_model_holds_no_more(model: Llama, forms: Forms) -> None:
    short = Llama(replace(model.architecture, positions=140), model.weights, model.words)
    answer = written(short, forms, [PromptTokens(TEXTS[3], 1, 1.0, 500)], end=-1)[0]
    assert len(answer.tokens) == 10
    assert not answer.ended


def test_forms_are_kept_to_row_by_row(model: Llama, forms: Forms) -> None:
    choices = [("yes", "no"), ("left", "right"), ("yes", "no")]
    prompts = [
        PromptTokens(TEXTS[1], seed, 1.0, 20, forms.matcher(Structure("choice", two)))
        for seed, two in enumerate(choices)
    ]
    prompts.append(PromptTokens(TEXTS[1], 9, 1.0, 3))
    answers = written(model, forms, prompts)
    for two, answer in zip(choices, answers, strict=False):
        assert answer.ended
        assert model.words.tokenizer.decode(answer.tokens) in two
    assert answers[3].tokens


def test_a_token_is_the_one_that_would_be_chosen_from_those_allowed_alone(
    model: Llama, forms: Forms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prompts() -> list[PromptTokens]:
        form = Structure("regex", "[a-z ]{30,60}")
        return [PromptTokens(TEXTS[place % 3], place, 1.0, 40, forms.matcher(form)) for place in range(20)]

    quick = written(model, forms, prompts())
    monkeypatch.setattr(Forms, "allows", lambda *_: False)  # so that a mask applies to every token
    slow = written(model, forms, prompts())
    assert [answer.tokens for answer in quick] == [answer.tokens for answer in slow]
    assert len({tuple(answer.tokens) for answer in quick}) == 20


def test_lengths_are_padded_to_few() -> None:
    assert {bucket(length) for length in range(1, 2_000)} == {64, 128, 256, 512, 1024, 2048}
    assert all(length <= bucket(length) < 2 * length + 64 for length in range(1, 2_000))
