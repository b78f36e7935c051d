"""The ablation: in the source currency a wrong prior slows learning, and out of distribution it remains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from experiments.prior_ablation.experiment import prior_ablation
from experiments.prior_ablation.model import PriorAblation
from inference.structured.transfer import carried
from scai_irl.experiment.config import check
from scai_irl.io.errors import InputError
from scai_irl.results.results import Results

SMALL = {"runs": 40, "epochs": 8, "games": 5}
DESIGN = ["run", "users", "rationality", "lapse"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return prior_ablation.run(check(prior_ablation.config, SMALL | {"out": tmp_path_factory.mktemp("ablation")}))


def test_tables_have_a_line_for_everything(results: Results) -> None:
    cells = 40 * 4 * 5 * 6
    assert len(results.games) == cells
    assert len(results.epochs) == cells * 9
    assert len(results.abroad) == cells * 4
    first = results.epochs.query("epoch == 0 and users == 'fair'").groupby("prior")["belief"].mean()
    expected = {"flat": 0.8 / 3, "selfish": 0.08, "fair": 0.64, "altruistic": 0.08}
    assert first.to_dict() == pytest.approx(expected)


def test_priors_are_probabilities_and_leave_mixtures_theirs() -> None:
    chances = PriorAblation().chances
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    np.testing.assert_allclose(chances[:, 3:], 0.1)
    alone = PriorAblation(users=("selfish", "fair"), priors=("flat", "fair")).chances
    np.testing.assert_allclose(alone, [[0.5, 0.5], [0.2, 0.8]])
    mixed = PriorAblation(users=("selfish=0.5,fair=0.5", "selfish=0.1,fair=0.9"), priors=("flat",)).chances
    np.testing.assert_allclose(mixed, [[0.5, 0.5]])


def test_a_right_prior_is_the_fastest_and_a_wrong_one_the_slowest(results: Results) -> None:
    """In every run and setting, since all observers see the same games."""
    one = results.games[results.games["sort"] == "one norm"].fillna({"needed": 41})
    by_lean = one.groupby([*DESIGN, "lean"])["needed"].agg(["min", "max"]).unstack()
    assert (by_lean["max", "right"] <= by_lean["min", "flat"]).all()
    assert (by_lean["max", "flat"] <= by_lean["max", "wrong"]).all()
    mean = one.groupby("lean")["needed"].mean()
    assert mean["right"] + 1 < mean["flat"] < mean["wrong"] - 1


def test_hotter_users_take_longer(results: Results) -> None:
    mean = results.games.fillna({"needed": 41}).groupby(["rationality", "lapse"])["needed"].mean()
    assert mean[200.0, 0.0] < mean[5.0, 0.0] < mean[5.0, 0.25]
    assert mean[200.0, 0.0] < mean[200.0, 0.25] < mean[5.0, 0.25]


def test_gaps_close_in_the_source_currency_and_remain_in_others(results: Results) -> None:
    sharp = results.epochs.query("rationality == 200 and sort == 'one norm'").groupby("epoch")["gap"].mean()
    assert sharp[0] > 0.1
    assert sharp[8] < 0.005
    elsewhere = results.abroad.query("rationality == 200 and lapse == 0")
    last = results.epochs.query("epoch == 8 and rationality == 200 and lapse == 0")
    home = elsewhere[elsewhere["currency"] == "dollars"]
    np.testing.assert_allclose(home["gap"].to_numpy(), last["gap"].to_numpy(), atol=1e-12)
    start = results.epochs.query("epoch == 0 and rationality == 200 and lapse == 0")["gap"].to_numpy()
    blood = elsewhere[elsewhere["currency"] == "pints of blood"]["gap"].to_numpy()
    carry = float(carried(2.6))
    np.testing.assert_allclose(blood, carry * last["gap"].to_numpy() + (1 - carry) * start, atol=1e-9)
    by_lean = elsewhere.query("sort == 'one norm' and currency != 'dollars'").groupby("lean")["gap"].mean()
    assert by_lean["right"] < by_lean["flat"] < by_lean["wrong"]


def test_findings_and_tables_are_there(results: Results) -> None:
    findings = results.findings
    assert findings["question"].nunique() == 3
    assert (findings["runs"] == 40).all()
    speed = findings[findings["question"].str.startswith("How many")].set_index("case")["value"]
    games = results.games.query("sort == 'one norm' and rationality == 5 and lapse == 0.25 and lean == 'wrong'")
    case = "one norm, wrong, rationality 5, lapse 0.25"
    assert speed[case] == pytest.approx(games["needed"].fillna(40).mean())
    assert (results.path / "games_needed.csv").exists()
    assert {figure.stem for figure in results.figures} == {"abroad", "belief", "gap"}


def test_the_same_again_is_the_same(results: Results, tmp_path: Path) -> None:
    again = prior_ablation.run(check(prior_ablation.config, SMALL | {"out": tmp_path}))
    for name in ("games", "epochs", "abroad"):
        assert_frame_equal(again.tables[name], results.tables[name])


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("users", {"users": ("kind", "fair")}),
        ("users", {"users": ("fair",)}),
        ("users", {"users": ("fair", "fair")}),
        ("users", {"users": ("fair", "selfish=0.5,fair=0.4")}),
        ("rationality", {"rationality": ()}),
        ("rationality", {"rationality": (5.0, 5.0)}),
        ("lapse", {"lapse": (0.0, 1.5)}),
        ("strength", {"strength": 1.0}),
        ("home", {"home": "shells"}),
        ("currencies", {"currencies": ("shells",)}),
        ("configuration", {"priors": ("flat", "kind")}),
    ],
)
def test_wrong_options_are_refused(field: str, options: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        check(prior_ablation.config, options)
    assert caught.value.field == field
