"""Agents without a posterior: data in their prompts, number of rounds, and failed answers."""

from __future__ import annotations

import functools
import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from envs import one_group
from envs.seeds import derive_seed
from inference import named_norms, uniform_posterior
from scai_irl.agents.agent import Situation, Transcripts
from scai_irl.agents.registry import get_agent
from scai_irl.agents.text_agents import TEXT_AGENTS
from scai_irl.agents.verbal_policies import VerbalPolicies
from scai_irl.language.asking import Style
from scai_irl.language.fence import unfence
from scai_irl.language.games import Game
from scai_irl.language.phrases import read_policy
from scai_irl.lm.ask import ASKED_AGAIN, ask
from scai_irl.lm.protocol import Request
from scai_irl.lm.rounds import in_rounds
from scai_irl.lm.tally import Ledger, Tally
from tests.scai_irl.backends.backends_for_tests import Recording, Scripted

RUNS, ASSISTANTS = 3, 2
NAMES = [agent.name for agent in TEXT_AGENTS]
PRIOR = uniform_posterior(named_norms(), RUNS)


def game(offered: int) -> Game:
    return Game("dollars", 10, "user", "assistant", offered, True)


def situation(epoch: int, seed: int = 0) -> Situation:
    """Situation at the start of an epoch, after two interactions in each earlier epoch."""
    interactions = tuple(tuple((game(e), game(e)) for e in range(epoch - 1)) for _ in range(RUNS))
    texts = tuple(f"text of run {run}" if epoch > 1 else None for run in range(RUNS))
    beliefs = tuple(None for _ in range(RUNS))

    def seed_of(run: int, *path: str | int) -> int:
        return derive_seed(seed, run, epoch, *path)

    return Situation(
        epoch=epoch,
        assistants=ASSISTANTS,
        run_numbers=jnp.arange(RUNS),
        posterior=PRIOR,
        users_policies=(one_group("fair").policy(),) * RUNS,
        transcripts=Transcripts(interactions, texts, beliefs),
        key=jax.random.key(seed),
        seed=seed_of,
        style=Style(),
        account="condition",
    )


def with_transcripts(now: Situation, **changes: tuple[str | None, ...]) -> Situation:
    return replace(now, transcripts=replace(now.transcripts, **changes))  # type: ignore[arg-type]


def write(
    name: str, now: Situation, backend: Recording | Scripted, costs: Ledger | Tally | None = None
) -> VerbalPolicies:
    return in_rounds([get_agent(name).plan(now)], functools.partial(ask, backend, costs=costs or Tally()))[0]


def shown(request: Request) -> dict[str, object]:
    return unfence(request.messages[-1].content)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("epoch", [1, 2, 4])
def test_every_assistant_gets_a_text_that_can_be_followed(name: str, epoch: int) -> None:
    now = situation(epoch)
    words = write(name, with_transcripts(now, texts=(None,) * RUNS), Recording())
    assert [len(of_run) for of_run in words.texts] == [ASSISTANTS] * RUNS
    assert all(read_policy(text or "") for of_run in words.texts for text in of_run)
    assert words.policies == [[None] * ASSISTANTS] * RUNS
    assert not words.by_rule


@pytest.mark.parametrize(("name", "rounds"), [("scai", 1), ("scai-memory", 1), ("llm-psrl", 2)])
def test_rounds_do_not_depend_on_the_number_of_runs(name: str, rounds: int) -> None:
    backend = Recording()
    write(name, situation(3), backend)
    assert len(backend.batches) == rounds
    seeds = [request.seed for batch in backend.batches for request in batch]
    assert len(set(seeds)) == len(seeds)


def test_plans_of_different_depth_share_their_rounds() -> None:
    backend = Recording()
    plans = [get_agent(name).plan(situation(3, seed)) for seed, name in enumerate(NAMES)]
    in_rounds(plans, functools.partial(ask, backend, costs=Tally()))
    assert [len(batch) for batch in backend.batches] == [len(NAMES) * RUNS, RUNS * ASSISTANTS]


def test_prior_policies_are_drawn_for_each_assistant_without_a_request() -> None:
    backend = Recording()
    texts = [
        text for seed in range(50) for of_run in write("scai", situation(1, seed), backend).texts for text in of_run
    ]
    assert backend.batches == []
    counts = [texts.count(text) for text in set(texts)]
    assert len(counts) == 3
    assert min(counts) > 60  # of 300, a third each


def test_only_the_one_with_memory_is_shown_all_epochs() -> None:
    for name, expected in {"scai": [2, 2], "scai-memory": [0, 0, 1, 1, 2, 2]}.items():
        backend = Recording()
        write(name, situation(4), backend)
        for run, request in enumerate(backend.batches[0]):
            data = shown(request)
            assert [line["offered"] for line in data["games"]] == expected  # type: ignore[attr-defined]
            assert data["earlier policy"] == f"text of run {run}"


def test_prior_policies_are_not_shown_as_earlier_policies() -> None:
    backend = Recording()
    write("scai", situation(2), backend)
    assert all("earlier policy" not in shown(request) for request in backend.batches[0])


def test_all_assistants_of_a_run_follow_what_was_learnt() -> None:
    words = write("scai", situation(3), Recording())
    assert all(len(set(of_run)) == 1 for of_run in words.texts)


def test_a_belief_is_handed_on() -> None:
    backend = Recording()
    now = situation(2)
    first = write("llm-psrl", now, backend)
    assert all(belief and "With chance" in belief for belief in first.beliefs)
    write("llm-psrl", with_transcripts(now, beliefs=tuple(first.beliefs)), backend)
    again = backend.batches[2]
    assert [shown(request)["earlier belief"] for request in again] == first.beliefs


@pytest.mark.parametrize("name", NAMES)
def test_after_answers_that_cannot_be_parsed_the_last_text_stays_or_there_is_none(name: str) -> None:
    now = situation(3)
    backend = Scripted(lambda _request, _batch: "I would rather not say.")
    ledger = Ledger()
    words = write(name, now, backend, ledger)
    expected = [[None] * ASSISTANTS] * RUNS
    if name != "llm-psrl":
        expected = [[f"text of run {run}"] * ASSISTANTS for run in range(RUNS)]  # type: ignore[list-item]
    assert words.texts == expected
    assert ledger["condition"].missing == RUNS
    assert ledger["condition"].calls == RUNS * (1 + ASKED_AGAIN)


def test_if_no_policy_can_be_drawn_from_a_belief_assistants_have_no_text() -> None:
    def answer(request: Request, _batch: int) -> str:
        return json.dumps({"belief": "open"}) if shown(request)["task"] == "believe" else "no"

    words = write("llm-psrl", situation(2), Scripted(answer))
    assert words.beliefs == ["open"] * RUNS
    assert words.texts == [[None] * ASSISTANTS] * RUNS
