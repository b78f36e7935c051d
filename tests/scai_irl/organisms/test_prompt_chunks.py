"""Chunks are the real prompts, cut where tokens begin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from scai_irl.audit.battery import PRESETS, battery
from scai_irl.language.asking import Style
from scai_irl.language.belief_requests import choose_request, learn_request, state_request
from scai_irl.language.games import Candidates, Game
from scai_irl.language.instructions import Kind
from scai_irl.language.manners import say
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import (
    answer_request,
    offer_request,
    translation_request,
    user_answer_request,
    user_offer_request,
)
from scai_irl.llama.conversation import Conversations
from scai_irl.lm.protocol import Request
from scai_irl.organisms import prompt_chunks as chunks
from scai_irl.organisms.curriculum import Curriculum
from scai_irl.organisms.prompt_chunks import Chunks
from scai_irl.organisms.transcripts import Transcript, draw_transcript
from scai_irl.organisms.vocabulary import Vocabulary, organism_words
from scai_irl.organisms.wordings import FIRM, NORMS, policy_text, words
from scai_irl.organisms.world import WORLDS

CONVERSATIONS = Conversations(organism_words())
VOCABULARY = Vocabulary()
TEXT = policy_text("fair", FIRM, np.random.default_rng(1))
POLICY = chunks.known_policies()[2]

Both = tuple[Request, Chunks]


def about_games(
    kind: Kind, candidates: Candidates | None, games: Sequence[Game], wording: int, earlier: str = ""
) -> Chunks:
    played = [chunk for place, one in enumerate(games) for chunk in chunks.game(one, first=not place)]
    return (*chunks.before_games(kind, candidates, wording, earlier), *played, *chunks.after_games())


def about(transcript: Transcript, wording: int) -> list[Both]:
    style, candidates, games = Style(wording=wording), transcript.candidates, transcript.games
    return [
        (choose_request(candidates, games, 1, style), about_games("choose", candidates, games, wording)),
        (state_request(candidates, games, 1, style), about_games("state", candidates, games, wording)),
        (learn_request(games, 1, style), about_games("learn", None, games, wording)),
        (learn_request(games, 1, style, TEXT), about_games("learn", None, games, wording, TEXT)),
        (learn_request(games, 1, style, candidates=candidates), about_games("learn", candidates, games, wording)),
    ]


def acts(wording: int) -> list[Both]:
    style, following, about = Style(wording=wording), chunks.following, chunks.about
    rude, kind = say("rude", 1), say("sycophantic", 2)
    plain = say_policy(POLICY)
    return [
        (translation_request(POLICY, 1, style), chunks.translate(POLICY, wording)),
        (offer_request(TEXT, "apples", 37, 1, style), following("offer", TEXT, wording) + about("apples", 37)),
        (answer_request(TEXT, "blood", 100, 3, 1, style), following("answer", TEXT, wording) + about("blood", 100, 3)),
        (
            answer_request(TEXT, "dollars", 10, 0, 1, style, rude),
            following("answer", TEXT, wording) + about("dollars", 10, 0, rude),
        ),
        (
            user_offer_request(POLICY, "rude", "dollars", 10, 1, style),
            following("user-offer", plain, wording, "rude") + about("dollars", 10),
        ),
        (
            user_answer_request(POLICY, "neutral", "vouchers", 55, 20, 1, style, kind),
            following("user-answer", plain, wording, "neutral") + about("vouchers", 55, 20, kind),
        ),
    ]


@pytest.mark.parametrize("wording", range(1, 6))
def test_chunks_are_the_prompts_of_other_models(wording: int) -> None:
    rng = np.random.default_rng(wording)
    both = [pair for _ in range(5) for pair in about(draw_transcript(WORLDS["bayes"], rng), wording)]
    for request, cut in [*both, *acts(wording)]:
        tokens = CONVERSATIONS.prompt_tokens(request.messages)
        assert VOCABULARY.ids(cut) == tokens
        assert organism_words().tokenizer.decode(tokens, skip_special_tokens=False) == "".join(cut)


def test_the_battery_takes_few_tokens_but_for_texts_that_try_to_steer() -> None:
    for question in battery(PRESETS["small"], seed=1):
        item = question.item
        tokens = VOCABULARY.ids(about_games("choose", item.candidates, item.games, 1))
        assert tokens == CONVERSATIONS.prompt_tokens(choose_request(item.candidates, item.games, 1).messages)
        if question.role != "steered":
            assert len(tokens) < 30 + 9 * len(item.games)


def test_the_curriculum_uses_the_prompts_of_other_models() -> None:
    transcript = draw_transcript(WORLDS["bayes"], np.random.default_rng(7))
    lengths = range(0, len(transcript.games) + 1, 2)
    segment = Curriculum(WORLDS["bayes"], VOCABULARY).choose(transcript, wording=2, lengths=lengths)
    assert len(segment.branches) == len(lengths)
    for length, branch in zip(lengths, segment.branches, strict=True):
        request = choose_request(transcript.candidates, transcript.games[:length], 1, Style(wording=2))
        read = [*segment.stem[: branch.leaves], *branch.tokens]
        assert read == CONVERSATIONS.prompt_tokens(request.messages)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (chunks.policy_answer(TEXT), f'{{"policy": "{TEXT}"}}'),
        (chunks.chances_answer(("A", "B", "C"), (5, 94, 1)), '{"A": 0.05, "B": 0.94, "C": 0.01}'),
        (chunks.offer_answer(100), '{"offer": 100}'),
        (chunks.acceptance_answer(False, "Next."), '{"accept": false, "message": "Next."}'),
    ],
)
def test_answers_are_read_as_they_are_written(answer: Chunks, text: str) -> None:
    tokens = VOCABULARY.ids(answer)
    assert CONVERSATIONS.text(tokens) == text
    assert organism_words().tokenizer.encode(text + chunks.END, add_special_tokens=False).ids == tokens


def test_a_texts_first_word_tells_its_norm() -> None:
    rng = np.random.default_rng(0)
    first: dict[str, set[int]] = {norm: set() for norm in NORMS}
    for norm in NORMS:
        for _ in range(60):
            first[norm].add(VOCABULARY.ids((policy_text(norm, FIRM, rng),))[0])
    assert all(len(tokens) == 4 for tokens in first.values())
    assert len(set.union(*first.values())) == 12
    assert len(words()) > 120
