"""Disks that are read-only or fill up: one line, no half-written file, and the same command later continues.

Disks are made in a mount namespace of the test's own, which always ends with the test.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scai_irl.program import PROGRAM, TINY, assert_equal_results, contents, environment, error_of, run, untouched

AGAIN = (*TINY, "--epochs", "2")


@functools.cache
def own_mounts() -> tuple[str, ...]:
    """Prefix of a command that may mount disks; empty where the system does not allow it."""
    ways = (("unshare", "--mount"), ("unshare", "--map-root-user", "--mount"))
    for way in ways if shutil.which("unshare") else ():
        tried = subprocess.run([*way, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
        if tried.returncode == 0:
            return way
    return ()


def in_own_mounts(script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell script in which ``scai`` stands for the smallest command."""
    if not own_mounts():
        pytest.skip("this system lets nobody mount a disk for a test")
    scai = f'scai() {{ "{PROGRAM}" {" ".join(AGAIN)} --out "$1"; }}\n'
    return subprocess.run(
        [*own_mounts(), "bash", "-uc", scai + script],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_a_read_only_disk_is_named(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "empty").mkdir()
    shutil.copytree(finished, tmp_path / "there")
    mounts = "mount --bind {0} disk && mount -o remount,bind,ro disk && scai disk/{1}"
    for source, folder in (("empty", "results"), ("empty", ""), ("there", "")):
        with untouched(tmp_path):
            done = in_own_mounts(mounts.format(source, folder), tmp_path)
        name = f"disk/{folder}".removesuffix("/")
        assert error_of(done).startswith(f"error: {name}")
        assert "Read-only file system; choose a folder on a disk that can be written to" in done.stderr
        assert done.stdout == ""


def test_results_on_a_read_only_disk_can_be_looked_at(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    mounts = f'mount --bind "{finished}" disk && mount -o remount,bind,ro disk && "{PROGRAM}" show disk'
    done = in_own_mounts(mounts, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "results: disk" in done.stdout


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc, where nobody can make a folder")
def test_a_place_where_no_folder_can_be_made_is_named(tmp_path: Path) -> None:
    done = run(*AGAIN, "--out", "/proc/results", cwd=tmp_path)
    assert error_of(done).startswith("error: /proc/results: ")
    assert "--out" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any folder")
def test_a_folder_one_may_not_write_to_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    for folder in (closed, closed / "results"):
        done = run(*AGAIN, "--out", str(folder), cwd=tmp_path)
        assert error_of(done).startswith(f"error: {folder}: Permission denied; choose a folder that you may write to")


def fill_up_and_go_on(size: str, finished: Path, tmp_path: Path) -> None:
    """Run on a disk of a given size, and again on the same disk after it was enlarged."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "kept").mkdir()
    done = in_own_mounts(
        f"mount -t tmpfs -o size={size} tmpfs disk; scai disk/results; first=$?; cp -a disk/results kept/first; "
        "mount -o remount,size=100m disk; scai disk/results >/dev/null 2>&1 && cp -a disk/results kept/second; "
        "exit $first",
        tmp_path,
    )
    line = error_of(done)
    assert line.startswith("error: disk/results")
    assert "No space left on device; free some space on this disk, then run the same command again" in line
    assert_nothing_is_half_written(tmp_path / "kept" / "first")
    assert_equal_results(tmp_path / "kept" / "second", finished)


def assert_nothing_is_half_written(folder: Path) -> None:
    for name in contents(folder):
        assert name == ".lock" or not any(part.startswith(".") for part in Path(name).parts), name


@pytest.mark.slow
@pytest.mark.parametrize("size", ["160k"])
def test_a_full_disk_is_reported_and_the_same_command_goes_on(size: str, finished: Path, tmp_path: Path) -> None:
    fill_up_and_go_on(size, finished, tmp_path)


# From the manifest on, through epochs, tables and the posterior, to the figures.
@pytest.mark.slow
@pytest.mark.parametrize("size", ["4k", "32k", "60k", "120k", "240k", "270k"])
def test_a_disk_that_fills_up_at_any_time_is_reported(size: str, finished: Path, tmp_path: Path) -> None:
    fill_up_and_go_on(size, finished, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1_000, 20_000])
def test_a_limit_on_file_sizes_is_reported_and_the_same_command_goes_on(
    limit: int, finished: Path, tmp_path: Path
) -> None:
    impose = f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    limited = [sys.executable, "-c", f"{impose}; os.execv(sys.argv[1], sys.argv[1:])"]
    # Under the limit, compiled programs can be read but not stored.
    keep_nothing = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "1e9"}
    done = run(*AGAIN, "--out", "results", cwd=tmp_path, under=limited, **keep_nothing)
    line = error_of(done)
    assert line.startswith("error: results/")
    assert "File too large; raise the limit on file sizes, then run the same command again" in line
    assert_nothing_is_half_written(tmp_path / "results")
    again = run(*AGAIN, "--out", "results", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert_equal_results(tmp_path / "results", finished)
