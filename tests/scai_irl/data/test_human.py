"""Importers of people's choices: on small made-up files with every kind of flaw, and on the published files.

The published files are no part of the project. They are searched in the folder that the environment variable SCAI_DATA
names, or else in ../shared/data next to the repository. Without them these tests are skipped.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scai_irl import load
from scai_irl.cli.main import main
from scai_irl.data.human.choices import CHOICE_COLUMNS, human_evidence, human_strategies, pooled, subjects
from scai_irl.data.human.own_csv import CsvColumns, read_csv
from scai_irl.data.human.published_sets import read_heffner, read_moblab
from scai_irl.io.errors import InputError

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("SCAI_DATA", REPOSITORY.parent / "shared" / "data")) / "human"
HEFFNER = DATA / "heffner_feldmanhall_2022" / "ug_data.csv"
MOBLAB = DATA / "moblab_mei_2024" / "ultimatum_strategy.csv.gz"

HEFFNER_LINES = (
    "sub,trial,unfairness,valence,arousal,choice,study",
    "7,1,0.5,167,64,0,ug",
    "7,2,0.95,-32,-57,1,ug",
    "12,1,0.55,10,10,0,ug",
    "12,2,0.8,10,10,0,ug",
)
MOBLAB_LINES = (
    "UserID,Role,Round,Total,move,gameType,propose,accept",
    'ann,player,1,100,"[45.0, 45.0]",ultimatum_strategy,45,30',
    'bob,player,1,100,"[50.0, -1.0]",ultimatum_strategy,50,-1',
    'cat,player,2,100,"[50.0, 50.0]",ultimatum_strategy,50,50',
    'ann,player,1,100,"[40.0, 20.0]",ultimatum_strategy,40,0',
    'dan,player,1,100,"[120.0, 20.0]",ultimatum_strategy,120,20',
)
CSV_LINES = (
    "subject,trial,role,stake,offer,accepted",
    "a,1,responder,20,10,1",
    "a,2,responder,20,2,0",
    "b,1,proposer,30,12,",
    "b,1,responder,30,9,1",
)


def written(path: Path, lines: tuple[str, ...] | list[str], changed: dict[int, str] | None = None) -> Path:
    """Write lines to a file, some of them (by their number, from 1) changed."""
    given = dict(enumerate(lines, 1)) | (changed or {})
    path.write_text("\n".join(given[n] for n in sorted(given)) + "\n")
    return path


def test_heffner_gives_hundredths_and_1_is_reject(tmp_path: Path) -> None:
    imported = read_heffner(written(tmp_path / "ug.csv", HEFFNER_LINES))
    choices = imported.choices
    assert list(choices) == list(CHOICE_COLUMNS)
    assert choices["subject"].tolist() == ["7", "7", "12", "12"]
    assert choices["offer"].tolist() == [50, 5, 45, 20]
    assert choices["accepted"].tolist() == [True, False, True, True]
    assert choices["offered_share"].tolist() == [0.5, 0.05, 0.45, 0.2]
    assert set(choices["role"]) == {"responder"}
    assert imported.warnings["warning"].tolist() == [
        "1 of 2 people accept every offer, which bounds their parameters on one side only"
    ]
    assert imported.unread.empty


def test_moblab_keeps_first_rounds_with_both_and_lists_the_rest(tmp_path: Path) -> None:
    imported = read_moblab(written(tmp_path / "strategy.csv", MOBLAB_LINES))
    choices = imported.choices
    assert choices["role"].tolist() == ["proposer", "responder"] * 2
    assert choices["offer"].dropna().tolist() == [45, 40]
    assert choices["minimum"].dropna().tolist() == [30, 0]
    assert choices["trial"].tolist() == [1, 1, 2, 2]
    assert choices["accepted"].isna().all()
    assert dict(zip(imported.unread["where"], imported.unread["reason"], strict=True)) == {
        "line 3": "accept is missing (-1)",
        "line 4": "not a first round",
        "line 6": "propose is outside 0..Total",
    }
    assert imported.warnings["warning"].tolist() == ["1 people have several lines; these are their trials 1, 2, …"]


def test_a_compressed_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "strategy.csv.gz"
    path.write_bytes(gzip.compress("\n".join(MOBLAB_LINES).encode()))
    assert len(read_moblab(path).choices) == 4


def test_any_csv_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    usual = read_csv(written(tmp_path / "mine.csv", CSV_LINES)).choices
    renamed = ("who,round,part,pie,given,yes", *CSV_LINES[1:])
    columns = CsvColumns("who", "pie", "given", "yes", trial="round", role="part")
    pd.testing.assert_frame_equal(read_csv(written(tmp_path / "mine.csv", renamed), columns).choices, usual)
    assert usual["study"].tolist() == ["mine"] * 4
    assert usual["accepted"].isna().tolist() == [False, False, True, False]


def test_a_csv_needs_neither_trials_nor_roles_nor_a_column_of_stakes(tmp_path: Path) -> None:
    path = written(tmp_path / "short.csv", ["subject,offer,accepted", "a,3,0", "a,5,1", "b,4,1"])
    choices = read_csv(path, CsvColumns(stake="10")).choices
    assert choices["trial"].tolist() == [1, 2, 1]
    assert choices["stake"].tolist() == [10, 10, 10]


@pytest.mark.parametrize("stake", ["0", "99999999999999999999"])
def test_a_stake_that_cannot_be_divided_is_refused(stake: str, tmp_path: Path) -> None:
    path = written(tmp_path / "short.csv", ["subject,offer,accepted", "a,3,0"])
    with pytest.raises(InputError, match=f"stake: {stake} units cannot be divided; give a number from 1 to"):
        read_csv(path, CsvColumns(stake=stake))


def test_a_csv_may_hold_minimum_acceptable_offers(tmp_path: Path) -> None:
    lines = ["subject,role,stake,offer,minimum", "a,proposer,20,8,", "a,responder,20,,5"]
    choices = read_csv(written(tmp_path / "strategy.csv", lines)).choices
    assert choices["minimum"].isna().tolist() == [True, False]
    assert human_strategies(choices).minimums.offer[0].tolist()[1] == 5


BAD = [
    (read_heffner, HEFFNER_LINES, {2: "7,1,,167,64,0,ug"}, "column unfairness, line 2: '' is missing"),
    (read_heffner, HEFFNER_LINES, {3: "7,2,nan,1,1,1,ug"}, "column unfairness, line 3: 'nan' is no number"),
    (read_heffner, HEFFNER_LINES, {3: "7,2,1.2,1,1,1,ug"}, "column unfairness, line 3: '1.2' is not the share kept"),
    (read_heffner, HEFFNER_LINES, {3: "7,2,0.123,1,1,1,ug"}, "line 3: '0.123' is no whole number of hundredths"),
    (read_heffner, HEFFNER_LINES, {5: "12,2,0.8,1,1,0.5,ug"}, "column choice, line 5: '0.5' is neither 1 (reject)"),
    (read_heffner, HEFFNER_LINES, {5: "12,2,0.8,1,1,2,ug"}, "column choice, line 5: '2' is neither 1 (reject)"),
    (read_heffner, HEFFNER_LINES, {5: "12,1,0.8,1,1,0,ug"}, "column trial, line 5: subject 12 has trial 1 twice"),
    (read_heffner, HEFFNER_LINES, {4: ",1,0.55,1,1,0,ug"}, "column sub, line 4: '' is missing"),
    (read_heffner, HEFFNER_LINES, {1: "sub,trial,kept,valence,arousal,choice,study"}, "has no column 'unfairness'"),
    (read_heffner, HEFFNER_LINES, {3: "7,2,0.95,-32,-57,1,ug,extra,more"}, "not a CSV file"),
    (read_heffner, HEFFNER_LINES[:1], {}, "has no line below its column names"),
    (
        read_moblab,
        MOBLAB_LINES,
        {2: 'ann,player,1,100,"[]",u,4.5,3'},
        "column propose, line 2: '4.5' is no whole number",
    ),
    (read_moblab, MOBLAB_LINES[:1], {2: 'bob,player,1,100,"[]",u,50,-1'}, "no line has an offer and a minimum"),
    (read_csv, CSV_LINES, {3: "a,2,responder,20,21,0"}, "column offer, line 3: '21' is above the stake"),
    (read_csv, CSV_LINES, {3: "a,2,responder,20,,0"}, "column offer, line 3: '' is missing"),
    (read_csv, CSV_LINES, {3: "a,2,responder,20,-2,0"}, "column offer, line 3: '-2' is not a number from 0"),
    (read_csv, CSV_LINES, {3: "a,2,responder,0,0,0"}, "column stake, line 3: '0' is not a number from 1"),
    (read_csv, CSV_LINES, {3: "a,2,responder,20,2.5,0"}, "column offer, line 3: '2.5' is no whole number"),
    (read_csv, CSV_LINES, {3: "a,2,responder,20,2,"}, "column accepted, line 3: '' is missing"),
    (read_csv, CSV_LINES, {3: "a,2,responder,20,2,yes"}, "column accepted, line 3: 'yes' is neither 1 (accept)"),
    (read_csv, CSV_LINES, {3: "a,2,judge,20,2,0"}, "column role, line 3: 'judge' is no role"),
    (read_csv, CSV_LINES, {3: "a,1,responder,20,2,0"}, "column trial, line 3: subject a has trial 1 twice"),
    (read_csv, CSV_LINES, {1: "subject,trial,role,stake,offer,answer"}, "has no column 'accepted'"),
    (
        read_csv,
        CSV_LINES,
        {1: "person,trial,role,stake,offer,accepted"},
        "has no column 'subject' (it has person, trial, role, stake, offer, accepted); name the columns",
    ),
    (read_moblab, CSV_LINES, {}, "accepted); give the published file; `scai-irl import human csv` reads a file of"),
]


@pytest.mark.parametrize(("read", "lines", "changed", "message"), BAD, ids=[case[3][:60] for case in BAD])
def test_a_flaw_is_refused_by_file_column_and_line(
    read: object, lines: tuple[str, ...], changed: dict[int, str], message: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "data.csv", lines, changed)
    with pytest.raises(InputError) as caught:
        read(path)  # type: ignore[operator]
    assert caught.value.field == str(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "is empty"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "not text in UTF-8"),
        ("broken.csv.gz", b"no gzip at all", "not a CSV file that can be read"),
        ("latin.csv", "sub;trial\nZoë;1".encode("latin-1"), "not text in UTF-8; save it as CSV with the encoding UTF"),
        ("semicolons.csv", b"sub;trial\n7;1\n", r"has no column 'sub' .*separated by commas"),
        ("decimals.csv", b"sub;trial\n7;0,5\n", "more values than column names; .*separated by commas"),
        ("cut.csv.gz", gzip.compress(b"sub,trial\n" * 500, mtime=0)[:40], "not a CSV file that can be read"),
    ],
    ids=["empty", "picture", "no-gzip", "latin", "semicolons", "decimals", "cut-gzip"],
)
def test_what_is_no_csv_is_refused(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_heffner(tmp_path / name)


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_heffner(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match="directory"):
        read_heffner(tmp_path)


def test_people_with_fewer_answers_are_reported(tmp_path: Path) -> None:
    imported = read_csv(written(tmp_path / "mine.csv", CSV_LINES))
    assert "1 of 2 people have fewer than 2 answers" in imported.warnings["warning"].tolist()


def test_evidence_has_a_row_for_each_person_and_marks_what_was_not_seen(tmp_path: Path) -> None:
    seen = human_evidence(read_csv(written(tmp_path / "mine.csv", [*CSV_LINES, "a,3,responder,1000,333,1"])).choices)
    assert seen.stake.tolist() == [[20, 20, 1000], [30, 30, 1]]
    assert seen.offer.tolist() == [[10, 2, 33], [12, 9, 0]]  # per cent of stakes above 100
    assert seen.offer_seen.tolist() == [[False] * 3, [True, False, False]]
    assert seen.answer_seen.tolist() == [[True] * 3, [False, True, False]]
    assert seen.accepted.tolist() == [[True, False, True], [False, True, False]]
    together = pooled(seen)
    assert together.offer.tolist() == [[10, 2, 33, 12, 9]]


def test_people_of_two_studies_are_apart() -> None:
    table = pd.DataFrame({"study": ["x", "y", "x"], "subject": ["1", "1", "1"]})
    np.testing.assert_array_equal(subjects(table), [0, 1, 0])


def test_a_table_without_what_is_asked_of_it_is_refused(tmp_path: Path) -> None:
    choices = read_heffner(written(tmp_path / "ug.csv", HEFFNER_LINES)).choices
    with pytest.raises(InputError, match="no column 'stake'"):
        human_evidence(choices.drop(columns="stake"))
    with pytest.raises(InputError, match="no minimum acceptable offer"):
        human_strategies(choices)
    with pytest.raises(InputError, match="no offer and no answer"):
        human_evidence(choices.iloc[:0])


@pytest.mark.parametrize(
    ("source", "lines", "counts"),
    [
        ("heffner", HEFFNER_LINES, {"choices": 4, "people": 2, "unread": 0, "warnings": 1}),
        ("moblab", MOBLAB_LINES, {"choices": 4, "people": 1, "unread": 3, "warnings": 1}),
        ("csv", CSV_LINES, {"choices": 4, "people": 2, "unread": 0, "warnings": 1}),
    ],
)
def test_the_command_makes_a_results_folder(
    source: str, lines: tuple[str, ...], counts: dict[str, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "data.csv", lines)
    out = tmp_path / "out"
    main(["import", "human", source, str(path), "--out", str(out)])
    results = load(out)
    assert results.manifest.status == "finished"
    assert results.manifest.counts == counts
    assert len(results.choices) == counts["choices"]
    assert len(results.tables["warnings"]) == counts["warnings"]
    assert capsys.readouterr().err.startswith("warning: 1 ")
    main(["import", "human", source, str(path), "--out", str(out)])  # importing the same again is allowed
    written(path, lines, {2: lines[1].replace("1", "2", 1)})
    with pytest.raises(SystemExit):
        main(["import", "human", source, str(path), "--out", str(out)])


def test_the_command_refuses_in_one_line_and_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "data.csv", CSV_LINES)
    with pytest.raises(SystemExit) as stopped:
        main(["import", "human", "csv", str(path), "--offer", "given", "--out", str(tmp_path / "out")])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {path}: has no column 'given'")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not HEFFNER.exists(), reason=f"no {HEFFNER}; set SCAI_DATA to the folder that holds human")
def test_heffner_has_the_published_numbers() -> None:
    choices = read_heffner(HEFFNER).choices
    assert len(choices) == 14_300
    seen = human_evidence(choices)
    assert seen.stake.shape == (715, 20)
    rejected = 1 - choices["accepted"].astype(float).groupby(choices["offered_share"]).mean()
    assert rejected.loc[0.5] == pytest.approx(0.009, abs=5e-4)
    assert rejected.loc[0.05] == pytest.approx(0.717, abs=5e-4)


@pytest.mark.skipif(not MOBLAB.exists(), reason=f"no {MOBLAB}; set SCAI_DATA to the folder that holds human")
def test_moblab_has_the_published_numbers() -> None:
    imported = read_moblab(MOBLAB)
    offers, minimums = (imported.choices[name].dropna().astype(float).to_numpy() for name in ("offer", "minimum"))
    assert len(offers) == len(minimums) == 5_993
    assert len(imported.unread) == 6_417 - 5_993
    assert offers.mean() == pytest.approx(44.3, abs=0.05)
    assert (offers == 50).mean() == pytest.approx(0.283, abs=5e-4)
    assert minimums.mean() == pytest.approx(34.3, abs=0.05)
    assert np.corrcoef(offers, minimums)[0, 1] == pytest.approx(0.223, abs=5e-4)
