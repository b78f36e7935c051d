"""The audit from Python: with a backend as an object, and options that exclude it."""

from __future__ import annotations

from pathlib import Path

import pytest

import scai_irl as si


@pytest.mark.slow
def test_a_backend_is_audited_as_by_its_name(tmp_path: Path) -> None:
    options = {"channels": ["token"], "wordings": [1], "acts": 1}
    by_name = si.audit("phrasebook", **options, out=tmp_path / "name")
    by_backend = si.audit(si.make_backend("phrasebook"), **options, out=tmp_path / "made")
    assert by_backend.scorecard.equals(by_name.scorecard)
    assert by_backend.manifest.backend == by_name.manifest.backend == "phrasebook"
    assert len(si.plot_audit(by_backend).axes) == 2


def test_options_that_make_a_backend_do_not_go_with_one_that_is_made() -> None:
    with pytest.raises(si.InputError, match="model: the backend is made already"):
        si.audit(si.make_backend("phrasebook"), model="bayes")
