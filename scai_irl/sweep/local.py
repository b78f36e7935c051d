"""The engine of one machine: this process, or a pool of processes."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from multiprocessing.queues import SimpleQueue

from scai_irl.io.errors import InputError
from scai_irl.sweep.gpus import VISIBLE, gpu_slots, has_only_cores, visible_gpus
from scai_irl.sweep.sweep_folder import Outcome
from scai_irl.sweep.work import Task, Work, work_patiently
from scai_irl.sweep.worker_settings import WorkerSettings, environment, usable_cores, worker_environment


class Local:
    """Engine that runs cells on this machine: one at a time in this process, or several in a pool of new processes.

    Every process of a pool sees only its own GPUs, or none if a cell needs none. This process may already use GPUs. So
    on a machine with GPUs even single cells run in a new process.

    Args:
        settings: Settings of the engine.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings

    def check(self) -> None:
        """Check that no address is given, and that the GPUs suffice for the cells at a time.

        Raises:
            InputError: If one of these is wrong.
        """
        if self._settings.address is not None:
            raise InputError(
                "address", "the local engine has no address", "give --engine ray, or leave the address out"
            )
        gpus, wanted = self._settings.resources.gpus, self._settings.workers or 1
        room = len(self._gpu_slots(wanted))
        if not room:
            hint = "ask for fewer, or give --engine ray with a cluster that has them"
            raise InputError("resources.gpus", f"a cell needs {gpus:g}, and this machine has fewer", hint)
        if wanted > room:
            problem = f"{wanted} cells at a time, with {gpus:g} GPUs each, are more than there is room for here"
            raise InputError(
                "workers", problem, f"give {room} at most, or --engine ray, which knows all GPUs there are"
            )

    def outcomes(self, work: Work, tasks: Sequence[Task]) -> Generator[Outcome]:
        """Run cells; see `scai_irl.sweep.engines.Engine`."""
        resources = self._settings.resources
        wanted = self._settings.workers or max(1, usable_cores() // resources.cpus)
        gpus = self._gpu_slots(wanted)[: min(wanted, len(tasks))]
        patient = functools.partial(work_patiently, work, resources.retries)
        with environment(worker_environment(resources)):
            if len(gpus) == 1 and has_only_cores():
                yield from map(patient, tasks)
            else:
                yield from _pooled(patient, tasks, gpus, resources.retries)

    def _gpu_slots(self, workers: int) -> tuple[str | None, ...]:
        """Return the GPUs of each cell that can run at a time; cells without GPUs are not limited by them."""
        gpus = self._settings.resources.gpus
        return gpu_slots(gpus, visible_gpus()) if gpus else (None,) * workers


def _pooled(work: Work, tasks: Sequence[Task], gpus: Sequence[str | None], retries: int) -> Generator[Outcome]:
    """Run cells in a pool, and in a new one after a worker died; its cells run again."""
    waiting = deque(tasks)
    tries: Counter[str] = Counter()
    while waiting:
        running: dict[Future[Outcome], Task] = {}
        try:
            with _pool(gpus) as pool:
                while waiting or running:
                    while waiting and len(running) < len(gpus):
                        future = pool.submit(work, waiting[0])
                        running[future] = waiting.popleft()
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        outcome = future.result()
                        del running[future]
                        yield outcome
        except BrokenProcessPool:
            for task in running.values():
                name = task.cell.name
                tries[name] += 1
                if tries[name] <= retries:
                    waiting.append(task)
                else:
                    yield Outcome(name, "failed", error="its process was killed, perhaps because the memory was full")


@contextlib.contextmanager
def _pool(gpus: Sequence[str | None]) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of new processes, which end with the block or with this process.

    Args:
        gpus: GPUs that each process may see.
    """
    fresh = multiprocessing.get_context("spawn")
    theirs, ours = fresh.Pipe(duplex=False)
    to_see: SimpleQueue[str | None] = fresh.SimpleQueue()
    for names in gpus:
        to_see.put(names)
    with (
        theirs,
        contextlib.closing(to_see),
        ProcessPoolExecutor(len(gpus), fresh, _begin, (theirs, to_see)) as pool,
    ):
        try:
            yield pool
            pool.shutdown()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            ours.close()


def _begin(lifeline: Connection, to_see: SimpleQueue[str | None]) -> None:
    """Prepare a worker: it ignores interrupts and ends when its parent's end of the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_the_end, args=(lifeline,), daemon=True).start()
    gpus = to_see.get()
    if gpus is not None:
        os.environ[VISIBLE] = gpus


def _wait_for_the_end(lifeline: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)
