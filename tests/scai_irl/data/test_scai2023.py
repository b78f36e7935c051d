"""The importer on a made-up recording: tables, groups, and every kind of damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from scai_irl.data.scai2023 import archive as archives
from scai_irl.data.scai2023.epoch_file import read_epoch
from scai_irl.data.scai2023.recorded_runs import RecordedRuns, read_scai2023
from scai_irl.io.errors import InputError
from tests.scai_irl.data import scai2023_fixture as fixture
from tests.scai_irl.data.scai2023_fixture import LIAR, MANY, MIXED, Epoch, Tree

ARCHIVES = ["village.tar", "village.tar.gz", "village.tar.xz", "village.tgz", "village.zip"]
BROKEN = f"{LIAR}/0/id_0_run_1.json"


def read_tree(tree: Tree, tmp_path: Path, *, strict: bool = False) -> RecordedRuns:
    return read_scai2023(fixture.write_zip(tree, tmp_path / "village.zip"), strict=strict)


@pytest.fixture
def runs(tmp_path: Path) -> RecordedRuns:
    return read_tree(fixture.recording(), tmp_path)


def listed(runs: RecordedRuns) -> list[tuple[str, str, str]]:
    return list(runs.unread.itertuples(index=False, name=None))


def test_everything_is_read(runs: RecordedRuns) -> None:
    assert len(runs.unread) == 0
    assert len(runs.interactions) == 8 * 10
    assert len(runs.verbal_policies) == 8
    assert list(runs.unread.columns) == ["file", "where", "reason"]


def test_columns_and_dtypes(runs: RecordedRuns) -> None:
    text = ["experiment", "condition", "group", "pairing", "proposer", "responder", "currency"]
    text += ["proposer_policy", "responder_policy", "manner", "proposer_text", "responder_text"]
    expected = dict.fromkeys(text, "str") | dict.fromkeys(["run", "epoch", "play", "stake"], "int64")
    expected |= {"offer": "Int64", "offered_share": "float64", "accepted": "boolean"}
    assert {name: str(dtype) for name, dtype in runs.interactions.dtypes.items()} == expected
    assert runs.verbal_policies["revised"].dtype == bool


@pytest.mark.parametrize("archive", ARCHIVES)
def test_folder_and_archives_give_the_same_tables(archive: str, tmp_path: Path) -> None:
    tree = fixture.recording() | {BROKEN: b"{"}
    from_folder = read_scai2023(fixture.write_folder(tree, tmp_path))
    from_archive = read_scai2023(fixture.write_archive(tree, tmp_path / archive))
    assert_frame_equal(from_archive.interactions, from_folder.interactions)
    assert_frame_equal(from_archive.verbal_policies, from_folder.verbal_policies)
    assert_frame_equal(from_archive.unread, from_folder.unread)


@pytest.mark.parametrize("below", [".", "experiments", "experiments/first"])
def test_experiments_have_the_same_names_from_any_folder_above(below: str, tmp_path: Path) -> None:
    runs = read_scai2023(fixture.write_folder(fixture.recording(), tmp_path) / below)
    assert set(runs.interactions["experiment"]) == {
        "first/one_norm/20runs/1v9",
        "first/mixed/3runs",
        "first/manners/20runs/deep/down",
    }


def test_order_is_by_number_not_by_name(runs: RecordedRuns) -> None:
    of_liar = runs.interactions[runs.interactions["condition"] == "1v9_selfish"]
    order = list(of_liar[["run", "epoch", "play"]].itertuples(index=False, name=None))
    assert order == [(run, epoch, play) for run in (0, 10) for epoch in (1, 2) for play in range(10)]


def test_groups_and_pairings_come_from_the_interactions(runs: RecordedRuns) -> None:
    table = runs.interactions
    assert dict(table.groupby("condition")["group"].first()) == {
        "1v9_selfish": "1v9",
        "half_and_half": "5v5",
        "9v1_sycophantic": "9v1",
    }
    one_epoch = table[(table["condition"] == "half_and_half") & (table["epoch"] == 1)]
    assert one_epoch["pairing"].tolist() == fixture.PAIRINGS["5v5"]
    assert one_epoch["proposer"].tolist()[3:5] == ["assistant", "user"]


def test_users_policies_come_from_the_prompts_not_from_the_folder(runs: RecordedRuns) -> None:
    table = runs.interactions
    users = table[(table["condition"] == "1v9_selfish") & (table["pairing"] == "uu")]
    assert set(users["proposer_policy"]) == set(users["responder_policy"]) == {"altruistic"}
    mixed = runs.verbal_policies[runs.verbal_policies["condition"] == "half_and_half"]
    assert set(mixed["user_policies"]) == {"jars of honey:fair;jars of honey:selfish"}


def test_assistants_follow_a_prior_and_then_the_verbal_policy(runs: RecordedRuns) -> None:
    table = runs.interactions.query("condition == '1v9_selfish' and run == 10 and pairing == 'au'")
    assert table["proposer_policy"].tolist() == ["selfish", "Give what you can."]
    verbal = runs.verbal_policies.query("condition == '1v9_selfish' and run == 10")
    assert verbal["written"].tolist() == ["Give what you can.", "Give everything."]
    assert verbal["revised"].tolist() == [True, False]
    assert verbal["initial_priors"].tolist()[0] == "selfish;selfish"
    assert verbal["in_force"].tolist()[1] == "Give what you can."
    assert verbal["in_force"].isna().tolist() == [True, False]
    assert verbal["initial_priors"].isna().tolist() == [False, True]


def test_offers_shares_and_manners(runs: RecordedRuns) -> None:
    mixed = runs.interactions.query("condition == 'half_and_half' and epoch == 1 and pairing == 'uu'")
    assert mixed["offer"].tolist() == [600, 120, 600]
    assert mixed["offered_share"].tolist() == [0.5, 0.1, 0.5]
    assert mixed["accepted"].tolist() == [True, True, True]
    manners = runs.interactions.groupby("condition")["manner"].unique().map(list)
    assert dict(manners) == {
        "1v9_selfish": ["neutral"],
        "half_and_half": ["rude"],
        "9v1_sycophantic": ["sycophantic"],  # also its assistants among themselves, since the epoch has a single manner
    }


def test_progress_counts_files(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fixture.write_zip(fixture.recording(), tmp_path / "village.zip")
    read_scai2023(path, on_file=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 8) for done in range(1, 9)]


PROPOSER, RESPONDER = "2_fixed_policy_dictator", "2_fixed_policy_decider"


def drop(key: str) -> Callable[[Epoch], None]:
    def change(content: Epoch) -> None:
        del content[key]

    return change


def reply(key: str, text: object, field: str = "response") -> Callable[[Epoch], None]:
    return lambda content: content[key][-1].update({field: text})


def rewrite_prompt(key: str, old: str, new: str) -> Callable[[Epoch], None]:
    def change(content: Epoch) -> None:
        text = content[key][0]["prompt"]
        assert isinstance(text, str)
        assert old in text
        content[key][0]["prompt"] = text.replace(old, new)

    return change


def twice(key: str) -> Callable[[Epoch], None]:
    return lambda content: content[key].extend(content[key])


def other_offer(content: Epoch) -> None:
    content[PROPOSER][0]["response"] = fixture.offer_reply(40, 39, "shells")


def other_text(content: Epoch) -> None:
    rewrite_prompt("8_flexible_policy_dictator", "Give what you can.", "Take what you can.")(content)


def surplus_key(content: Epoch) -> None:
    content["weather"] = []


def second_proposer(content: Epoch) -> None:
    content["2_flexible_policy_dictator"] = content["8_flexible_policy_dictator"]


# (how the epoch file is changed, where it is listed, part of the reason, interactions kept, verbal policy kept)
ONE_FAULT = {
    "no proposer": (drop(PROPOSER), "interaction 2", "0 proposers and 1 responders", 9, True),
    "no responder": (drop(RESPONDER), "interaction 2", "1 proposers and 0 responders", 9, True),
    "two proposers": (second_proposer, "interaction 2", "2 proposers", 9, True),
    "unknown key": (surplus_key, "weather", "unknown key", 10, True),
    "no reply": (reply(PROPOSER, None), PROPOSER, "without the text 'response'", 9, True),
    "no prompt": (reply(RESPONDER, 7, field="prompt"), RESPONDER, "without the text 'prompt'", 9, True),
    "two calls": (twice(PROPOSER), PROPOSER, "not a list of one call", 9, True),
    "no task": (rewrite_prompt(PROPOSER, "Human:", "Person:"), PROPOSER, "'Human:'", 9, True),
    "no policy": (rewrite_prompt(PROPOSER, "principle:", "rule:"), PROPOSER, "gives no policy", 9, True),
    "no stake": (rewrite_prompt(PROPOSER, "divide 40", "divide some"), PROPOSER, "no stake", 9, True),
    "stake of nothing": (rewrite_prompt(PROPOSER, "divide 40", "divide 0"), PROPOSER, "no stake", 9, True),
    "odd user policy": (rewrite_prompt(PROPOSER, "altruistic", "kind"), PROPOSER, "0 user policies", 9, True),
    "other currency's policy": (
        rewrite_prompt(PROPOSER, "with shells", "with pearls"),
        PROPOSER,
        "0 user policies for shells",
        9,
        True,
    ),
    "odd manner": (rewrite_prompt(PROPOSER, "neutral", "funny"), PROPOSER, "'funny' is none of", 9, True),
    "no manner": (rewrite_prompt(PROPOSER, "Act neutral", "Be so"), PROPOSER, "names no manner", 9, True),
    "two manners": (
        rewrite_prompt(PROPOSER, "Act neutral", "Act rude"),
        "interaction 2",
        "several manners: neutral, rude",
        9,
        True,
    ),
    "two stakes": (rewrite_prompt(PROPOSER, "divide 40", "divide 41"), "interaction 2", "divides 41 shells", 9, True),
    "another offer shown": (other_offer, "interaction 2", "shown another offer", 9, True),
    "no verbal policy in the prompt": (
        rewrite_prompt("8_flexible_policy_dictator", "Give what you can.", ""),
        "8_flexible_policy_dictator",
        "no verbal policy",
        9,
        True,
    ),
    "two texts in force": (other_text, "in_force", "2 different texts", 10, True),
    "no answer": (reply(RESPONDER, "Perhaps."), RESPONDER, "neither", 10, True),
    "no MetaLM": (drop("system"), "system", "no calls of the MetaLM", 10, False),
    "MetaLM not asked": (reply("system", None, field="prompt"), "system", "without the text 'prompt'", 10, False),
    "no label": (reply("system", "Critique: bad. Be nice.", field="full_response"), "system", "no label", 10, False),
    "no text": (reply("system", "Critique: bad. Principle: ", field="full_response"), "system", "no verbal", 10, False),
    "revised?": (reply("system", "Principle: Be nice.", field="full_response"), "system", "not clear", 10, False),
}


@pytest.mark.parametrize("fault", ONE_FAULT)
def test_one_fault_is_listed_and_the_rest_is_kept(fault: str, tmp_path: Path, runs: RecordedRuns) -> None:
    change, where, reason, n_plays, verbal = ONE_FAULT[fault]
    tree = fixture.recording()
    content = json.loads(tree[BROKEN])
    change(content)
    broken = read_tree(tree | {BROKEN: fixture.as_json(content)}, tmp_path)
    assert [(file, key) for file, key, _ in listed(broken)] == [(BROKEN, where)]
    assert reason in listed(broken)[0][2]
    assert len(broken.interactions) == 70 + n_plays
    assert len(broken.verbal_policies) == 7 + verbal
    assert set(broken.interactions["group"]) == {"1v9", "5v5", "9v1"}
    others = "not (condition == '1v9_selfish' and run == 0 and epoch == 2)"
    assert_frame_equal(
        broken.interactions.query(others).reset_index(drop=True),
        runs.interactions.query(others).reset_index(drop=True),
    )
    with pytest.raises(InputError) as error:
        read_tree(tree | {BROKEN: fixture.as_json(content)}, tmp_path, strict=True)
    assert error.value.field == BROKEN
    assert error.value.problem.startswith(f"{where}: ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "broken JSON"),
        (b'{"system": [', "broken JSON"),
        (b"\xff\xfe{}", "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b'{"half of a pair": "\\ud83d"}', "broken JSON"),
        (b'{"many digits": 1' + b"0" * 5000 + b"}", "broken JSON"),
        (b"[]", "a JSON list, not an object"),
    ],
)
def test_a_file_that_is_no_json_object_is_listed(content: bytes, reason: str, tmp_path: Path) -> None:
    tree = fixture.recording() | {BROKEN: content}
    runs = read_tree(tree, tmp_path)
    [(file, where, why)] = listed(runs)
    assert (file, where) == (BROKEN, "")
    assert why.startswith(reason)
    assert len(runs.interactions) == 70
    with pytest.raises(InputError, match="correct the file"):
        read_tree(tree, tmp_path, strict=True)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["prompt", "response"]), inner),
    max_leaves=4,
)


@settings(deadline=None)
@given(
    key=st.sampled_from([*sorted(json.loads(fixture.recording()[BROKEN])), "10_fixed_policy_decider", "x"]),
    value=ANY_JSON,
)
def test_any_json_in_place_of_a_call_loses_one_interaction_at_most(key: str, value: object) -> None:
    content = json.loads(fixture.recording()[BROKEN]) | {key: value}
    record = read_epoch(archives.EpochFile("file", "", "", 0, 2, json.dumps(content).encode()))
    assert [item.file for item in record.unread] == ["file"]
    assert len(record.plays) + (record.verbal_policy is not None) >= 10


@settings(deadline=None)
@given(cut=st.integers(0, 20_000), length=st.integers(0, 300))
def test_a_hole_in_a_file_never_stops_the_import(cut: int, length: int) -> None:
    content = fixture.recording()[BROKEN]
    holed = content[:cut] + content[cut + length :]
    record = read_epoch(archives.EpochFile("file", "", "", 0, 2, holed))
    assert len(record.plays) == 10 or record.unread


def test_an_offer_that_cannot_be_read_is_missing_and_listed(tmp_path: Path) -> None:
    tree = fixture.recording()
    text = tree[BROKEN].decode().replace("gets 40 and the proposer 0.", "gets 50 and the proposer 0.", 2)
    runs = read_tree(tree | {BROKEN: text.encode()}, tmp_path)
    [(_, where, reason)] = listed(runs)
    assert where == "0_fixed_policy_dictator"
    assert "do not add up to the stake 40" in reason
    row = runs.interactions.query("condition == '1v9_selfish' and run == 0 and epoch == 2 and play == 0").iloc[0]
    assert row["offer"] is pd.NA
    assert pd.isna(row["offered_share"])
    assert row["stake"] == 40
    assert row["accepted"]


def test_an_epoch_without_interactions_is_listed(tmp_path: Path) -> None:
    runs = read_tree({BROKEN: b"{}"}, tmp_path)
    assert [(where, reason) for _, where, reason in listed(runs)] == [
        ("", "no interaction in it"),
        ("system", "no calls of the MetaLM"),
    ]
    assert len(runs.interactions) == len(runs.verbal_policies) == 0
    assert str(runs.interactions["offer"].dtype) == "Int64"


def test_a_group_that_the_interactions_leave_open_is_missing(tmp_path: Path) -> None:
    name = f"{MIXED}/3/id_3_run_0.json"
    content = json.loads(fixture.recording()[name])
    for play in range(1, 10):
        content = {key: calls for key, calls in content.items() if not key.startswith(f"{play}_")}
    content["1_flexible_policy_dictator"] = content["0_fixed_policy_dictator"]
    runs = read_tree({name: fixture.as_json(content)}, tmp_path)
    assert len(runs.interactions) == 1
    assert runs.interactions["group"].isna().all()


MISPLACED = {
    "id_0_run_0.json": "lies in no",
    "0/id_0_run_0.json": "lies in no",
    f"{MANY}/4/id_5_run_0.json": "its folder is '4', not the run's number 5",
    "../experiments/a/b/0/id_0_run_0.json": "outside the archive",
    "/experiments/a/b/0/id_0_run_0.json": "outside the archive",
    "copy/experiments/first/mixed/3runs/half_and_half/3/id_3_run_0.json": "the same run and epoch as",
}


@pytest.mark.parametrize("name", MISPLACED)
def test_an_epoch_file_out_of_place_is_listed(name: str, tmp_path: Path) -> None:
    tree = fixture.recording()
    tree[name] = tree[BROKEN]
    path = fixture.write_tar(tree, tmp_path / "village.tar")
    runs = read_scai2023(path)
    [(file, where, reason)] = listed(runs)
    assert where == ""
    assert MISPLACED[name] in reason
    assert len(runs.interactions) == 80
    assert file == name or "same run" in reason
    assert [entry.name for entry in tmp_path.iterdir()] == ["village.tar"]
    with pytest.raises(InputError):
        read_scai2023(path, strict=True)


@pytest.mark.parametrize("archive", ["folder", "village.tar", "village.zip"])
def test_a_huge_file_is_listed(archive: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = fixture.recording() | {BROKEN: b" " * 200_000}
    monkeypatch.setattr(archives, "_LARGEST", 100_000)
    path = fixture.write_folder(tree, tmp_path) if archive == "folder" else tmp_path / archive
    if archive != "folder":
        fixture.write_archive(tree, path)
    [(file, _, reason)] = listed(read_scai2023(path))
    assert file == BROKEN
    assert "larger than" in reason


def test_a_name_that_is_no_text_is_spelt_out(tmp_path: Path) -> None:
    tree = {f"village/experiments/odd\udcff/0/id_0_run_{number}.json": b"{" for number in (0, 1)}
    runs = read_scai2023(fixture.write_tar(tree, tmp_path / "village.tar"))
    assert runs.unread["file"].tolist()[0] == r"village/experiments/odd\udcff/0/id_0_run_0.json"


def refused(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_scai2023(path)
    assert "\n" not in str(caught.value)
    assert caught.value.field == str(path)
    return caught.value


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "nowhere.tar.xz").problem


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\xfd7zXZ\x00", b"\x1f\x8b\x08", b"PK\x03\x04"])
def test_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "village.tar.xz").write_bytes(content)
    refused(tmp_path / "village.tar.xz")


@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9])
def test_a_truncated_archive_is_refused(archive: str, share: float, tmp_path: Path) -> None:
    path = fixture.write_archive(fixture.recording(), tmp_path / archive)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(path)


def test_a_tar_cut_between_two_files_is_refused(tmp_path: Path) -> None:
    path = fixture.write_tar(fixture.recording(), tmp_path / "village.tar")
    content = path.read_bytes()
    last = content.rindex(b"village/experiments/")  # a header begins with its file's name
    path.write_bytes(content[:last])
    assert "end mark" in refused(path).problem


@pytest.mark.parametrize("archive", ["folder", *ARCHIVES])
def test_a_recording_without_epoch_files_is_refused(archive: str, tmp_path: Path) -> None:
    tree = {"village/NOTES": b"nothing here", "village/experiments/id_x_run_0.json": b"{}"}
    path = (
        fixture.write_folder(tree, tmp_path) if archive == "folder" else fixture.write_archive(tree, tmp_path / archive)
    )
    assert "no epoch file" in refused(path).problem
