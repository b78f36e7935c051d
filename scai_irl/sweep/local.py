"""The engine of one machine: this process, or several beside it."""

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

from scai_irl.errors import InputError
from scai_irl.sweep.ground import Outcome
from scai_irl.sweep.terms import Terms, environment, usable_cores, worker_environment
from scai_irl.sweep.work import Task, Work, work_patiently


class Local:
    """Work on cells on this machine: in this process if one at a time is enough, else in a pool of new ones.

    Args:
        terms: What was asked for.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def check(self) -> None:
        """Refuse an address, which only clusters have.

        Raises:
            InputError: If there is one.
        """
        if self._terms.address is not None:
            raise InputError("address", "the local engine has none", "give --engine ray, or leave the address out")

    def outcomes(self, work: Work, tasks: Sequence[Task]) -> Generator[Outcome]:
        """Work on cells, see `scai_irl.sweep.engines.Engine`."""
        resources = self._terms.resources
        workers = min(self._terms.workers or max(1, usable_cores() // resources.cpus), len(tasks))
        patient = functools.partial(work_patiently, work, resources.retries)
        if workers <= 1:
            yield from map(patient, tasks)
            return
        with environment(worker_environment(resources)):
            yield from _pooled(patient, tasks, workers, resources.retries)


def _pooled(work: Work, tasks: Sequence[Task], workers: int, retries: int) -> Generator[Outcome]:
    """Work in a pool, and in a new one after a worker died; what was worked on then is tried again."""
    waiting = deque(tasks)
    tries: Counter[str] = Counter()
    while waiting:
        running: dict[Future[Outcome], Task] = {}
        try:
            with _pool(workers) as pool:
                while waiting or running:
                    while waiting and len(running) < workers:
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
                    yield Outcome(name, "failed", error="the process that worked on it was killed, for want of memory?")


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of new processes, which end when the block does or when this process does, however it ends."""
    fresh = multiprocessing.get_context("spawn")
    theirs, ours = fresh.Pipe(duplex=False)
    with theirs, ProcessPoolExecutor(workers, fresh, _end_with_parent, (theirs,)) as pool:
        try:
            yield pool
            pool.shutdown()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            ours.close()


def _end_with_parent(lifeline: Connection) -> None:
    """Prepare a worker: nobody interrupts it but its parent, whose end of the line closes when it is done, or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_the_end, args=(lifeline,), daemon=True).start()


def _wait_for_the_end(lifeline: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)
