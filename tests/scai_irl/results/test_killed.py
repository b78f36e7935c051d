"""``kill -9`` at any moment, then the same command again: the same files as without the kill."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scai_irl.cli.main import main
from tests.scai_irl.program import TINY, assert_equal_results, run, start

pytestmark = pytest.mark.slow

# Two groups of three epochs.
COMMAND = (*TINY, "4uu-1au-1ua-0aa", "--epochs", "3")
FAST = (*TINY, "--epochs", "2")
PATIENCE = 120.0  # seconds of waiting after which an event counts as never happening


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """Results of a run without a kill, and its duration."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    run(*COMMAND, "--out", "warm", cwd=folder)  # compiles the programs that later runs reuse
    started = time.monotonic()
    done = run(*COMMAND, "--out", "results", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert_equal_results(folder / "warm", folder / "results")
    return folder / "results", time.monotonic() - started


def kill_when(moment: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    """Kill a process at a moment; return False if it ended before."""
    deadline = time.monotonic() + PATIENCE
    while not moment():
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, "the moment never came"
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def assert_it_ends_equal(command: tuple[str, ...], folder: Path, expected: Path) -> None:
    """Run the same command again in this process, where everything is already compiled."""
    main([*command, "--out", str(folder)])
    assert_equal_results(folder, expected)


def go_on_and_compare(command: tuple[str, ...], folder: Path, expected: Path) -> None:
    """Run the same command again in a new process."""
    done = run(*command, "--out", folder.name, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    assert_equal_results(folder, expected)


def test_killed_at_ten_random_moments_it_ends_with_equal_results(
    uninterrupted: tuple[Path, float], tmp_path: Path
) -> None:
    expected, seconds = uninterrupted
    lots = random.Random(2023)  # noqa: S311 - moments need no secrecy
    for number in range(10):
        folder = tmp_path / f"killed-{number}"
        for attempt in range(1, 6):
            # One moment in each tenth of the run, or earlier if the machine has become faster meanwhile.
            after = seconds * (number + lots.random()) / 10 / attempt
            process = start(*COMMAND, "--out", folder.name, cwd=tmp_path)
            moment = time.monotonic() + after
            if kill_when(lambda moment=moment: time.monotonic() > moment, process):  # type: ignore[misc]
                break
            shutil.rmtree(folder)
        else:
            pytest.fail("the run always ended before it could be killed")
        go_on_and_compare(COMMAND, folder, expected)


def test_killed_again_and_again_it_ends_with_equal_results(uninterrupted: tuple[Path, float], tmp_path: Path) -> None:
    expected, _ = uninterrupted
    folder = tmp_path / "results"
    lots = random.Random(7)  # noqa: S311
    epochs = folder / "epochs"
    kills = 0
    for finished in range(1, 7):
        process = start(*COMMAND, "--out", "results", cwd=tmp_path)
        moment = _soon_after(lambda finished=finished: _finished(epochs) >= finished, lots.random() / 10)  # type: ignore[misc]
        kills += kill_when(moment, process)
    assert kills >= 4  # the last epochs may end before the test sees them
    go_on_and_compare(COMMAND, folder, expected)


def _finished(epochs: Path) -> int:
    return sum(not entry.name.startswith(".") for entry in epochs.iterdir()) if epochs.exists() else 0


def _soon_after(event: Callable[[], bool], seconds: float) -> Callable[[], bool]:
    happened: list[float] = []

    def moment() -> bool:
        if not happened and event():
            happened.append(time.monotonic())
        return bool(happened) and time.monotonic() >= happened[0] + seconds

    return moment


_ATTEMPTS = 4


# Files that are written at the end, in this order, and the temporary files of some of them.
@pytest.mark.parametrize(
    "appears",
    ["epochs/.*.partial/belief.nc", "interactions.parquet", "posterior.nc", "figures/.*.png.*", "figures/*_*_*.pdf"],
)
def test_killed_when_a_file_appears_it_ends_with_equal_results(
    appears: str, uninterrupted: tuple[Path, float], tmp_path: Path
) -> None:
    # A temporary file exists so briefly that a busy machine may miss it. Then the test tries again.
    for attempt in range(_ATTEMPTS):
        folder = tmp_path / f"results-{attempt}"
        process = start(*COMMAND, "--out", folder.name, cwd=tmp_path)
        if kill_when(lambda folder=folder: any(folder.glob(appears)), process):  # type: ignore[misc]
            assert_it_ends_equal(COMMAND, folder, uninterrupted[0])
            return
    pytest.fail(f"{appears} was never seen in {_ATTEMPTS} attempts")


def test_killed_twice_it_ends_with_equal_results(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    for appears in ("epochs/5v5-epoch001", "beliefs.parquet"):
        process = start(*FAST, "--out", "results", cwd=tmp_path)
        assert kill_when(lambda appears=appears: any(folder.glob(appears)), process)  # type: ignore[misc]
    assert (folder / "epochs").exists()
    go_on_and_compare(FAST, folder, finished)


def test_killed_after_it_was_finished_it_clears_up(results: Path, finished: Path) -> None:
    left = results / "epochs" / "5v5-epoch001"
    left.mkdir(parents=True)
    (left / "belief.nc").write_bytes(b"")
    (results / ".summary.csv.a1b2c3.partial").write_bytes(b"half")
    (results / "figures" / ".alignment_gap.png.a1b2c3.partial").write_bytes(b"half")
    assert_it_ends_equal(FAST, results, finished)
