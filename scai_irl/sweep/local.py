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
from multiprocessing.queues import SimpleQueue

from scai_irl.io.errors import InputError
from scai_irl.sweep.gpus import VISIBLE, has_only_cores, places, visible_gpus
from scai_irl.sweep.sweep_folder import Outcome
from scai_irl.sweep.work import Task, Work, work_patiently
from scai_irl.sweep.worker_settings import Terms, environment, usable_cores, worker_environment


class Local:
    """Work on cells on this machine: in this process if one at a time is enough, else in a pool of new ones.

    Every process of a pool sees its own GPUs only, or none if a cell needs none. This process cannot be kept from GPUs
    that it may have in use already, so where there are any, one cell at a time has a new process, too.

    Args:
        terms: What was asked for.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def check(self) -> None:
        """Refuse an address, which only clusters have, and more cells at a time than the GPUs have room for.

        Raises:
            InputError: If there is one of these.
        """
        if self._terms.address is not None:
            raise InputError("address", "the local engine has none", "give --engine ray, or leave the address out")
        gpus, asked = self._terms.resources.gpus, self._terms.workers or 1
        room = len(self._places(asked))
        if not room:
            hint = "ask for fewer, or give --engine ray with a cluster that has them"
            raise InputError("resources.gpus", f"a cell needs {gpus:g}, and fewer can be seen here", hint)
        if asked > room:
            problem = f"{asked} cells at a time, with {gpus:g} GPUs each, are more than there is room for here"
            raise InputError(
                "workers", problem, f"give {room} at most, or --engine ray, which knows all GPUs there are"
            )

    def outcomes(self, work: Work, tasks: Sequence[Task]) -> Generator[Outcome]:
        """Work on cells, see `scai_irl.sweep.engines.Engine`."""
        resources = self._terms.resources
        asked = self._terms.workers or max(1, usable_cores() // resources.cpus)
        places = self._places(asked)[: min(asked, len(tasks))]
        patient = functools.partial(work_patiently, work, resources.retries)
        with environment(worker_environment(resources)):
            if len(places) == 1 and has_only_cores():
                yield from map(patient, tasks)
            else:
                yield from _pooled(patient, tasks, places, resources.retries)

    def _places(self, workers: int) -> tuple[str | None, ...]:
        """GPUs of each cell that can be worked on at a time; cells without are not limited by them."""
        gpus = self._terms.resources.gpus
        return places(gpus, visible_gpus()) if gpus else (None,) * workers


def _pooled(work: Work, tasks: Sequence[Task], gpus: Sequence[str | None], retries: int) -> Generator[Outcome]:
    """Work in a pool, and in a new one after a worker died; what was worked on then is tried again."""
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
                    yield Outcome(name, "failed", error="the process that worked on it was killed, for want of memory?")


@contextlib.contextmanager
def _pool(gpus: Sequence[str | None]) -> Iterator[ProcessPoolExecutor]:
    """A pool of new processes, which end when the block does or when this process does, however it ends.

    Args:
        gpus: What each of them may see.
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
    """Prepare a worker: nobody interrupts it but its parent, whose end of the line closes when it is done, or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_the_end, args=(lifeline,), daemon=True).start()
    gpus = to_see.get()
    if gpus is not None:
        os.environ[VISIBLE] = gpus


def _wait_for_the_end(lifeline: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)
