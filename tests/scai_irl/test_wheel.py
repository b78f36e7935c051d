"""The built wheel, in another environment and folder, offers the same commands, including experiments."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from scai_irl.experiment.definition import find_experiments
from scai_irl.language.instructions import instruction_hashes
from tests.scai_irl.program import TINY, assert_equal_results, environment
from tests.test_house import FLOORS, ROOT

pytestmark = pytest.mark.slow


def done(*command: str | Path, cwd: Path) -> str:
    """Run a command that must succeed, and return its output."""
    result = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done(sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "--quiet", "--wheel-dir", folder, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment with the wheel, and with all other packages of this one."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder, with_pip=False, symlinks=True)
    programs = folder / "bin"
    python = programs / "python"
    # pip of this environment installs into that one. Missing packages are found here, after its own packages.
    install = ("-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    done(sys.executable, *install, cwd=folder)
    site = Path(done(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (site / "zz_everything_else.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def test_the_wheel_holds_the_four_floors_with_their_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == set(FLOORS)
    in_checkout = {str(file.relative_to(ROOT)) for floor in FLOORS for file in (ROOT / floor).rglob("*.py")}
    assert in_checkout <= set(names)
    assert {f"{floor}/py.typed" for floor in FLOORS} <= set(names)
    assert {f"scai_irl/language/prompts/{name}.txt" for name in instruction_hashes()} <= set(names)


@pytest.mark.parametrize("package", FLOORS)
def test_the_other_environment_imports_the_wheels_packages(package: str, elsewhere: Path, tmp_path: Path) -> None:
    origin = done(elsewhere / "python", "-c", f"import {package}; print({package}.__file__)", cwd=tmp_path).strip()
    assert Path(origin).is_relative_to(elsewhere.parent)


def test_the_other_environment_offers_the_same_commands(elsewhere: Path, tmp_path: Path) -> None:
    program = elsewhere / "scai-irl"
    output = done(program, "--help", cwd=tmp_path)
    assert all(command in output for command in ("run", "import", "audit", "show", "list"))
    listed = done(program, "list", cwd=tmp_path).split()
    assert all(name in listed for name in find_experiments())
    assert list(tmp_path.iterdir()) == []


def test_the_other_environment_gives_the_same_results(elsewhere: Path, finished: Path, tmp_path: Path) -> None:
    output = done(elsewhere / "scai-irl", *TINY, "--epochs", "2", "--out", "results", cwd=tmp_path)
    assert output.splitlines()[-1] == "results: results"
    manifest = tmp_path / "results" / "manifest.json"
    assert '"git_commit": null' in manifest.read_text()  # it is not a checkout
    for name in ("interactions", "verbal_policies", "beliefs", "summary"):
        assert (tmp_path / "results" / f"{name}.parquet").read_bytes() == (finished / f"{name}.parquet").read_bytes()
    done(
        elsewhere / "python",
        "-m",
        "experiments.group_norm",
        "one-group-norm",
        *TINY[2:],
        "--epochs",
        "2",
        "--out",
        "script",
        cwd=tmp_path,
    )
    assert_equal_results(tmp_path / "script", tmp_path / "results")
