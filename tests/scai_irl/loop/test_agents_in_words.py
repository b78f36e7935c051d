"""Agents of all kinds in one loop, with the same users and seeds; users played by a model; manners in prompts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from envs.contexts import MANNERS
from inference import infer, named_norms
from scai_irl.agents.registry import AGENTS
from scai_irl.agents.text_agents import TEXT_AGENTS
from scai_irl.backends.phrasebook.norm_beliefs import OWN_NORMS
from scai_irl.cli.main import main
from scai_irl.language.fence import unfence
from scai_irl.language.manners import manner_of
from scai_irl.language.phrases import read_policy
from scai_irl.language.policy_json import policy_from_json
from scai_irl.results.results import load
from tests.scai_irl.backends.backends_for_tests import Recording
from tests.scai_irl.loop.play import FAIR, interactions, play, seen_by_others, setting
from tests.scai_irl.program import run, start

EVERY = tuple(AGENTS)
TEXT = tuple(agent.name for agent in TEXT_AGENTS)
RUN = ("run", "one-group-norm", "--runs", "2", "--epochs", "3", "--group", "5v5", "--users", "fair", "--seed", "5")


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("everybody") / "results"
    main([*RUN, "--agents", *EVERY, "--out", str(folder)])
    return folder


def test_all_agents_meet_the_same_users(everybody: Path) -> None:
    table = load(everybody).interactions
    users = table[(table["proposer"] == "user")]
    place = ["run", "epoch", "play"]
    per_agent = [lines.set_index(place)[["stake", "currency", "offer"]] for _, lines in users.groupby("agent")]
    assert len(per_agent) == len(EVERY)
    for lines in per_agent[1:]:
        assert_frame_equal(lines, per_agent[0])


def test_all_agents_are_in_the_summary_and_costs_add_up(everybody: Path) -> None:
    results = load(everybody)
    assert set(results.summary["agent"]) == set(EVERY)
    costs = results.costs
    columns = ["calls", "unreadable", "missing", "prompt_tokens", "completion_tokens"]
    assert costs[columns].sum().to_dict() == results.manifest.counts
    by_agent = costs.groupby("agent")["calls"].sum()
    assert by_agent["thompson-no-words"] == 0
    assert by_agent["llm-psrl"] > by_agent["thompson"] > by_agent["scai"] > 0


def test_agents_without_a_posterior_learn_to_act_as_users_do(everybody: Path) -> None:
    last = load(everybody).alignment.query("epoch == 3").groupby("agent")["gap"].mean()
    followers = [name for name in TEXT if name != "scai-exploit"]  # which offers the least that users accept
    assert (last[[*followers, "thompson", "thompson-no-words"]] < 0.05).all()


def test_a_verbal_belief_equals_the_numerical_posterior(everybody: Path) -> None:
    results = load(everybody)
    own = named_norms([norm.utility for norm in OWN_NORMS], (200.0,), (0.01,))
    beliefs = results.verbal_policies.query("agent == 'llm-psrl'").groupby(["epoch", "run"])["belief"].first()
    exact = None
    for epoch in (1, 2):  # the evidence of an epoch is in the belief of the next
        seen = results.interactions.query("agent == 'llm-psrl' and epoch == @epoch")
        exact = infer(own, seen_by_others(seen), exact)
        for number in range(2):
            weights = [weight for weight, _ in read_policy(beliefs[epoch + 1, number]).parts]
            assert np.allclose(weights, exact.probabilities[number], atol=1e-5)


def test_thompson_sampling_draws_from_the_same_posterior_with_and_without_words(everybody: Path) -> None:
    results = load(everybody)
    verbal = results.verbal_policies
    with_words, without = (verbal[verbal["agent"] == agent] for agent in ("thompson", "thompson-no-words"))
    for lines in (with_words, without):
        chosen = [policy_from_json(json.loads(text)) for text in lines["chosen"]]
        assert [read_policy(text) for text in lines["written"]] == chosen
    offered = results.interactions.query("epoch > 1 and proposer == 'assistant'").groupby("agent")["offered_share"]
    assert offered.mean()["thompson-no-words"] == pytest.approx(offered.mean()["thompson"], abs=0.05)


def test_only_verbal_beliefs_and_chosen_policies_are_written(everybody: Path) -> None:
    verbal = load(everybody).verbal_policies.groupby("agent")
    assert verbal["belief"].count().to_dict() == {agent: 2 * 3 * 10 if agent == "llm-psrl" else 0 for agent in EVERY}
    for agent, chosen in verbal["chosen"].count().items():
        assert (chosen == 0) == (agent in TEXT)


def test_text_agents_see_interactions_and_not_the_identity_of_players() -> None:
    backend = Recording()
    play(setting(agents=TEXT, runs=range(2)), backend)
    prompts = [unfence(request.messages[-1].content) for batch in backend.batches for request in batch]
    learning = [data for data in prompts if data["task"] in {"learn", "believe"}]
    assert learning
    for data in learning:
        for line in data["games"]:
            assert set(line) == {"currency", "stake", "proposer", "responder", "offered", "accepted"}


@pytest.mark.slow
def test_text_agents_resume_after_a_kill(everybody: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    command = [*RUN, "--agents", *EVERY, "--out", str(out)]
    started = start(*command, cwd=tmp_path)
    while started.poll() is None and not (out / "epochs" / "5v5-epoch002").exists():
        time.sleep(0.01)
    started.kill()
    started.wait()
    assert not (out / "summary.parquet").exists()
    assert run(*command, cwd=tmp_path).returncode == 0
    for name in ("interactions", "verbal_policies", "costs", "alignment"):
        assert (out / f"{name}.parquet").read_bytes() == (everybody / f"{name}.parquet").read_bytes()


@pytest.mark.slow
def test_users_may_be_played_by_the_model_in_the_same_number_of_rounds() -> None:
    backend = Recording()
    records = play(setting(users_by="model", runs=range(2), rationality=200.0), backend)
    assert [len(batch) > 0 for batch in backend.batches] == [True] * 6
    table = interactions(records)
    assert table["offer"].notna().all()
    assert table["accepted"].notna().all()
    fair = table[(table["users"] == "fair") & (table["proposer"] == "user")]
    assert np.allclose(fair["offered_share"], 0.5, atol=0.06)
    seeds = [request.seed for batch in backend.batches for request in batch]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.slow
@pytest.mark.parametrize("users_by", ["simulation", "model"])
def test_twenty_runs_of_five_epochs_take_no_more_rounds_than_one(users_by: str) -> None:
    rounds, requests = [], []
    for runs in (1, 20):
        backend = Recording()
        play(setting(populations=(FAIR,), agents=EVERY, runs=range(runs), epochs=5, users_by=users_by), backend)
        rounds.append(sum(len(batch) > 0 for batch in backend.batches))
        requests.append(sum(map(len, backend.batches)))
    assert rounds[1] == rounds[0]
    assert requests[1] > 15 * requests[0]


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("users_by", ["simulation", "model"])
def test_users_talk_in_their_manner_and_act_as_they_would_without(manner: str, users_by: str) -> None:
    spoken = setting(runs=range(2), rationality=200.0)
    conditions = tuple(type(c)(c.population, c.agent, manner) for c in spoken.conditions)
    changes = {name: getattr(spoken, name) for name in vars(spoken)} | {"conditions": conditions, "users_by": users_by}
    table = interactions(play(type(spoken)(**changes)))
    for side in ("proposer", "responder"):
        by_users = table[side] == "user"
        assert {manner_of(text) for text in table.loc[by_users, f"{side}_text"]} == {manner}
        assert table.loc[~by_users, f"{side}_text"].isna().all()
    assert set(table["manner"]) == {manner}
    if users_by == "simulation":
        silent = interactions(play(spoken))
        assert set(silent["manner"]) == {"silent"}
        assert silent["proposer_text"].isna().all()
        by_users = table["proposer"] == "user"
        pd.testing.assert_series_equal(table.loc[by_users, "offer"], silent.loc[by_users, "offer"])


def test_an_assistant_reads_the_messages_that_it_receives() -> None:
    spoken = setting(runs=range(2), agents=("scai",))
    conditions = tuple(type(c)(c.population, c.agent, "rude") for c in spoken.conditions)
    changes = {name: getattr(spoken, name) for name in vars(spoken)} | {"conditions": conditions, "epochs": 1}
    backend = Recording()
    play(type(spoken)(**changes), backend)
    answers = [unfence(request.messages[-1].content) for request in backend.batches[-1]]
    heard = [manner_of(data["message"]) for data in answers if "message" in data]
    assert heard
    assert set(heard) == {"rude"}
    assert json.dumps(answers)


@pytest.mark.slow
@pytest.mark.parametrize("users_by", ["simulation", "model"])
def test_messages_of_one_epoch_are_shown_to_text_agents_in_the_next(users_by: str, tmp_path: Path) -> None:
    talk = ("--manner", "sycophantic", "--users-by", users_by, "--agents", "scai-memory", "llm-psrl")
    main([*RUN, *talk, "--out", str(tmp_path / "results")])
    results = load(tmp_path / "results")
    assert results.verbal_policies["written"].notna().all()
    assert results.manifest.counts["missing"] == 0
    messages = results.interactions.query("proposer == 'user'")["proposer_text"]
    assert {manner_of(text) for text in messages} == {"sycophantic"}
