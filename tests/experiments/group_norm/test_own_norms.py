"""Users may hold a custom norm. Where no hypothesis describes it, a warning says so, and the folder stores it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envs import mixture, one_group
from experiments.group_norm.unknown_norms import is_among_hypotheses
from inference import make_family
from scai_irl import load
from scai_irl.cli.main import main
from tests.scai_irl.loop.play import setting


@pytest.mark.parametrize(
    ("family", "users", "known"),
    [
        ("named-norms", "fair", True),
        ("named-norms", "offer=0.3", False),
        ("named-norms", "selfish=0.5,fair=0.5", False),
        ("norm-mixtures", "selfish=0.5,fair=0.5", True),
        ("norm-mixtures", "selfish=0.53,fair=0.47", False),
        ("fehr-schmidt-grid", "fehr_schmidt:alpha=0.7,beta=0.1", True),
        ("fehr-schmidt-grid", "fehr_schmidt:alpha=9,beta=0.1", False),
        ("fehr-schmidt-grid", "selfish", True),  # envy and guilt of 0
        ("fehr-schmidt-grid", "altruistic", False),
    ],
)
def test_norms_are_found_among_hypotheses_by_name_or_behaviour(family: str, users: str, known: bool) -> None:
    pairs = [pair.split("=") for pair in users.split(",")]
    several = {norm: float(weight) for norm, weight in pairs} if "," in users and ":" not in users else None
    population = mixture(several) if several else one_group(users)
    design = replace(setting(populations=[population]), hypotheses=make_family(family, [30.0], [0.0]))
    assert is_among_hypotheses(design, population) is known


def test_users_act_by_a_norm_of_ones_own_and_a_warning_says_that_no_hypothesis_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["run", "one-group-norm", "--runs", "2", "--epochs", "1", "--group", "1v9", "--agents", "oracle"]
    main([*small, "--users", "fair", "offer=.30", "--out", str(tmp_path / "own")])
    results = load(tmp_path / "own")
    (remark,) = results.manifest.remarks
    assert remark == (
        "warning: offer=0.3 users match none of the assistants' hypotheses, so no posterior can identify their norm; "
        "give assistants other hypotheses with --family"
    )
    printed = capsys.readouterr()
    assert remark in printed.err
    assert remark in printed.out
    users = results.interactions[results.interactions["proposer"] == "user"]
    shares = users.groupby("users")["offered_share"].mean()
    assert shares["offer=0.3"] == pytest.approx(0.3, abs=0.04)
    assert shares["fair"] == pytest.approx(0.5, abs=0.04)
    assert results.alignment.query("users == 'offer=0.3'")["gap"].max() < 0.15  # the oracle follows it, too
    main([*small, "--users", "fair", "--out", str(tmp_path / "alone")])
    alone, among = load(tmp_path / "alone").interactions, results.interactions.query("users == 'fair'")
    assert alone["offer"].tolist() == among["offer"].tolist()
