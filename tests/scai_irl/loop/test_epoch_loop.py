"""Laws of the epoch loop: which evidence counts, which requests are made, and what each draw depends on."""

from __future__ import annotations

import json

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from envs import Schedule, one_group
from envs.ultimatum import offered_units
from inference import infer
from scai_irl.agents.posterior_agents import POSTERIOR_AGENTS
from scai_irl.language.phrases import read_policy
from scai_irl.language.policy_json import policy_from_json
from tests.scai_irl.backends.backends_for_tests import Contrary
from tests.scai_irl.loop.conftest import World
from tests.scai_irl.loop.play import FAIR, MIXED, interactions, last, play, seen_by_others, setting

AMONG_THEMSELVES = "0uu-0au-0ua-10aa"


def test_the_belief_after_the_loop_is_that_of_all_plays_at_once(world: World) -> None:
    for group, table in world.table.groupby("group", sort=False):
        at_once = infer(world.setting.hypotheses, seen_by_others(table))
        after_loop = last(world.records, str(group))
        # Sums in float32 accumulate errors. The design asks for 1e-6, and log p(D) is about −100 here.
        np.testing.assert_allclose(after_loop.probabilities, at_once.probabilities, atol=1e-6)
        np.testing.assert_allclose(after_loop.log_evidence, at_once.log_evidence, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["norm-mixtures", "fehr-schmidt-grid"])
def test_other_families_are_believed_as_all_plays_at_once_would_be(family: str) -> None:
    design = setting(family=family, lapse=0.01, runs=range(3), stakes=(20, 20))
    records = play(design)
    at_once = infer(design.hypotheses, seen_by_others(interactions(records)))
    after_loop = last(records, "5v5")
    np.testing.assert_allclose(after_loop.probabilities, at_once.probabilities, atol=1e-6)
    np.testing.assert_allclose(after_loop.probabilities.sum(axis=1), 1, atol=1e-5)  # up to 1,681 float32 numbers
    utilities = {
        norm.utility for text in records["5v5"][-1].verbal_policies["written"] for _, norm in read_policy(text).parts
    }
    assert utilities == set(design.hypotheses.norms)


def test_nothing_is_learnt_from_assistants_among_themselves() -> None:
    belief = last(play(setting([AMONG_THEMSELVES])), AMONG_THEMSELVES)
    np.testing.assert_allclose(belief.probabilities, 1 / 3, atol=1e-7)  # one third in float32
    np.testing.assert_allclose(belief.log_evidence, 0.0, atol=1e-6)  # p(D) of no data is 1


def test_nothing_is_learnt_from_how_assistants_answer_users() -> None:
    of = setting(["2uu-0au-5ua-3aa"], agents=("oracle",))
    faithful, contrary = play(of), play(of, Contrary())
    answers = [interactions(records)["accepted"].tolist() for records in (faithful, contrary)]
    assert answers[0] != answers[1]
    for one, other in zip(*(next(iter(records.values())) for records in (faithful, contrary)), strict=True):
        np.testing.assert_array_equal(one.posterior.log_prob, other.posterior.log_prob)


def test_what_users_answer_to_assistants_is_learnt_from() -> None:
    group = "0uu-10au-0ua-0aa"
    belief = last(play(setting([group], agents=("prior-only",))), group)
    fair = belief.probabilities[: len(setting().runs), 1]
    # Two thirds of the 20 offers are all or nothing, which only fair users refuse.
    assert (fair > 0.99).all()


def test_a_belief_moves_towards_the_users_norm(world: World) -> None:
    fair = [row for row, condition in enumerate(world.setting.condition_of_row) if condition.population == FAIR]
    # 18 offers by users; under a wrong norm each has a probability below one in ten.
    assert (last(world.records, "1v9").probabilities[fair, 1] > 0.99).all()


def test_a_model_is_called_three_times_an_epoch_whatever_the_number_of_runs(among: World, alone: World) -> None:
    asked_by_twenty, asked_by_one = ([len(batch) for batch in played.batches] for played in (among, alone))
    assert len(asked_by_one) == len(asked_by_twenty) == 3 * 2
    assert asked_by_twenty == [20 * size for size in asked_by_one]


def test_no_two_requests_of_an_experiment_share_a_seed(world: World) -> None:
    seeds = [request.seed for batch in world.batches for request in batch]
    assert len(set(seeds)) == len(seeds) > 2000


def test_an_assistant_sees_only_its_verbal_policy_and_what_is_divided(world: World) -> None:
    written = {text for of_group in world.records.values() for r in of_group for text in r.verbal_policies["written"]}
    texts = {json.dumps(text)[1:-1] for text in written}
    acting = [batch for number, batch in enumerate(world.batches) if number % 3]
    for request in (request for batch in acting for request in batch):
        data = request.messages[-1].content
        assert any(text in data for text in texts)
        # The population's name, the group or the run would reveal the users' norm.
        assert set(json.loads(data[6:-7])) <= {"task", "policy", "currency", "stake", "offered"}


def test_users_are_the_same_for_every_agent(world: World) -> None:
    place = ["group", "users", "run", "epoch", "play"]
    per_agent = [lines.set_index(place) for _, lines in world.table.groupby("agent")]
    assert len(per_agent) == len(POSTERIOR_AGENTS)
    first = per_agent[0]
    by_user = first["proposer"] == "user"
    between_users = by_user & (first["responder"] == "user")
    for lines in per_agent:
        assert_frame_equal(lines[["pairing", "stake", "currency"]], first[["pairing", "stake", "currency"]])
        assert_frame_equal(lines.loc[by_user, ["offer"]], first.loc[by_user, ["offer"]])
        assert_frame_equal(lines.loc[between_users, ["accepted"]], first.loc[between_users, ["accepted"]])
        for role in ("proposer", "responder"):
            is_user = first[role] == "user"
            policy = [f"{role}_policy"]
            assert_frame_equal(lines.loc[is_user, policy], first.loc[is_user, policy])


def test_one_run_of_one_condition_alone_has_the_numbers_it_has_among_others(among: World, alone: World) -> None:
    row = 10 + 7  # the seventh run of the second condition
    for together, single in zip(among.records["5v5"], alone.records["5v5"], strict=True):
        for name in ("interactions", "verbal_policies"):
            table: pd.DataFrame = getattr(together, name)
            chosen = (table["run"] == 7) & (table["users"] == among.setting.conditions[1].users)
            assert_frame_equal(table[chosen].reset_index(drop=True), getattr(single, name))
        np.testing.assert_allclose(
            together.posterior.log_prob[row],
            single.posterior.log_prob[0],
            rtol=1e-6,  # float32's digits: another batch size may add in another order
        )


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others() -> None:
    tables = [interactions(play(setting(seed=seed))) for seed in (3, 3, 4)]
    assert_frame_equal(tables[0], tables[1], check_exact=True)
    for column in ("stake", "offer", "accepted"):
        assert not tables[0][column].equals(tables[2][column])


def test_another_experiment_with_the_same_seed_has_draws_of_its_own() -> None:
    one, other = (interactions(play(setting(experiment=name))) for name in ("test", "tests"))
    assert not one["offer"].equals(other["offer"])


def test_runs_epochs_and_groups_have_draws_of_their_own(world: World) -> None:
    of_users = world.table.query("proposer == 'user' and agent == 'map' and group != '9v1'")
    mixed = of_users[of_users["users"].str.contains("selfish")]
    offers = [tuple(lines["offered_share"]) for _, lines in mixed.groupby(["group", "run", "epoch"])]
    assert len(set(offers)) == len(offers) == 2 * 2 * 2


def test_every_run_has_one_currency_and_every_epoch_one_stake() -> None:
    table = interactions(play(setting(epochs=3)))
    runs = ["users", "run"]
    assert (table.groupby(runs)["currency"].nunique() == 1).all()
    assert (table.groupby([*runs, "epoch"])["stake"].nunique() == 1).all()
    assert set(table["currency"]) == {"dollars", "apples"}
    # One of eleven stakes is missing in 60 epochs with probability .04.
    assert set(table["stake"]) == set(range(10, 21))
    assert table.groupby(runs)["stake"].nunique().max() == 3


def test_stakes_above_a_hundred_are_paid_in_whole_units_and_learnt_from() -> None:
    records = play(setting(stakes=(101, 1_000_000), rationality=200.0))
    table = interactions(records)
    stake, units = table["stake"].to_numpy(), table["offer"].to_numpy(int)
    assert stake.min() > 100
    assert ((units >= 0) & (units <= stake)).all()
    np.testing.assert_allclose(table["offered_share"], units / stake)
    percentages = np.broadcast_to(np.arange(101), (len(stake), 101))
    payable = offered_units(jnp.asarray(percentages), jnp.asarray(np.broadcast_to(stake[:, None], percentages.shape)))
    assert (np.asarray(payable) == units[:, None]).any(axis=1).all()
    assert (last(records, "5v5").norm_probabilities[:10, 1] > 0.99).all()
    later = table.query("epoch == 2 and proposer == 'assistant' and users == 'fair'")["offered_share"]
    assert later.between(0.48, 0.53).all()  # fair at λ = 200: half, and little around it


@pytest.mark.parametrize("group", ["3uu-1au-0ua-2aa", "10uu-0au-0ua-0aa"])
def test_any_counts_of_pairings_can_be_played(group: str) -> None:
    records = play(setting([group]))
    schedule = Schedule.named(group)
    table = interactions(records)
    for _, lines in table.groupby(["users", "run", "epoch"]):
        assert lines["pairing"].tolist() == list(schedule.pairing)
        assert lines["play"].tolist() == list(range(schedule.plays))
    assert table[["offer", "accepted"]].notna().all(axis=None)
    for record in records[group]:
        assert len(record.verbal_policies) == 20 * schedule.assistants
        assert record.tally.calls == 20 * (2 * schedule.assistants)  # each gets one text and acts once


def test_users_that_slip_are_believed_to_slip() -> None:
    populations = (one_group("selfish"), FAIR)
    records = play(setting(("1v9",), populations, lapse=0.3, rationality=200.0))
    offers = interactions(records).query("proposer == 'user' and users == 'selfish'")["offered_share"]
    # 30 % of 180 offers are uniform over 0..stake. Half of these exceed one half: 26, with a standard deviation of 4.7.
    assert 8 < (offers > 0.5).sum() < 45
    belief = last(records, "1v9").norm_probabilities
    assert (belief[:10, 0] > 0.99).all()
    assert (belief[10:, 1] > 0.99).all()
    texts = records["1v9"][-1].verbal_policies["written"]
    lapses = [norm.lapse for text in texts for _, norm in read_policy(text).parts]
    np.testing.assert_allclose(lapses, 0.3, rtol=1e-6)  # float32's digits


def test_what_is_written_says_what_was_chosen(world: World) -> None:
    for record in (record for of_group in world.records.values() for record in of_group):
        for line in record.verbal_policies.itertuples():
            assert read_policy(str(line.written)) == policy_from_json(json.loads(str(line.chosen)))


def test_each_interaction_names_what_its_players_followed(world: World) -> None:
    keys = ["condition", "run", "epoch"]
    written = pd.concat(record.verbal_policies for of_group in world.records.values() for record in of_group)
    texts = {place: set(lines["written"]) for place, lines in written.groupby(keys)}
    for place, lines in world.table.groupby(keys):
        for role in ("proposer", "responder"):
            followed = lines[f"{role}_policy"]
            by_user = lines[role] == "user"
            assert set(followed[by_user]) <= {"selfish", "fair", "altruistic"}
            assert set(followed[~by_user]) <= texts[place]
    users = world.table.query("proposer == 'user'").groupby("users")["proposer_policy"].agg(set)
    assert users["fair"] == {"fair"}
    assert users.drop("fair").tolist() == [{"selfish", "altruistic"}]


def test_the_users_chance_of_accepting_is_the_populations(world: World) -> None:
    mixed = world.table[world.table["users"] != "fair"]
    policy = MIXED.policy(world.setting.rationality, world.setting.lapse)
    for stake, lines in mixed.groupby("stake"):
        accept = np.exp(np.asarray(policy.table(jnp.asarray([stake])).accept[0]))
        expected = accept[lines["offer"].to_numpy(int)]
        np.testing.assert_allclose(lines["user_accept_probability"], expected, atol=1e-6)  # float32's digits


def test_the_phrasebook_is_never_at_a_loss(world: World) -> None:
    for record in (record for of_group in world.records.values() for record in of_group):
        assert record.tally.unreadable == record.tally.missing == 0
        assert record.tally.calls == 24 * 2 * record.verbal_policies["assistant"].nunique()
        assert record.interactions[["offer", "accepted"]].notna().all(axis=None)
