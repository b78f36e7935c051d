"""A user's folder or file that hides a package of the project is named in one line, with a hint."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from scai_irl.io.errors import InputError
from scai_irl.io.shadowed import PACKAGES, check_not_hidden, refuse_hidden_packages
from tests.scai_irl.program import environment, error_of, run
from tests.test_house import ROOT

HINT = "hides scai-irl's own package of that name; run from another folder or rename it"


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, which comes first on its search path."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False)


def package(folder: Path) -> Path:
    folder.mkdir()
    (folder / "__init__.py").touch()
    return folder


@pytest.mark.parametrize("name", PACKAGES)
def test_the_command_names_a_folder_that_hides_a_package(name: str, tmp_path: Path) -> None:
    package(tmp_path / name)
    assert error_of(run("list", cwd=tmp_path, PYTHONPATH=".")) == f"error: {name}: ./{name} {HINT}"


def test_an_experiments_own_script_names_a_file_that_hides_a_package(tmp_path: Path) -> None:
    (tmp_path / "envs.py").touch()
    done = python("-m", "experiments.group_norm.one_group_norm", "--help", cwd=tmp_path)
    assert error_of(done) == f"error: envs: ./envs.py {HINT}"


def test_the_library_raises_an_import_error(tmp_path: Path) -> None:
    package(tmp_path / "inference")
    done = python("-c", "import scai_irl", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"ImportError: inference: ./inference {HINT}"


def test_the_library_works_next_to_the_users_own_experiments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "experiments", raising=False)
    refuse_hidden_packages()
    with pytest.raises(InputError, match=HINT):
        check_not_hidden("experiments")


def test_a_folder_elsewhere_on_the_search_path_has_another_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hiding = package(tmp_path / "envs")
    monkeypatch.delitem(sys.modules, "envs", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"hides scai-irl's own package of that name; rename it, or take") as wrong:
        check_not_hidden("envs")
    assert str(hiding) in str(wrong.value)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_folder_without_init_hides_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    check_not_hidden(name)
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin == str(ROOT / name / "__init__.py")


def test_packages_of_others_are_none_of_its_business(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / "numpyro")
    monkeypatch.delitem(sys.modules, "numpyro", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    check_not_hidden("numpyro")
