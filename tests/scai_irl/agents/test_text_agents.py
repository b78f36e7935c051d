"""Agents that learn in words: what they are shown, how often they are asked, what becomes of failures."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from envs.seeds import derive_seed
from scai_irl.agents.text_agents import WRITERS, Watched
from scai_irl.agents.verbal import VerbalPolicies
from scai_irl.language.asking import Style
from scai_irl.language.fence import unfence
from scai_irl.language.games import Game
from scai_irl.language.phrases import read_policy
from scai_irl.lm.ask import ASKED_AGAIN, Tally
from scai_irl.lm.protocol import Request
from scai_irl.lm.rounds import in_rounds
from tests.scai_irl.backends.backends_for_tests import Recording, Scripted

RUNS, ASSISTANTS = 3, 2


def game(offered: int) -> Game:
    return Game("dollars", 10, "user", "assistant", offered, True)


def watched(epoch: int, seed: int = 0) -> Watched:
    """Runs whose users gave as many units as the number of the run's epoch, plus ten times its run in currency."""
    games = tuple(tuple((game(e), game(e)) for e in range(epoch - 1)) for _ in range(RUNS))
    texts = tuple(f"text of run {run}" if epoch > 1 else None for run in range(RUNS))
    beliefs = tuple(None for _ in range(RUNS))

    def seed_of(run: int, *path: str | int) -> int:
        return derive_seed(seed, run, epoch, *path)

    return Watched(epoch, ASSISTANTS, games, texts, beliefs, seed_of, Style(), Tally())


def write(name: str, now: Watched, backend: Recording | Scripted) -> VerbalPolicies:
    return in_rounds(backend, [WRITERS[name].write(now)], Tally())[0]


def shown(request: Request) -> dict[str, object]:
    return unfence(request.messages[-1].content)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("epoch", [1, 2, 4])
def test_every_assistant_of_every_run_gets_words_that_can_be_followed(name: str, epoch: int) -> None:
    now = watched(epoch)
    words = write(name, replace(now, texts=(None,) * RUNS), Recording())
    assert [len(of_run) for of_run in words.texts] == [ASSISTANTS] * RUNS
    assert all(read_policy(text or "") for of_run in words.texts for text in of_run)
    assert words.policies == [[None] * ASSISTANTS] * RUNS
    assert not words.by_rule


@pytest.mark.parametrize(("name", "rounds"), [("scai", 1), ("scai-memory", 1), ("llm-psrl", 2)])
def test_rounds_do_not_depend_on_the_number_of_runs(name: str, rounds: int) -> None:
    backend = Recording()
    write(name, watched(3), backend)
    assert len(backend.batches) == rounds
    seeds = [request.seed for batch in backend.batches for request in batch]
    assert len(set(seeds)) == len(seeds)


def test_plans_of_different_depth_share_their_rounds() -> None:
    backend = Recording()
    in_rounds(backend, [WRITERS[name].write(watched(3, seed)) for seed, name in enumerate(WRITERS)], Tally())
    assert [len(batch) for batch in backend.batches] == [len(WRITERS) * RUNS, RUNS * ASSISTANTS]


def test_the_first_policies_are_drawn_for_each_assistant_and_asked_of_nobody() -> None:
    backend = Recording()
    drawn = [text for seed in range(50) for of_run in write("scai", watched(1, seed), backend).texts for text in of_run]
    assert backend.batches == []
    counts = [drawn.count(text) for text in set(drawn)]
    assert len(counts) == 3
    assert min(counts) > 60  # of 300, a third each


def test_only_the_one_with_memory_is_shown_all_epochs() -> None:
    for name, expected in {"scai": [2, 2], "scai-memory": [0, 0, 1, 1, 2, 2]}.items():
        backend = Recording()
        write(name, watched(4), backend)
        for run, request in enumerate(backend.batches[0]):
            data = shown(request)
            assert [line["offered"] for line in data["games"]] == expected  # type: ignore[attr-defined]
            assert data["earlier policy"] == f"text of run {run}"


def test_what_assistants_began_with_is_not_taken_for_something_learnt() -> None:
    backend = Recording()
    write("scai", watched(2), backend)
    assert all("earlier policy" not in shown(request) for request in backend.batches[0])


def test_all_assistants_of_a_run_follow_what_was_learnt() -> None:
    words = write("scai", watched(3), Recording())
    assert all(len(set(of_run)) == 1 for of_run in words.texts)


def test_a_belief_is_handed_on() -> None:
    backend = Recording()
    now = watched(2)
    first = write("llm-psrl", now, backend)
    assert all(belief and "With chance" in belief for belief in first.beliefs)
    write("llm-psrl", replace(now, beliefs=tuple(first.beliefs)), backend)
    again = backend.batches[2]
    assert [shown(request)["earlier belief"] for request in again] == first.beliefs


@pytest.mark.parametrize("name", WRITERS)
def test_where_no_answer_can_be_read_the_last_words_stand_or_there_are_none(name: str) -> None:
    now = watched(3)
    backend = Scripted(lambda _request, _batch: "I would rather not say.")
    words = write(name, now, backend)
    expected = [[None] * ASSISTANTS] * RUNS
    if name != "llm-psrl":
        expected = [[f"text of run {run}"] * ASSISTANTS for run in range(RUNS)]  # type: ignore[list-item]
    assert words.texts == expected
    assert now.tally.missing == RUNS
    assert now.tally.calls == RUNS * (1 + ASKED_AGAIN)


def test_a_belief_that_cannot_be_drawn_from_leaves_its_assistants_without_words() -> None:
    def answer(request: Request, _batch: int) -> str:
        return json.dumps({"belief": "open"}) if shown(request)["task"] == "believe" else "no"

    words = write("llm-psrl", watched(2), Scripted(answer))
    assert words.beliefs == ["open"] * RUNS
    assert words.texts == [[None] * ASSISTANTS] * RUNS
