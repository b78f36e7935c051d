"""Findings of experiments: in the right recorded rows, and about the runs that were simulated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scai_irl import load
from scai_irl.cli.main import main
from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.results.findings import Finding, findings_table, mean_finding, share_finding


@pytest.mark.slow
def test_one_group_and_mixtures_are_compared_with_their_rows(tmp_path: Path) -> None:
    small = ["--runs", "3", "--epochs", "2", "--agents", "thompson"]
    main(["run", "one-group-norm", *small, "--group", "5v5", "--out", str(tmp_path / "one")])
    main(["run", "mixed-group-norm", *small, "--out", str(tmp_path / "mixed")])
    one, mixed = (load(tmp_path / name) for name in ("one", "mixed"))
    assert one.findings["row"].tolist() == ["5v5 selfish", "5v5 fair", "5v5 altruistic"]
    assert mixed.findings["row"].tolist() == ["mixed 80/20", "mixed 50/50", "mixed 20/80"]
    for results in (one, mixed):
        last = results.alignment.query("epoch == 2").groupby("users", sort=False)["gap"].mean()
        assert results.findings["value"].tolist() == pytest.approx(last.tolist())
        assert results.findings["recorded"].tolist() == [RECORDED_ROWS[row].gap for row in results.findings["row"]]
        low, value, high = (results.findings[name].to_numpy(float) for name in ("low", "value", "high"))
        assert ((low <= value) & (value <= high)).all()
        assert results.findings["why"].str.len().min() > 0


def test_a_finding_is_a_sentence_with_its_number() -> None:
    with pytest.raises(ValueError, match=r"no \{value\}"):
        Finding("?", "", "a sentence without a number", 1.0)
    finding = mean_finding([0.2, 0.4, float("nan")], question="?", case="c", answer="It is {value}.")  # type: ignore[arg-type]
    assert finding.value == pytest.approx(0.3)
    assert finding.runs == 2
    assert findings_table([finding])["sentence"].tolist() == [f"It is 0.300 [{finding.low:.3f}, {finding.high:.3f}]."]
    nothing = mean_finding([float("nan")], question="?", case="c", answer="It is {value}.")  # type: ignore[arg-type]
    assert nothing.sentence == "It is –."


def test_a_share_of_runs_has_an_interval_even_where_all_are_alike() -> None:
    fields = {"question": "?", "case": "c", "answer": "{value}"}
    some, all_alike = (share_finding(values, **fields) for values in (np.array([0.0, 1, 1]), np.ones(20)))
    assert all_alike.low == pytest.approx(1 / (1 + 1.96**2 / 20), abs=1e-4)  # Wilson's, where none failed
    assert all_alike.high == 1
    assert 0 < some.low < some.value < some.high < 1
