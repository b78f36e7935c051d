"""Locks of folders on disks without locks, and after other errors of the disk."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from scai_irl.io.errors import InputError
from scai_irl.results.folder import opened
from scai_irl.sweep.run_sweep import run_sweep
from scai_irl.sweep.sweep_definition import Sweep
from scai_irl.sweep.sweep_folder import Part, part_of_sweep, whole_sweep


def refuse(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP])
def test_a_disk_without_locks_is_named(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(number, monkeypatch)
    message = (
        rf"{tmp_path}: this disk has no locks \({os.strerror(number)}\); mount it with flock, or give another folder"
    )
    for ground in (
        lambda: opened(tmp_path, "tiny", {}),
        lambda: whole_sweep(tmp_path, {}),
        lambda: part_of_sweep(tmp_path, {}, Part(0, 2)),
    ):
        with pytest.raises(InputError, match=message), ground():
            pytest.fail("it went on without a lock")
    with pytest.raises(InputError, match=message):
        run_sweep(Sweep(experiment="one-group-norm", seeds=(0,)), tmp_path)


def test_another_error_of_the_disk_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(errno.EIO, monkeypatch)
    with pytest.raises(InputError, match=f"{tmp_path}: {os.strerror(errno.EIO)}; ") as error, opened(tmp_path, "t", {}):
        pytest.fail("it went on without a lock")
    assert isinstance(error.value.__cause__, OSError)


def test_shared_locks_keep_out_those_that_are_not(tmp_path: Path) -> None:
    config = {"a": 1}
    with part_of_sweep(tmp_path, config, Part(0, 2)), part_of_sweep(tmp_path, config, Part(1, 2)):
        with pytest.raises(InputError, match="a part of this sweep is writing to it"), whole_sweep(tmp_path, config):
            pytest.fail("both have it")
        with pytest.raises(InputError, match="another process with part 1/2 is writing"):  # noqa: SIM117
            with part_of_sweep(tmp_path, config, Part(1, 2)):
                pytest.fail("both have it")
