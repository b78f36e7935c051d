"""Assistants in new currencies act as a Bayesian does; words and prompts change nothing.

The gaps recorded in SCAI (2023) are .391 without a prior, .597 with an altruistic prior and .675 with a reason as well
in new currencies, and .002 in dollars. All of its runs share one text, and its prompt warns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from envs import Norm, Policy
from envs.contexts import PSYCHOLOGICAL_DISTANCE
from experiments.out_of_distribution.currencies_seen import gaps_by_currencies_seen
from experiments.out_of_distribution.experiment import out_of_distribution
from experiments.out_of_distribution.figures import distance_figure, gaps_table, transfer_findings
from experiments.out_of_distribution.model import CELL, act_in_new_currencies
from experiments.out_of_distribution.transfer_design import OutOfDistribution
from inference.discrete.named_families import NAMED_NORMS
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.experiment.config import check
from scai_irl.experiment.run_study import Model
from scai_irl.io.errors import InputError
from scai_irl.language.fence import unfence
from scai_irl.language.phrases import read_policy
from scai_irl.lm.protocol import Completion, OnDone, Request
from scai_irl.report.html.belief_panels import beliefs_of
from scai_irl.report.html.policies import policies_of
from scai_irl.results.results import Results

pytestmark = pytest.mark.slow

AGENTS = ("as-learned", "transfer", "model")
PRIORS = {"flat": (1 / 3, 1 / 3, 1 / 3), "altruistic": (0.1, 0.1, 0.8)}
RUNS, ACTS = 20, 5


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    config = {"agents": AGENTS, "priors": tuple(PRIORS), "acts": ACTS, "out": tmp_path_factory.mktemp("abroad")}
    return out_of_distribution.run(check(out_of_distribution.config, config))


def mean_offer(norm: str, stake: int) -> float:
    table = np.exp(np.asarray(Policy.of(Norm(norm)).table(jnp.asarray([stake])).offer[0], np.float64))
    return float(table[: stake + 1] @ np.arange(stake + 1) / stake)


def carry_probability(currency: str) -> float:
    """E exp(−d/ℓ) with log ℓ ~ N(0, .7²), by plain simulation."""
    lengths = np.exp(0.7 * np.random.default_rng(0).standard_normal(1_000_000))
    return float(np.exp(-PSYCHOLOGICAL_DISTANCE[currency] / lengths).mean())


def test_gaps_are_distances_of_mean_offers(results: Results) -> None:
    assert len(results.gaps) == (2 * 2 * 4 + 2 * 4 * 4) * RUNS
    again = results.offers.groupby([*CELL, "run"], sort=False)["offered_share"].mean().to_numpy()
    np.testing.assert_allclose(results.gaps["offered"], again)
    np.testing.assert_allclose(results.gaps["gap"], np.abs(again - results.gaps["users"]))
    assert results.gaps["users"].between(0, 0.15).all()
    assert (results.offers.groupby([*CELL, "run"]).size() == ACTS).all()


def test_at_home_and_where_norms_are_taken_to_be_one_nobody_is_far_off(results: Results) -> None:
    near = results.gaps.query("currency == 'dollars' or agent == 'as-learned'")
    assert near["gap"].max() < 0.05
    assert near["gap"].mean() < 0.01


@pytest.mark.parametrize("agent", ["transfer", "model"])
@pytest.mark.parametrize("prior", PRIORS)
def test_offers_in_new_currencies_are_those_of_the_posterior_there(results: Results, agent: str, prior: str) -> None:
    own = results.offers.query("agent == @agent and prior == @prior and not reason and not warning")
    for currency in ("grams of medicine", "pints of blood", "liters of baby formula"):
        offers = own[own["currency"] == currency]
        carry = carry_probability(currency)
        chance = (1 - carry) * np.array(PRIORS[prior]) + carry * np.array([1, 0, 0])
        means = [
            [mean_offer(norm, int(stake)) for norm in ("selfish", "fair", "altruistic")] for stake in offers["stake"]
        ]
        expected = np.array(means) @ chance
        error = offers["offered_share"].std() / np.sqrt(len(offers))
        assert abs(offers["offered_share"].mean() - expected.mean()) < 4 * error


def test_warnings_and_reasons_change_nothing_in_the_phrasebook(results: Results) -> None:
    model = results.offers[results.offers["agent"] == "model"]
    by_way = [lines["offered_share"].to_numpy() for _, lines in model.groupby(["reason", "warning"])]
    assert len(by_way) == 4
    for other in by_way[1:]:
        np.testing.assert_array_equal(other, by_way[0])


def test_every_run_has_a_text_of_its_own(results: Results) -> None:
    texts = results.verbal_policies
    home = texts[texts["agent"] == "as-learned"]
    assert len(home) == len(PRIORS) * RUNS
    assert (home["currency"] == "dollars").all()
    carried = texts[texts["agent"] == "transfer"]
    assert len(carried) == len(PRIORS) * 4 * RUNS * ACTS
    for line in carried.sample(20, random_state=0).itertuples():
        assert read_policy(str(line.written)).parts[0][1].utility == line.norm


def test_texts_are_shown_with_the_belief_they_were_drawn_from(results: Results) -> None:
    beliefs = beliefs_of(results)
    policies = policies_of(results, beliefs)
    assert policies is not None
    assert policies.left_out + len(policies.conditions) == len(PRIORS) * (1 + 4)
    assert all(moment.texts and moment.numerical for condition in policies.conditions for moment in condition.moments)
    there = beliefs[beliefs["condition"] == "transfer in grams of medicine, altruistic prior"]
    before, after = (there[there["epoch"] == epoch].set_index("norm")["weight"] for epoch in (0, 1))
    assert before.groupby("norm").mean()[list(NAMED_NORMS)].tolist() == pytest.approx(PRIORS["altruistic"])
    # Users of dollars are surely selfish. In medicine this holds if the norm is carried there.
    carry = carry_probability("grams of medicine")
    carried = carry + (1 - carry) * 0.1
    assert after["selfish"].to_numpy() == pytest.approx(np.full(RUNS, carried), abs=2e-3)
    written = results.verbal_policies.query("condition == 'transfer in grams of medicine, altruistic prior'")
    share = float((written["norm"] == "selfish").mean())
    assert abs(share - carried) < 4 * np.sqrt(carried * (1 - carried) / len(written))


def test_findings_are_compared_with_every_recorded_row(results: Results) -> None:
    findings = results.findings
    rows = {
        "abroad, no prior": 0.391,
        "abroad, altruistic prior": 0.597,
        "abroad, altruistic prior and reason": 0.675,
        "at home, altruistic prior": 0.002,
    }
    for row, recorded in rows.items():
        own = findings[findings["row"] == row]
        assert (own["recorded"] == recorded).all()
        assert own["case"].str.contains("model").sum() == 1  # the warned one, as in SCAI (2023)
        assert (own["low"] <= own["value"]).all()
        assert (own["runs"] == RUNS).all()
    reasoned = findings[findings["row"] == "abroad, altruistic prior and reason"]
    # No row is repeated.
    assert reasoned["case"].tolist() == ["new currencies, altruistic prior, model, with reason, warned"]
    warnings = findings[findings["question"].str.startswith("Does a warning")]
    assert (warnings[["value", "low", "high"]] == 0).all(axis=None)


def test_without_the_model_the_row_with_a_reason_is_reported_too(results: Results) -> None:
    config = OutOfDistribution(priors=("altruistic",), acts=ACTS)
    two = results.gaps[(results.gaps["agent"] != "model") & (results.gaps["prior"] == "altruistic")]
    findings = transfer_findings(two, results.goods_seen, config, "phrasebook")
    (reasoned,) = (one for one in findings if one.row.endswith("and reason") and "transfer" in one.case)
    (plain,) = (one for one in findings if one.row == "abroad, altruistic prior" and "transfer" in one.case)
    assert (reasoned.value, reasoned.recorded) == (plain.value, 0.675)
    assert "--agents model" in reasoned.why


def test_a_norm_seen_in_more_currencies_is_carried_farther(results: Results) -> None:
    seen = results.goods_seen.groupby(["prior", "seen"])[["gap", "belief"]].mean().unstack()
    assert (np.diff(seen["gap"]) < 0).all()
    assert (np.diff(seen["belief"]) > 0).all()
    one = results.goods_seen.query("seen == 1 and prior == 'flat'").groupby("currency")["belief"].mean()
    for currency, belief in one.items():
        carry = carry_probability(str(currency))
        assert belief == pytest.approx(carry + (1 - carry) / 3, abs=0.01)


def test_the_same_again_is_the_same(results: Results, tmp_path: Path) -> None:
    config = {"agents": ("transfer",), "priors": tuple(PRIORS), "acts": ACTS, "out": tmp_path}
    again = out_of_distribution.run(check(out_of_distribution.config, config))
    own = results.offers[results.offers["agent"] == "transfer"].reset_index(drop=True)
    assert_frame_equal(again.offers, own)


class Untaught(Phrasebook):
    """A model that cannot transfer a policy, and sometimes cannot write one."""

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        answers = super().complete(requests, on_done)
        tasks = [unfence(request.messages[-1].content)["task"] for request in requests]
        lost = [
            task == "transfer" or (task == "translate" and one.seed % 3 == 0)
            for task, one in zip(tasks, requests, strict=True)
        ]
        return [Completion(json.dumps({})) if gone else one for gone, one in zip(lost, answers, strict=True)]


def test_answers_that_cannot_be_read_are_missing_and_nothing_else() -> None:
    config = OutOfDistribution(agents=AGENTS, priors=("flat",), runs=3, acts=2, reasons=("no",))
    acted = act_in_new_currencies(Model(Untaught()), config)
    assert acted.gaps.query("agent == 'model'")["gap"].isna().all()
    assert acted.gaps.query("agent == 'as-learned'")["gap"].notna().any()
    by_seen = gaps_by_currencies_seen(config, ("dollars", "apples"))
    findings = transfer_findings(acted.gaps, by_seen, config, "mine")
    assert all(one.runs == 0 for one in findings if "model" in one.case)
    assert gaps_table(acted.gaps)["gap [95 %]"].eq("–").any()
    assert distance_figure(acted.gaps).axes


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("currencies", {"currencies": ("shells",)}),
        ("home", {"home": "shells"}),
        ("seen", {"seen": ()}),
        ("priors", {"priors": ("kind",)}),
        ("agents", {"agents": ("prior-only",)}),
        ("agents", {"agents": ("model", "model")}),
        ("reasons", {"reasons": ("maybe",)}),
        ("strength", {"strength": 0.2}),
        ("users", {"users": "kind"}),
    ],
)
def test_wrong_options_are_refused(field: str, options: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        check(out_of_distribution.config, options)
    assert caught.value.field == field


def test_users_played_by_a_model_are_watched_and_met_in_new_currencies() -> None:
    config = OutOfDistribution(users="altruistic", users_by="model", priors=("flat",), runs=3, games=2, acts=2)
    model, simulated = Model(Phrasebook()), Model(Phrasebook())
    acted = act_in_new_currencies(model, config)
    own = acted.gaps.query("agent == 'as-learned'")
    assert own["users"].between(0.85, 1).all()
    assert own["gap"].max() < 0.1
    act_in_new_currencies(simulated, config.model_copy(update={"users_by": "simulation"}))
    assert model.tally.calls - simulated.tally.calls == 3 * 2 * 2 + 4 * 3 * 2  # both sides; offers everywhere


def test_the_cost_of_a_dry_run_is_counted() -> None:
    assert out_of_distribution.estimate is not None
    cost = out_of_distribution.estimate(check(out_of_distribution.config, {"runs": 2, "acts": 1, "priors": ("flat",)}))
    assert cost.calls[0] == (2 + 4 * 2) + 2 * 4 * 2  # texts, and an offer of each agent everywhere
