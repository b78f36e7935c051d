"""Many devices and several hosts give the same numbers as one device, to the last bit."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.docs.pages import ROOT
from tests.scai_irl.program import environment

pytestmark = pytest.mark.slow

_FIRST_PORT, _PORTS = 61_440, 4_096
"""Ports from which JAX takes one by a Slurm job's number."""


def compute(what: str, devices: int, file: Path, **variables: str) -> subprocess.Popen[bytes]:
    """Start the program, with a scheduler's variables as one of several hosts."""
    words = [what, str(devices), str(file), *(["hosts"] if variables else [])]
    command = [sys.executable, "-m", "tests.inference.devices_program", *words]
    return subprocess.Popen(command, cwd=ROOT, env=environment() | variables, stderr=subprocess.PIPE)


def finished(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        _, errors = process.communicate(timeout=900)
        assert process.returncode == 0, errors.decode()[-2_000:]


def same(files: list[Path], devices: int) -> None:
    """Check that all files have the first one's bytes. The first is of one device, the others of several."""
    first, *others = (dict(np.load(file).items()) for file in files)
    assert first.pop("devices") == 1
    for other in others:
        assert other.pop("devices") == devices
        assert other.keys() == first.keys()
        assert len(first) > 1
        for name, array in first.items():
            assert array.tobytes() == other[name].tobytes(), name


@pytest.mark.parametrize("what", ["exact", "stream", "simulation", "samplers"])
def test_eight_devices_give_the_bytes_of_one(what: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{devices}.npz" for devices in (1, 8)]
    for devices, file in zip((1, 8), files, strict=True):
        finished(compute(what, devices, file))
    same(files, 8)


def free_job() -> int:
    """A Slurm job's number whose port is free."""
    for number in range(os.getpid() % _PORTS, _PORTS):
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", _FIRST_PORT + number))
            except OSError:
                continue
            return number
    raise OSError("no port is free")


@pytest.mark.parametrize("what", ["exact", "stream", "samplers"])
def test_two_hosts_of_a_slurm_step_give_the_bytes_of_one_device(what: str, tmp_path: Path) -> None:
    alone = tmp_path / "alone.npz"
    finished(compute(what, 1, alone))
    step = {"SLURM_JOB_ID": str(free_job()), "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2"}
    files = [tmp_path / f"host-{number}.npz" for number in (0, 1)]
    hosts = [
        compute(what, 2, file, **step, SLURM_PROCID=str(number), SLURM_LOCALID=str(number))
        for number, file in enumerate(files)
    ]
    finished(*hosts)
    same([alone, *files], 4)
