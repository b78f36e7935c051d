"""A failing model leaves values that are marked as missing. It never stops an experiment or invents an answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inference import infer
from scai_irl.lm.ask import ASKED_AGAIN
from scai_irl.results.results import Results
from tests.scai_irl.backends.backends_for_tests import Unreliable
from tests.scai_irl.loop.play import play_and_keep, seen_by_others, setting

OF = setting(rationality=30.0)


def run(share: float, folder: Path) -> Results:
    return play_and_keep(OF, Unreliable(share), folder / "results")


@pytest.fixture(scope="module")
def often(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Results of a model that fails two times in three, so that three attempts are often not enough."""
    return run(2 / 3, tmp_path_factory.mktemp("often"))


def test_gaps_are_marked_missing_and_nothing_else_is(often: Results) -> None:
    table, written = often.interactions, often.verbal_policies
    by_user, answered_by_user = table["proposer"] == "user", table["responder"] == "user"
    assert table.loc[by_user, "offer"].notna().all()
    assert table.loc[answered_by_user & table["offer"].notna(), "accepted"].notna().all()
    assert table.loc[table["offer"].isna(), "accepted"].isna().all()  # no answer to an offer that was not made
    for column in ("offered_share", "user_accept_probability"):
        assert table.loc[table["offer"].isna(), column].isna().all()
    # After three attempts (2/3)³ ≈ .30 of requests fail.
    assert 0.15 < written["written"].isna().mean() < 0.45
    for kind in ("offer", "accepted"):
        assert 0.1 < table[kind].isna().mean() < 0.9
    assert len(table) == OF.rows * 10 * 2


def test_an_assistant_without_words_neither_offers_nor_answers(often: Results) -> None:
    table = often.interactions
    mute = (table["proposer"] == "assistant") & table["proposer_policy"].isna()
    assert mute.any()
    assert table.loc[mute, "offer"].isna().all()
    deaf = (table["responder"] == "assistant") & table["responder_policy"].isna()
    assert deaf.any()
    assert table.loc[deaf, "accepted"].isna().all()


def test_only_what_users_did_is_evidence_whatever_failed(often: Results) -> None:
    at_once = infer(OF.hypotheses, seen_by_others(often.interactions))
    belief = often.beliefs.query("epoch == 2")["weight"].to_numpy().reshape(OF.rows, -1)
    np.testing.assert_allclose(belief, at_once.norm_probabilities, atol=1e-6)  # as in the loop without failures


def test_failures_are_counted(often: Results) -> None:
    counts = often.manifest.counts
    gaps = often.verbal_policies["written"].isna().sum()
    table = often.interactions
    has_words = {
        role: (table[role] == "assistant") & table[f"{role}_policy"].notna() for role in ("proposer", "responder")
    }
    gaps += (has_words["proposer"] & table["offer"].isna()).sum()
    gaps += (has_words["responder"] & table["offer"].notna() & table["accepted"].isna()).sum()
    assert counts["missing"] == gaps
    assert counts["unreadable"] > counts["missing"] * (1 + ASKED_AGAIN)
    questions = counts["calls"] - (counts["unreadable"] - counts["missing"])
    assert counts["missing"] < questions < counts["calls"]


def test_gaps_do_not_count_in_means(often: Results) -> None:
    table = often.interactions.query("proposer == 'assistant' and epoch == 1")
    place = ["condition", "run"]
    means = table.groupby(place)["offered_share"].mean()
    by_run = often.alignment.query("epoch == 1").set_index(place)["assistant_share"]
    pd.testing.assert_series_equal(by_run.sort_index(), means.sort_index(), check_names=False)
    assert (often.summary["runs"] <= 10).all()


def test_a_model_that_always_fails_leaves_an_experiment_of_users(tmp_path: Path) -> None:
    results = run(1.0, tmp_path)
    assert results.manifest.status == "finished"
    assert results.verbal_policies["written"].isna().all()
    table = results.interactions
    assert table.loc[table["proposer"] == "assistant", "offer"].isna().all()
    assert table.loc[table["proposer"] == "user", "offer"].notna().all()
    assert results.summary["gap"].isna().all()
    assert (results.summary["runs"] == 0).all()
    assert results.manifest.counts["missing"] == len(results.verbal_policies)
    assert results.manifest.counts["calls"] == (1 + ASKED_AGAIN) * len(results.verbal_policies)
    assert len(results.figures) == 3
