"""The engine of clusters with a fake Ray: its tasks, their number at a time, and silence."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from scai_irl.io.errors import InputError
from scai_irl.sweep import on_ray, watch
from scai_irl.sweep.on_ray import OnRay
from scai_irl.sweep.sweep_cells import Cell
from scai_irl.sweep.sweep_definition import Resources
from scai_irl.sweep.sweep_folder import Outcome
from scai_irl.sweep.work import PassingError, Task
from scai_irl.sweep.worker_settings import WorkerSettings

TASKS = [Task("tiny", Cell(str(number), {}, {}, 0), Path("swept"), Path(), figures=False) for number in range(200)]


class Pretended:
    """A fake Ray that finishes one task whenever the engine waits, the last task first; or none, in some turns.

    Args:
        silent: Function to call at each turn in which nothing finishes, in order.
    """

    def __init__(self, silent: Sequence[Callable[[], None]] = ()) -> None:
        self.cores = 4.0
        self.alive = True
        self.options: dict[str, Any] = {}
        self.most = 0
        self._in_flight: list[Callable[[], Outcome]] = []
        self._silent = iter(silent)

    class exceptions:
        class RayError(Exception):
            """Ray's."""

    def remote(self, function: Callable[..., Outcome]) -> Any:
        ray = self

        class Remote:
            def options(self, **needs: Any) -> Remote:
                ray.options = needs
                return self

            def remote(self, *args: Any) -> Callable[[], Outcome]:
                ray._in_flight.append(lambda: function(*args))
                ray.most = max(ray.most, len(ray._in_flight))
                return ray._in_flight[-1]

        return Remote()

    def wait(self, running: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        assert running == self._in_flight
        if timeout:
            assert num_returns == 1
            for happen in self._silent:
                happen()
                return [], running
        return running[-1:], running[:-1]

    def get(self, done: Callable[[], Outcome]) -> Outcome:
        self._in_flight.remove(done)
        return done()

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": self.cores} if self.alive else {}

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": self.alive, "Resources": {"CPU": self.cores}}]


def done(task: Task) -> Outcome:
    return Outcome(task.cell.name, "finished")


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Function that sweeps over all tasks, and returns the names of the outcomes."""

    def outcomes(ray: Pretended, work: Callable[[Task], Outcome] = done, **settings: Any) -> list[str]:
        @contextlib.contextmanager
        def connected(_: WorkerSettings) -> Iterator[Pretended]:
            yield ray

        monkeypatch.setattr(on_ray, "_connected", connected)
        monkeypatch.setattr(on_ray, "check_nodes", lambda *_: None)
        resources = settings.pop("resources", Resources())
        return [
            outcome.name
            for outcome in OnRay(WorkerSettings(Path("swept"), resources, **settings)).outcomes(work, TASKS)
        ]

    return outcomes


@pytest.mark.parametrize(
    ("cores", "cpus", "workers", "most"),
    [(4.0, 1, None, 16), (40.0, 1, None, 80), (40.0, 4, None, 20), (40.0, 1, 3, 3)],
)
def test_a_bounded_number_of_cells_is_in_flight(
    cores: float, cpus: int, workers: int | None, most: int, swept: Callable[..., list[str]]
) -> None:
    ray = Pretended()
    ray.cores = cores
    names = swept(ray, resources=Resources(cpus=cpus, retries=5), workers=workers, address="head:1")
    assert ray.most == most
    assert sorted(names, key=int) == [task.cell.name for task in TASKS]
    assert ray.options == {"num_cpus": cpus, "num_gpus": 0.0, "max_retries": 5}


def test_a_fault_that_may_pass_is_waited_for_within_the_task(
    swept: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    tried: list[str] = []

    def stale(task: Task) -> Outcome:
        tried.append(task.cell.name)
        if tried.count("7") < 3 and task.cell.name == "7":
            raise PassingError(str(errno.ESTALE))
        return done(task)

    assert len(swept(Pretended(), stale)) == 200
    assert len(tried) == 202
    assert len(waited) == 2
    assert all(0 < seconds <= 30 for seconds in waited)


def test_a_cluster_without_a_fitting_node_is_reported_once_and_waited_for(
    swept: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    def turn(alive: bool) -> Callable[[], None]:
        return lambda: setattr(ray, "alive", alive)

    ray = Pretended([turn(True), turn(False), turn(False), turn(True), turn(False), turn(True)])
    assert len(swept(ray)) == 200
    warnings = capsys.readouterr().err.splitlines()
    line = (
        "warning: no node with 1 cores and 0 GPUs is left, and 16 cells wait for one; "
        "add one, or stop this and run the same command later: finished cells stay"
    )
    assert warnings == [line, line]  # again only after a node had come and gone


def test_a_head_that_does_not_answer_twice_has_gone(
    swept: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter([False, True, False, False])

    def find(address: str) -> str:
        if not next(answers):
            raise InputError("address", f"there is no answer at {address}", "start it")
        return address

    monkeypatch.setattr(watch, "found_address", find)
    with pytest.raises(
        InputError, match=r"head has gone \(there is no answer at head:1\); start it again, then run the same"
    ):
        swept(Pretended([lambda: None] * 9), address="head:1")
    assert next(answers, None) is None
    assert capsys.readouterr().err == ""
