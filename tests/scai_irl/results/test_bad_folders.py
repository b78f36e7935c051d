"""Unusable folders and files: one line that names them, exit code 2, and existing files stay unchanged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scai_irl import InputError, load
from scai_irl.cli.main import main
from tests.scai_irl.program import TINY, contents, untouched

AGAIN = (*TINY, "--epochs", "2")
Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command and return the line with which it was refused."""

    def refuse(*arguments: str | Path) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        assert stopped.value.code == 2
        out, err = capsys.readouterr()
        assert out == ""
        (line,) = err.splitlines()
        assert line.startswith("error: ")
        return line

    return refuse


@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        ([*AGAIN, "--seed", "1"], "seed is 0 there, 1 here"),
        ([*TINY, "--epochs", "3"], "epochs is 2 there, 3 here"),
        ([*AGAIN, "--stakes", "10", "20"], "stakes is [10, 100] there, [10, 20] here"),
        (["run", "mixed-group-norm", "--runs", "2"], "one-group-norm there, mixed-group-norm here"),
    ],
)
def test_results_of_another_configuration_are_kept(
    arguments: list[str], difference: str, results: Path, refused: Refused
) -> None:
    with untouched(results):
        line = refused(*arguments, "--out", results)
    assert line.startswith(f"error: {results}: holds results of another configuration ({difference})")


def test_results_are_not_taken_for_a_recording_to_add_to(results: Path, recording: Path, refused: Refused) -> None:
    with untouched(results):
        assert str(results) in refused("import", "scai2023", recording, "--out", results)
        assert str(results) in refused("audit", "recorded", results)


def test_the_same_configuration_finds_its_results_and_leaves_them(results: Path) -> None:
    with untouched(results):
        main([*AGAIN, "--out", str(results)])


def test_other_peoples_files_are_kept(tmp_path: Path, recording: Path, refused: Refused) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("Once upon a time")
    with untouched(folder):
        line = refused(*AGAIN, "--out", folder)
        assert line.startswith(f"error: {folder}: holds other files (chapter1.tex)")
        assert "chapter1.tex" in refused("import", "scai2023", recording, "--out", folder)


def test_hidden_files_of_a_new_folder_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    hidden = {".pre-commit-config.yaml": b"repos: []", ".env.local": b"KEY=1", ".lock.partial.txt": b"mine"}
    for name, content in hidden.items():
        (folder / name).write_bytes(content)
    main([*TINY, "--epochs", "1", "--out", str(folder)])
    assert contents(folder).items() >= hidden.items()


def test_a_file_is_no_results_folder(tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "results"
    file.write_text("mine")
    assert refused(*AGAIN, "--out", file).startswith(f"error: {file}: ")
    assert refused("show", file).startswith(f"error: {file}")
    assert refused(*AGAIN, "--out", file / "below").startswith(f"error: {file / 'below'}: Not a directory")
    assert file.read_text() == "mine"


@contextmanager
def held_by_another_process(folder: Path) -> Iterator[None]:
    script = (
        "import fcntl, sys; lock = open(sys.argv[1], 'w'); fcntl.flock(lock, fcntl.LOCK_EX); "
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(folder / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.kill()


def test_a_folder_that_another_process_writes_to_is_left_to_it(results: Path, refused: Refused) -> None:
    with untouched(results):
        with held_by_another_process(results):
            line = refused(*AGAIN, "--out", results)
            assert line.startswith(f"error: {results}: another process is writing to it")
        main([*AGAIN, "--out", str(results)])  # a killed process holds no lock


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"status": "finished"', '"status": "perhaps"'),
        lambda text: text.replace('"experiment"', '"expermient"'),
        lambda text: "\x00" + text,
    ],
    ids=["empty", "truncated", "another value", "unknown status", "misspelt key", "binary"],
)
def test_a_damaged_manifest_is_named_and_kept(damage: Callable[[str], str], results: Path, refused: Refused) -> None:
    manifest = results / "manifest.json"
    manifest.write_text(damage(manifest.read_text()))
    with untouched(results):
        for arguments in (["show", results], [*AGAIN, "--out", results], ["audit", "recorded", results]):
            assert refused(*arguments).startswith(f"error: {manifest}: not a manifest that can be read")
        with pytest.raises(InputError, match="not a manifest"):
            load(results)


def test_a_manifest_that_is_no_text_is_named(results: Path, refused: Refused) -> None:
    (results / "manifest.json").write_bytes(b"\xff\xfe\x00")
    assert refused("show", results).startswith(f"error: {results / 'manifest.json'}: not a manifest")


@pytest.mark.parametrize("table", ["interactions", "summary"])
def test_a_truncated_table_is_named_and_kept(table: str, results: Path, refused: Refused) -> None:
    file = results / f"{table}.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    with untouched(results):
        for arguments in (["show", results], [*AGAIN, "--out", results]):
            assert refused(*arguments).startswith(f"error: {file}: not a table that can be read")
        with pytest.raises(InputError, match=f"{table}.parquet"):
            load(results)


@pytest.mark.parametrize("file", ["belief.nc", "interactions.parquet", "verbal_policies.parquet", "tally.json"])
@pytest.mark.parametrize("how", ["truncated", "gone"])
def test_a_damaged_epoch_of_an_unfinished_experiment_is_named(
    file: str, how: str, interrupted: Path, refused: Refused
) -> None:
    epoch = interrupted / "epochs" / "5v5-epoch001"
    damaged = epoch / file
    content = damaged.read_bytes()
    damaged.unlink()
    if how == "truncated":
        damaged.write_bytes(content[: len(content) // 2])
    with untouched(epoch):
        line = refused(*AGAIN, "--out", interrupted)
    assert line.startswith(f"error: {epoch}: not an epoch that can be read; delete this folder")


@pytest.fixture
def interrupted(finished_in_epochs: Path, tmp_path: Path) -> Path:
    """A copy of an experiment without its last epoch."""
    return Path(shutil.copytree(finished_in_epochs, tmp_path / "interrupted"))


@pytest.fixture(scope="module")
def finished_in_epochs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment that was stopped while its results were collected."""
    folder = tmp_path_factory.mktemp("stopped") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scai_irl.loop.run.collect_epochs", _stop)
        with pytest.raises(SystemExit, match="130"):
            main([*AGAIN, "--out", str(folder)])
    return folder


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_epoch_that_was_deleted_is_played_anew(interrupted: Path, finished: Path) -> None:
    shutil.rmtree(interrupted / "epochs" / "5v5-epoch001")
    main([*AGAIN, "--out", str(interrupted)])
    assert contents(interrupted)["interactions.parquet"] == contents(finished)["interactions.parquet"]


@pytest.mark.parametrize("command", [["show"], ["audit", "recorded"]])
def test_a_folder_that_is_no_results_folder_is_named(command: list[str], tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path, tmp_path / "nowhere", tmp_path / "file"):
        line = refused(*command, folder)
        assert line.startswith(f"error: {folder}: no results folder (it has no manifest.json)")
        with pytest.raises(InputError, match="no results folder"):
            load(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_recording_that_is_not_there_is_named(tmp_path: Path, refused: Refused) -> None:
    line = refused("import", "scai2023", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert line.startswith(f"error: {tmp_path / 'nowhere'}: there is no such file or folder")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_a_truncated_archive_is_named(suffix: str, recording: Path, tmp_path: Path, refused: Refused) -> None:
    kinds = {".tar": "tar", ".tar.gz": "gztar", ".zip": "zip"}
    archive = Path(shutil.make_archive(str(tmp_path / "archive"), kinds[suffix], recording.parent, recording.name))
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    line = refused("import", "scai2023", archive, "--out", tmp_path / "out")
    assert line.startswith(f"error: {archive}: the archive is damaged")
    assert not (tmp_path / "out").exists()


def test_a_recording_without_an_epoch_file_is_named(tmp_path: Path, refused: Refused) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "notes.json").write_text("{}")
    line = refused("import", "scai2023", source, "--out", tmp_path / "out")
    assert line.startswith(f"error: {source}: it holds no epoch file")
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    assert "it holds no epoch file" in refused("import", "scai2023", tmp_path / "empty.tar", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_with_a_missing_key_is_listed_and_the_rest_imported(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = sorted(recording.rglob("id_*_run_0.json"))[0]
    content = json.loads(broken.read_text())
    del content["0_fixed_policy_decider"]
    broken.write_text(json.dumps(content))
    main(["import", "scai2023", str(recording), "--out", str(tmp_path / "out")])
    imported = load(tmp_path / "out")
    (line,) = imported.unread.itertuples()
    assert str(line.file).endswith(broken.name)
    assert line.where == "interaction 0"
    assert "0 responders" in str(line.reason)
    assert len(imported.interactions) == 8 * 10 - 1
    output = " ".join(capsys.readouterr().out.split())
    assert "1 entries could not be read:" in output
    assert f"{line.where!s}: {line.reason!s}" in output


def test_an_import_into_another_import_is_refused(recording: Path, tmp_path: Path, refused: Refused) -> None:
    main(["import", "scai2023", str(recording), "--out", str(tmp_path / "out")])
    shutil.rmtree(sorted(recording.rglob("0"))[0])
    with untouched(tmp_path / "out"):
        line = refused("import", "scai2023", recording, "--out", tmp_path / "out")
    assert line.startswith(f"error: {tmp_path / 'out'}: holds results of another configuration")
