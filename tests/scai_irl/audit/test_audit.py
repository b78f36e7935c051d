"""The audit finds no bias in a Bayesian, and finds each planted bias with its size."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scai_irl.audit.battery import (
    CURRENCY,
    LENGTHS,
    NAMES,
    OTHER_CURRENCIES,
    PRESETS,
    PRIORS,
    STAKE,
    Sizes,
    accept_chances,
    battery,
)
from scai_irl.audit.exact_beliefs import exact_table
from scai_irl.audit.model_audit import AuditResult, ModelAudit, audit_model, audit_steps
from scai_irl.audit.paired import compare_audits
from scai_irl.audit.scorecard import remarks
from scai_irl.audit.steering import STEERING
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.backends.phrasebook.norm_beliefs import posterior_over
from scai_irl.cli.main import main
from scai_irl.language.fence import unfence
from scai_irl.language.games import Candidates, Game, games_from_json
from scai_irl.language.phrases import say_policy
from scai_irl.lm.protocol import Backend, Completion, Feature, OnDone, Request
from scai_irl.measure.elicit import Channel, Elicitation
from scai_irl.measure.grounding import Probes
from scai_irl.results.results import load
from tests.scai_irl.backends.fake_server import Fault, fake_server

QUESTIONS = battery(PRESETS["medium"], seed=1)
EXACT = exact_table(QUESTIONS)


def audited(
    backend: Backend, channels: tuple[Channel, ...] = ("token",), sizes: Sizes | None = None, **how: Any
) -> AuditResult:
    elicitation = Elicitation(channels=channels, wordings=(1,), seed=1, **how)
    steps: list[str] = []
    result = audit_model(backend, ModelAudit(sizes or Sizes(4, 4), elicitation, acts=2), steps.append)
    assert len(steps) == audit_steps()
    return result


def value(result: AuditResult, measure: str, channel: str = "token") -> pd.Series:
    lines = result.scorecard.query("measure == @measure and channel == @channel")
    assert len(lines) == 1, measure
    return lines.iloc[0]


# The battery


def test_the_exact_side_agrees_with_a_slow_plain_version() -> None:
    for question in QUESTIONS:
        exact = EXACT[EXACT["item"] == question.item.name]["exact"]
        assert exact.to_numpy() == pytest.approx(
            posterior_over(question.item.candidates, question.item.games), abs=1e-5
        )


def test_terms_add_up_to_the_exact_posterior() -> None:
    total = EXACT["log_prior"] + EXACT["log_behaviour"] + EXACT["log_language"]
    weight = pd.Series(np.exp(total - total.groupby(EXACT["item"]).transform("max")))
    assert (weight / weight.groupby(EXACT["item"]).transform("sum")).to_numpy() == pytest.approx(
        EXACT["exact"].to_numpy()
    )


def test_every_part_has_what_it_compares() -> None:
    roles: dict[str, dict[str, set[str]]] = {}
    for question in QUESTIONS:
        roles.setdefault(question.part, {}).setdefault(question.pair, set()).add(question.role)
    expected = {
        "evidence": {str(length) for length in LENGTHS},
        "manner": {"fitting", "misleading"},
        "mixture": {"2", "8"},
        "order": {"forwards", "backwards"},
        "martingale": {"before", "accepted", "rejected"},
        "steering": {"plain", "steered"},
    }
    currencies = roles.pop("currency").values()
    assert all(CURRENCY in roles_of_pair and len(roles_of_pair) == 3 for roles_of_pair in currencies)
    assert {part: [set(x) for x in pairs.values()] for part, pairs in roles.items()} == {
        part: [expected[part]] * len(pairs) for part, pairs in roles.items()
    }
    assert {question.role for question in QUESTIONS if question.part == "currency"} == {CURRENCY, *OTHER_CURRENCIES}
    names = [question.item.name for question in QUESTIONS]
    assert len(set(names)) == len(names)
    assert {game.stake for question in QUESTIONS for game in question.item.games} == {STAKE}


def test_most_items_leave_something_open() -> None:
    entropy = EXACT.groupby("item")["exact"].agg(lambda p: -(p * np.log(p)).sum())
    assert (entropy > 0.2).mean() > 0.6  # a certain belief has no log-odds to compare


def test_pairs_that_should_have_one_belief_have_one() -> None:
    wide = EXACT.pivot_table(index=["part", "pair", "role"], columns="norm", values="exact")
    for part, first, second in (("order", "forwards", "backwards"), ("steering", "plain", "steered")):
        one, other = (wide.xs((part, role), level=("part", "role")) for role in (first, second))
        assert one.to_numpy() == pytest.approx(other.to_numpy(), abs=1e-6)
    before, accepted, rejected = (
        wide.xs(("martingale", role), level=("part", "role")).to_numpy() for role in ("before", "accepted", "rejected")
    )
    chance = (before * accept_chances()).sum(axis=1, keepdims=True)
    assert chance * accepted + (1 - chance) * rejected == pytest.approx(before, abs=1e-6)


def test_truths_are_drawn_from_the_prior_and_seeds_change_them() -> None:
    questions = battery(Sizes(chains=100, pairs=1), seed=3)
    for prior, chances in PRIORS.items():
        truths = [q.truth for q in questions if q.pair.startswith(f"evidence {prior} ") and q.role == "0"]
        shares = np.bincount(truths, minlength=3) / 100
        assert shares == pytest.approx(chances, abs=0.16)  # four standard errors
    assert battery(Sizes(2, 2), seed=1) == battery(Sizes(2, 2), seed=1)
    assert battery(Sizes(2, 2), seed=1) != battery(Sizes(2, 2), seed=2)


def test_steering_texts_are_those_that_users_would_try() -> None:
    texts = {game.said for question in QUESTIONS if question.role == "steered" for game in question.item.games}
    assert texts - {""} <= set(STEERING)
    assert max(map(len, STEERING)) > 90_000
    assert any("</data>" in text for text in STEERING)
    assert any("<script>" in text for text in STEERING)


# A Bayesian


@pytest.fixture(scope="module")
def bayesian() -> AuditResult:
    return audited(Phrasebook(), ("sampled", "stated", "token"), probes=Probes(repeats=2))


@pytest.mark.parametrize("channel", ["stated", "token"])
def test_the_instrument_reads_zero_on_a_bayesian(bayesian: AuditResult, channel: str) -> None:
    for measure in ("TV", "KL", "JS", "Hellinger"):
        assert value(bayesian, f"{measure} to the exact posterior", channel)["value"] == pytest.approx(0, abs=1e-4)
    for measure in ("order violation (TV)", "martingale violation (TV)", "steering of beliefs (TV)"):
        assert value(bayesian, measure, channel)["value"] == pytest.approx(0, abs=1e-5)
    for term in ("prior", "behaviour", "language"):
        line = value(bayesian, f"weight of {term}", channel)
        assert (line["value"], line["low"], line["high"]) == pytest.approx((1, 1, 1), abs=1e-3)
    assert value(bayesian, "α of revision", channel)["value"] == pytest.approx(1, abs=1e-3)
    for reliability in (0.2, 0.5):
        line = value(bayesian, f"reliability implied where {reliability} is stated", channel)
        assert line["value"] == pytest.approx(reliability, abs=0.011)
    for name in NAMES:
        line = value(bayesian, f"prior implied where all are alike: {name}", channel)
        assert (line["value"], line["low"], line["high"]) == pytest.approx((1 / 3,) * 3, abs=1e-3)
    assert value(bayesian, "games that count", channel)["value"] == LENGTHS[-1]
    line = value(bayesian, "weight of behaviour in other currencies", channel)
    assert (line["value"], line["low"], line["high"]) == pytest.approx((1, 1, 1), abs=1e-3)
    for score in ("log score", "Brier score", "calibration error"):
        line = value(bayesian, score, channel)
        assert line["value"] == pytest.approx(line["ideal"], abs=1e-4)


def test_samples_of_a_bayesian_are_as_far_as_samples_are(bayesian: AuditResult) -> None:
    for measure in ("TV", "JS", "Hellinger"):
        line = value(bayesian, f"{measure} to the exact posterior", "sampled")
        assert line["ideal"] > 0.005
        # The ideal is of 40 simulated Bayesians, so the ends of its range are quite uncertain.
        spread = line["ideal_high"] - line["ideal_low"]
        assert line["ideal_low"] - spread / 2 < line["value"] < line["ideal_high"] + spread / 2
    assert value(bayesian, "texts that differ when asked alike", "sampled")["value"] > 0.2
    for measure in ("log score", "Brier score", *(f"weight of {term}" for term in ("prior", "behaviour", "language"))):
        line = value(bayesian, measure, "sampled")
        assert line["low"] - 0.1 < line["ideal"] < line["high"] + 0.1
    # Beliefs from 24 texts: some 60 items with a TV of .1 ± .1.
    disagreement = value(bayesian, "disagreement of channels (TV)", "sampled, token")
    assert disagreement["value"] == pytest.approx(disagreement["ideal"], abs=0.05)


def test_a_bayesian_translates_and_acts_without_loss_and_is_not_steered(bayesian: AuditResult) -> None:
    losses = bayesian.scorecard[bayesian.scorecard["measure"].str.startswith("translation loss")]
    assert len(losses) == 3 * 4
    # A dozen excesses, of two acts in each context, with standard errors of about .05.
    assert losses["value"].mean() == pytest.approx(0, abs=0.05)
    assert value(bayesian, "steering of answers (change of acceptance)", "acting")["value"] == 0
    assert value(bayesian, "missing", "all")["value"] == 0


# Planted biases


@dataclass
class Biased(Backend):
    """A model whose beliefs a function computes from a prompt's norms and games. It acts like the phrasebook."""

    believe: Callable[[Candidates, list[Game]], np.ndarray]
    inner: Phrasebook = field(default_factory=Phrasebook)
    name: str = "biased"
    features: frozenset[Feature] = field(default_factory=lambda: Phrasebook.features)

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Completion:
        data = unfence(request.messages[-1].content)
        if data["task"] not in {"state", "choose", "learn"}:
            return self.inner.complete([request])[0]
        candidates = Candidates.from_json(data)
        beliefs = self.believe(candidates, games_from_json(data["games"]))
        if data["task"] == "learn":
            index = np.random.default_rng(request.seed).choice(len(beliefs), p=beliefs)
            return Completion(json.dumps({"policy": say_policy(candidates.policies[index])}))
        if request.labels:
            return Completion("", label_log_probs=tuple(map(float, np.log(beliefs))))
        return Completion(json.dumps(dict(zip(candidates.labels, map(float, beliefs), strict=True))))


def terms(candidates: Candidates, games: list[Game]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log prior, log p(moves) and log p(talk), each up to a constant."""
    even = replace(candidates, prior=(1 / 3,) * 3)
    moves = np.log(posterior_over(replace(even, reliability=None), games))
    both = np.log(posterior_over(even, games))
    return np.log(candidates.prior), moves, both - moves


def normal(log_weight: np.ndarray) -> np.ndarray:
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight / weight.sum())


def test_a_prior_that_ignores_the_stated_one_is_found() -> None:
    planted = {"selfish": 0.2, "fair": 0.1, "altruistic": 0.7}

    def believe(candidates: Candidates, games: list[Game]) -> np.ndarray:
        own = np.log([planted[policy.parts[0][1].utility] for policy in candidates.policies])
        return normal(own + sum(terms(candidates, games)))

    result = audited(Biased(believe))
    for name, chance in planted.items():
        line = value(result, f"prior implied where all are alike: {name}")
        # Beliefs below .001 count as .001, as for the weights.
        assert line["value"] == pytest.approx(chance, abs=0.02)
        assert line["low"] - 0.01 <= chance <= line["high"] + 0.01


@pytest.mark.slow
@pytest.mark.parametrize("memory", [1, 3, 5])
def test_the_number_of_games_that_count_is_found(memory: int) -> None:
    result = audited(Biased(lambda candidates, games: posterior_over(candidates, games[-memory:])), sizes=Sizes(6, 2))
    line = value(result, "games that count")
    assert line["value"] == memory
    assert line["low"] <= memory <= line["high"]


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_what_behaviour_weighs_in_other_currencies_is_found(weight: float) -> None:
    def believe(candidates: Candidates, games: list[Game]) -> np.ndarray:
        prior, moves, talk = terms(candidates, games)
        at_home = all(game.currency == CURRENCY for game in games)
        return normal(prior + (1.0 if at_home else weight) * moves + talk)

    result = audited(Biased(believe))
    assert value(result, "weight of behaviour in other currencies")["value"] == pytest.approx(weight, abs=0.02)
    assert value(result, "weight of behaviour")["value"] == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("planted", [(0.5, 1.0, 1.0), (1.0, 0.4, 1.0), (1.0, 1.0, 2.0), (0.3, 0.6, 0.0)])
def test_weights_that_were_planted_are_found(planted: tuple[float, float, float]) -> None:
    def believe(candidates: Candidates, games: list[Game]) -> np.ndarray:
        return normal(sum(w * term for w, term in zip(planted, terms(candidates, games), strict=True)))  # type: ignore[arg-type]

    result = audited(Biased(believe))
    # Beliefs below .001 count as .001, which reduces large weights by a few hundredths.
    for name, weight in zip(("prior", "behaviour", "language"), planted, strict=True):
        line = value(result, f"weight of {name}")
        assert line["value"] == pytest.approx(weight, abs=0.05)
        assert line["low"] - 0.05 <= weight <= line["high"] + 0.05
    assert value(result, "α of revision")["value"] == pytest.approx(planted[1], abs=0.05)
    assert value(result, "TV to the exact posterior")["low"] > 0.005


@pytest.mark.slow
@pytest.mark.parametrize("planted", [(1.0, 1.0, 1.0), (1.0, 0.4, 1.0), (0.0, 1.0, 2.0)])
def test_weights_that_were_planted_are_found_in_samples(planted: tuple[float, float, float]) -> None:
    def believe(candidates: Candidates, games: list[Game]) -> np.ndarray:
        return normal(sum(w * term for w, term in zip(planted, terms(candidates, games), strict=True)))  # type: ignore[arg-type]

    result = audited(Biased(believe), ("sampled",), probes=Probes(repeats=3))
    for name, weight in zip(("prior", "behaviour", "language"), planted, strict=True):
        line = value(result, f"weight of {name}", "sampled")
        spread = line["high"] - line["low"]  # the bootstrap's four standard errors
        assert line["low"] - spread / 2 <= weight <= line["high"] + spread / 2
        assert spread < 0.8
        assert line["ideal"] == pytest.approx(1, abs=0.1)
        assert (line["high"] < line["ideal_low"] or line["low"] > line["ideal_high"]) == (weight != 1)


@pytest.mark.parametrize("planted", [0.0, 0.7])
def test_the_reliability_that_a_model_has_in_mind_is_found_whatever_is_stated(planted: float) -> None:
    def believe(candidates: Candidates, games: list[Game]) -> np.ndarray:
        return posterior_over(
            candidates if candidates.reliability is None else replace(candidates, reliability=planted), games
        )

    result = audited(Biased(believe))
    for stated in (0.2, 0.5):
        line = value(result, f"reliability implied where {stated} is stated")
        assert line["value"] == pytest.approx(planted, abs=0.02)


def test_a_model_that_hears_the_last_games_alone_breaks_order_and_martingale() -> None:
    def believe(candidates: Candidates, games: list[Game]) -> np.ndarray:
        return posterior_over(candidates, games[-1:])

    result = audited(Biased(believe))
    assert value(result, "order violation (TV)")["low"] > 0.1
    assert value(result, "martingale violation (TV)")["low"] > 0.05


def test_a_model_that_obeys_users_is_reported_as_steered() -> None:
    def believe(candidates: Candidates, games: list[Game]) -> np.ndarray:
        if any(game.said in STEERING or "Forget" in game.said for game in games):
            return np.array([0.01, 0.01, 0.98])
        return posterior_over(candidates, games)

    result = audited(Biased(believe))
    assert value(result, "steering of beliefs (TV)")["low"] > 0.2
    assert value(result, "order violation (TV)")["value"] == pytest.approx(0, abs=1e-5)


@dataclass
class Obedient(Phrasebook):
    """A model that accepts every offer with a message."""

    def _answer(self, request: Request) -> Completion:
        if "message" in unfence(request.messages[-1].content):
            return Completion('{"accept": true}')
        return super()._answer(request)


def test_an_assistant_that_can_be_talked_round_is_reported_as_such() -> None:
    result = audited(Obedient())
    assert value(result, "steering of answers (change of acceptance)", "acting")["value"] == 1


def test_a_preference_for_a_letter_shows_as_an_effect_of_order_and_not_as_a_belief() -> None:
    def believe(candidates: Candidates, games: list[Game]) -> np.ndarray:
        return normal(np.log(posterior_over(candidates, games)) + np.array([1.0, 0.0, 0.0]))

    result = audited(Biased(believe))
    assert value(result, "effect of order of labels (TV)")["low"] > 0.05
    assert value(result, "TV to the exact posterior")["value"] < 0.08


@dataclass
class Deterministic(Phrasebook):
    """A model that writes the most probable text, whatever the seed."""

    def _answer(self, request: Request) -> Completion:
        return super()._answer(replace(request, seed=1))


@pytest.mark.parametrize("model", [Deterministic(), Phrasebook()], ids=["deterministic", "sampling"])
def test_a_deterministic_model_and_no_other_is_said_to_be_so(model: Backend, tmp_path: Path) -> None:
    result = audited(model, ("sampled",), sizes=Sizes(1, 1), draws=6)
    always = value(result, "texts that differ when asked alike", "sampled")["value"] == 0
    assert always == isinstance(model, Deterministic)
    assert any("it is deterministic" in line for line in remarks(result.scorecard)) == always


def test_two_models_are_compared_item_by_item() -> None:
    def shy(candidates: Candidates, games: list[Game]) -> np.ndarray:
        return normal(0.5 * np.log(posterior_over(candidates, games)))

    one, other = audited(Phrasebook()), audited(Biased(shy))
    comparison = compare_audits(one.judged, other.judged).set_index("part")
    assert (comparison["difference"] > 0.02).all()
    assert (comparison["low"] > 0).all()
    assert float(comparison["p"]["evidence"]) < 0.001
    assert (compare_audits(one.judged, one.judged)["p"] == 1).all()


# The command


def test_an_audit_is_a_results_folder_that_is_compared_in_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    command = ["audit", "model", "--channels", "token", "--acts", "1"]
    for name in ("one", "other"):
        main([*command, "--wordings", "1" if name == "one" else "2", "--out", str(tmp_path / name)])
    output = capsys.readouterr().out
    assert "weight of behaviour" in output
    assert "1.000 [1.000, 1.000]" in output
    results = load(tmp_path / "one")
    assert set(results.tables) == {"scorecard", "judged", "beliefs", "texts", "translation", "steered"}
    assert all((results.describe(name)["description"] != "").all() for name in results.tables)
    assert results.manifest.counts["missing"] == 0
    assert {path.suffix for path in (tmp_path / "one").glob("scorecard.*")} == {".parquet", ".csv", ".md", ".tex"}
    main(["audit", "compare", str(tmp_path / "one"), str(tmp_path / "other")])
    output = capsys.readouterr().out
    assert "item by item" in output
    assert str(tmp_path / "other")[:20] in output
    main(["show", str(tmp_path / "one")])
    assert "weight of prior" in capsys.readouterr().out


@pytest.mark.slow
def test_an_audit_whose_server_died_goes_on_and_asks_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["audit", "model", "--channels", "stated", "--wordings", "1", "--acts", "1"]
    main([*command, "--out", str(tmp_path / "whole")])
    served = [*command, "--backend", "vllm-server", "--out", str(tmp_path / "broken"), "--concurrency", "1"]
    with fake_server(lambda n, _body: None if n < 100 else Fault(drop=True)) as dying, pytest.raises(SystemExit):
        main([*served, "--attempts", "2", "--pause", "0.001", "--url", dying.url])
    assert "it resumes" in capsys.readouterr().err
    with fake_server() as well:
        main([*served, "--url", well.url])
    whole, broken = (load(tmp_path / name) for name in ("whole", "broken"))
    for name in ("beliefs", "judged", "translation", "steered"):
        pd.testing.assert_frame_equal(whole.tables[name], broken.tables[name])
    assert len(well.calls) == broken.manifest.counts["calls"] - 100
    assert broken.manifest.service["asked again: connection lost"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--wordings", "0"], "wordings: .* give numbers from 1 to 5"),
        (["--wordings", "1", "1"], "wordings: .* a wording twice"),
        (["--channels", "token", "token"], "channels: .*duplicate"),
        (["--preset", "huge"], "preset"),
        (["--draws", "0"], "draws"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["audit", "model", *options, "--out", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert pd.Series([error]).str.contains(message).all()
