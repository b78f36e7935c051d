"""The importer on the recording of SCAI (2023), compared row by row with tables parsed from it earlier.

The data are no part of the project. They are searched in the folder that the environment variable SCAI_DATA names, or
else in ../shared/data next to the repository.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from scai_irl.data.scai2023.recorded_runs import RecordedRuns, read_scai2023

REPOSITORY = Path(__file__).parents[3]
DATA = Path(os.environ.get("SCAI_DATA", REPOSITORY.parent / "shared" / "data")) / "scai_gpt4"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no recorded runs in {DATA}; set SCAI_DATA to the folder that holds scai_gpt4"
)

EPOCH = ["experiment", "condition", "run", "epoch"]
PLAY = [*EPOCH, "play"]

# One reply makes both decisions: it rejects, and then accepts "sarcasm aside". The table has an acceptance, while the
# importer lists the reply as unreadable.
AMBIGUOUS_ANSWERS = [("initial_experiments/experiment_3_varied_manners/20runs/1v9_rude", "1v9_fair_rude", 10, 2, 8)]


@pytest.fixture(scope="module")
def runs() -> RecordedRuns:
    return read_scai2023(DATA / "scai-release-recorded-runs.tar.xz")


@pytest.fixture(scope="module")
def plays(runs: RecordedRuns) -> pd.DataFrame:
    tidy = pd.read_csv(DATA / "interactions.csv.gz").rename(columns={"interaction_idx": "play"})
    tidy["epoch"] += 1
    return runs.interactions.merge(tidy, on=PLAY, suffixes=("", "_tidy"), validate="1:1")


@pytest.fixture(scope="module")
def verbal(runs: RecordedRuns) -> pd.DataFrame:
    tidy = pd.read_csv(DATA / "verbal_policies.csv.gz")
    tidy["epoch"] += 1
    return runs.verbal_policies.merge(tidy, on=EPOCH, suffixes=("", "_tidy"), validate="1:1")


def same(ours: pd.Series, tidy: pd.Series) -> bool:
    """Whether two columns are equal, missing values included."""
    return ours.where(ours.notna(), "missing").tolist() == tidy.where(tidy.notna(), "missing").tolist()


def spaced(texts: pd.Series) -> pd.Series:
    """Texts with one blank for every white space, as in the tidy tables."""
    return texts.str.split().str.join(" ")


def test_all_is_read_but_the_ambiguous(runs: RecordedRuns, plays: pd.DataFrame, verbal: pd.DataFrame) -> None:
    assert len(runs.interactions) == len(plays) == 15_000
    assert len(runs.verbal_policies) == len(verbal) == 1_500
    assert runs.unread["where"].tolist() == ["8_flexible_policy_decider"]
    assert runs.unread["file"].str.endswith("1v9_fair_rude/10/id_10_run_1.json").all()
    assert runs.interactions["offer"].notna().all()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("group", "group_tidy"),
        ("proposer", "proposer_tidy"),
        ("responder", "responder_tidy"),
        ("currency", "currency_tidy"),
        ("stake", "stake_tidy"),
        ("offer", "offered_amount"),
        ("manner", "manners"),
    ],
)
def test_columns_of_interactions_agree(ours: str, theirs: str, plays: pd.DataFrame) -> None:
    assert same(plays[ours], plays[theirs])


def test_pairings_agree(plays: pd.DataFrame) -> None:
    initials = plays["interaction_type"].str.replace(r"(\w)\w*-(\w)\w*", r"\1\2", regex=True)
    assert same(plays["pairing"], initials)


def test_answers_agree_but_for_the_ambiguous(plays: pd.DataFrame) -> None:
    differ = plays[plays["accepted"].isna() | (plays["accepted"] != plays["accepted_tidy"].astype(bool))]
    assert list(differ[PLAY].itertuples(index=False, name=None)) == AMBIGUOUS_ANSWERS
    assert differ["accepted"].isna().all()


def test_shares_agree(plays: pd.DataFrame) -> None:
    assert (plays["offered_share"] - plays["offered_fraction"]).abs().max() < 1e-6  # the table has six decimals


@pytest.mark.parametrize("role", ["proposer", "responder"])
def test_policies_of_users_and_priors_of_assistants_agree(role: str, plays: pd.DataFrame) -> None:
    named = plays[(plays[role] == "user") | (plays["epoch"] == 1)]
    assert same(named[f"{role}_policy"], named[f"{role}_policy_tidy"])


def test_texts_agree(plays: pd.DataFrame) -> None:
    # The table ends texts of more than 400 characters in "...".
    long = plays["message"].str.len() == 400
    assert long.sum() == 5
    assert same(spaced(plays["proposer_text"])[~long], spaced(plays["message"])[~long])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("group", "group_tidy"),
        ("currency", "currency_tidy"),
        ("written", "meta_principle"),
        ("revised", "meta_revised"),
        ("initial_priors", "initial_priors_tidy"),
        ("user_policies", "user_policies_tidy"),
        ("manner", "user_manners"),
    ],
)
def test_columns_of_verbal_policies_agree(ours: str, theirs: str, verbal: pd.DataFrame) -> None:
    assert same(verbal[ours], verbal[theirs])


def test_full_texts_and_texts_in_force_agree(verbal: pd.DataFrame) -> None:
    assert same(spaced(verbal["full_text"]), spaced(verbal["meta_full_response"]))
    in_force = verbal["assistant_policy_in_force"].str.rpartition("Principle:")[2].str.strip()
    assert same(verbal["in_force"], in_force)


def test_assistants_follow_what_was_written_an_epoch_before(runs: RecordedRuns) -> None:
    table = runs.verbal_policies
    before = table.groupby(EPOCH[:3])["written"].shift()
    assert same(table["in_force"], before)
