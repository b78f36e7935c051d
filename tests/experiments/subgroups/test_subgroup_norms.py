"""Subgroups: each is found and served, where the assistants of SCAI (2023) moved between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.subgroups.group_service import GROUPS, POOLED
from experiments.subgroups.subgroup_norms import subgroup_norms
from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.experiment.config import check
from scai_irl.io.errors import InputError
from scai_irl.results.results import Results
from tests.scai_irl.program import assert_equal_results

pytestmark = pytest.mark.slow

SMALL = {
    "mixtures": ("altruistic=0.5,selfish=0.5", "selfish=0.5,fair=0.5"),
    "societies": 6,
    "users": 10,
    "games": (1, 4),
    "offers": 3,
    "seed": 2,
}
TINY = SMALL | {"mixtures": ("altruistic=0.5,selfish=0.5",), "held": ("firmly",), "societies": 2, "games": (1,)}


def run(folder: Path, **changed: object) -> Results:
    return subgroup_norms.run(check(subgroup_norms.config, SMALL | changed | {"out": folder}))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(tmp_path_factory.mktemp("subgroup-norms"))


def test_half_and_half_each_group_is_served_within_a_twentieth(results: Results) -> None:
    last = results.service.query("held == 'firmly' and games == 4 and users == '50 % altruistic, 50 % selfish'")
    by_group = last.groupby(["service", "norm"])["gap"].mean()
    assert by_group[GROUPS]["altruistic"] < 0.05
    assert by_group[GROUPS]["selfish"] < 0.05
    assert by_group[POOLED].mean() > 0.4
    assert (results.groups_found.query("held == 'firmly'")["ari"] == 1).all()


def test_findings_are_compared_with_recorded_rows(results: Results) -> None:
    findings = results.findings.set_index("case")
    ours = findings.loc["50 % altruistic, 50 % selfish, norms firmly held, group norms"]
    assert ours["row"] == "mixed 50/50"
    assert ours["recorded"] == RECORDED_ROWS["mixed 50/50"].gap == 0.345
    assert ours["value"] < 0.05
    assert ours["low"] <= ours["value"] <= ours["high"]
    assert ours["goal"] == "at most 0.05"
    assert ours["why"]
    assert ours["runs"] == 6
    assert set(findings["row"]) == {"mixed 50/50", ""}  # no recording has fair and selfish users
    firm = results.service.query("held == 'firmly' and games == 4 and service == 'group norms'")
    mean = firm[firm["users"] == "50 % altruistic, 50 % selfish"]["gap"].mean()
    assert ours["value"] == pytest.approx(mean)


def test_there_are_tables_to_read_and_figures(results: Results) -> None:
    for name in ("service", "groups_found"):
        assert (results.path / f"{name}.md").read_text().count("\n") > 4
    assert {file.stem for file in results.figures} == {"gap_by_games", "groups_found"}
    assert results.manifest.counts["missing"] == 0


def test_equal_commands_give_equal_results(tmp_path: Path) -> None:
    one, other = (run(tmp_path / name, **TINY) for name in ("one", "other"))
    assert_equal_results(one.path, other.path)


def test_an_organism_can_say_the_norms_and_act_on_them(tmp_path: Path) -> None:
    results = run(tmp_path / "organism", **TINY, backend="embedded", model="bayes")
    gap = results.service.query("service == 'group norms'").groupby("norm")["gap"].mean()
    assert (gap < 0.05).all()
    assert results.manifest.counts["missing"] == 0
    assert len(results.calls) == results.manifest.counts["calls"]


def test_users_who_are_played_by_a_model_are_found_and_served(tmp_path: Path) -> None:
    results = run(tmp_path / "played", **TINY, users_by="model")
    by_group = results.service.groupby(["service", "norm"])["gap"].mean()
    assert (by_group[GROUPS] < 0.05).all()
    assert by_group[POOLED].mean() > 0.4
    assert (results.groups_found["ari"] == 1).all()
    assert subgroup_norms.estimate is not None
    estimate = subgroup_norms.estimate(check(subgroup_norms.config, TINY | {"users_by": "model"}))
    simulated = subgroup_norms.estimate(check(subgroup_norms.config, TINY))
    assert estimate.calls[0] == results.manifest.counts["calls"]
    # Two societies. In each, ten users offer and answer once, and three more users of each norm propose.
    assert estimate.calls[0] - simulated.calls[0] == 2 * (10 * 2 + 2 * 3)


def test_what_it_would_cost_is_what_it_costs(results: Results) -> None:
    assert subgroup_norms.estimate is not None
    estimate = subgroup_norms.estimate(check(subgroup_norms.config, SMALL))
    assert estimate.calls[0] == results.manifest.counts["calls"]
    assert np.isfinite(estimate.seconds).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"users": 4, "mixtures": ("altruistic=0.95,selfish=0.05",)}, "users: none of 4 users would be selfish"),
        ({"mixtures": ("altruistic=0.5,selfish=0.5",) * 2}, "mixtures: .* has a duplicate"),
        ({"games": (4, 1)}, r"games: \(4, 1\) are not increasing numbers of interactions"),
        ({"held": ("firmly", "firmly")}, "held: firmly, firmly has a duplicate"),
        ({"held": ("sometimes",)}, "held: "),
    ],
)
def test_impossible_settings_are_reported(changed: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(subgroup_norms.config, SMALL | changed)
