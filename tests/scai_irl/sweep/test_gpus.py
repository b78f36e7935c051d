"""GPUs of one machine: each cell sees its own, and no more cells run at a time than fit on the GPUs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from scai_irl.io.errors import InputError
from scai_irl.sweep import gpus, local
from scai_irl.sweep.gpus import gpu_slots, has_only_cores, visible_gpus
from scai_irl.sweep.local import Local
from scai_irl.sweep.sweep_cells import Cell
from scai_irl.sweep.sweep_definition import Resources
from scai_irl.sweep.sweep_folder import Outcome
from scai_irl.sweep.work import Task, Work
from scai_irl.sweep.worker_settings import WorkerSettings, usable_cores

TASKS = [Task("tiny", Cell(name, {}, {}, 0), Path("swept"), Path(), figures=False) for name in "abcdefghij"]


def seen(task: Task) -> Outcome:
    """Report what a worker sees, in place of an error."""
    variables = [os.environ.get(name, "-") for name in (gpus.VISIBLE, "JAX_PLATFORMS", "PJRT_NPROC")]
    return Outcome(task.cell.name, "finished", error=" ".join(variables), worker=str(os.getpid()))


def engine(workers: int | None = None, **resources: float) -> Local:
    return Local(WorkerSettings(Path("swept"), Resources.model_validate(resources), workers))


def pooled(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str | None]]:
    """GPUs of each pool that would be made."""
    pools: list[Sequence[str | None]] = []

    def make(_work: Work, _tasks: Sequence[Task], gpus: Sequence[str | None], _retries: int) -> Iterator[Outcome]:
        pools.append(gpus)
        return iter(())

    monkeypatch.setattr(local, "_pooled", make)
    return pools


def test_gpus_are_those_that_cuda_would_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "_DEVICES", tmp_path)
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    assert visible_gpus() is None
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert visible_gpus() == ("0", "1")
    for setting, expected in (("", ()), ("-1", ()), ("NoDevFiles", ()), ("3, GPU-12ab,-1,2", ("3", "GPU-12ab"))):
        monkeypatch.setenv(gpus.VISIBLE, setting)
        assert visible_gpus() == expected


@pytest.mark.parametrize("share", [1.0, 0.5, 0.3, 0.1, 0.02])
def test_a_gpu_has_as_many_cells_as_shares_of_it_are_whole(share: float) -> None:
    each = {1.0: 1, 0.5: 2, 0.3: 3, 0.1: 10, 0.02: 50}[share]
    assert gpu_slots(share, None) == (None,) * each
    slots = gpu_slots(share, ("4", "7"))
    assert slots.count("4") == slots.count("7") == each
    assert len(slots) == 2 * each
    assert set(slots[:2]) == {"4", "7"}  # the first cells are on different GPUs


def test_as_many_cells_as_gpus_have_room_for_are_worked_on_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "usable_cores", lambda: 64)
    monkeypatch.setenv(gpus.VISIBLE, "0,1,2,3,4,5,6,7")
    pools = pooled(monkeypatch)
    list(engine(gpus=1).outcomes(seen, TASKS))
    list(engine(gpus=2).outcomes(seen, TASKS))
    list(engine(gpus=2, workers=3).outcomes(seen, TASKS))
    list(engine(gpus=0.5).outcomes(seen, TASKS))
    list(engine().outcomes(seen, TASKS))
    assert pools[0] == tuple("01234567")
    assert pools[1] == ("0,1", "2,3", "4,5", "6,7")
    assert pools[2] == ("0,1", "2,3", "4,5")
    assert pools[3] == tuple("0123456701")  # no more than cells
    assert pools[4] == (None,) * 10


def test_more_than_there_is_room_for_is_refused_and_ray_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gpus.VISIBLE, "0,1")
    engine(gpus=1, workers=2).check()
    with pytest.raises(
        InputError, match=r"workers: 3 cells at a time, with 1 GPUs each.*give 2 at most, or --engine ray"
    ):
        engine(gpus=1, workers=3).check()
    with pytest.raises(InputError, match=r"resources.gpus: a cell needs 4, and this machine has fewer; .*--engine ray"):
        engine(gpus=4).check()
    engine(workers=1_000).check()


def test_each_worker_sees_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gpus.VISIBLE, "3,5")
    outcomes = list(engine(gpus=1).outcomes(seen, TASKS[:2] if usable_cores() > 1 else TASKS[:1]))
    of_process = {outcome.worker: outcome.error.split()[0] for outcome in outcomes}
    assert len(set(of_process.values())) == len(of_process)
    assert set(of_process.values()) <= {"3", "5"}


def test_one_cell_at_a_time_has_what_a_pool_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process if JAX has only cores; in another process if JAX may already use a GPU."""
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    for only_cores in (True, False):
        monkeypatch.setattr(local, "has_only_cores", lambda only_cores=only_cores: only_cores)
        (outcome,) = engine(workers=1, cpus=3).outcomes(seen, TASKS[:1])
        assert outcome.error == "- cpu 3"
        assert (outcome.worker == str(os.getpid())) == only_cores


def test_only_cores_are_there_without_plugins_or_by_order(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = ["xla_cuda12"]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: plugins if group == "jax_plugins" else [])

    def set_platforms(platforms: str | None) -> None:
        monkeypatch.setattr(gpus, "jax", SimpleNamespace(config=SimpleNamespace(jax_platforms=platforms)))

    set_platforms(None)
    assert not has_only_cores()
    set_platforms("cpu")
    assert has_only_cores()
    set_platforms(None)
    plugins.clear()
    assert has_only_cores()
