"""Servers of the same model: which one is asked next, and which one is left alone for a while."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

_FIRST_REST, _LONGEST_REST = 1.0, 60.0  # seconds
_SLOW_BEFORE_OUT = 3

C = TypeVar("C")


@dataclass
class Replica(Generic[C]):
    """One server.

    Attributes:
        url: Where it is.
        client: What talks to it.
        in_flight: Requests that it is answering.
        failures: Failures in a row.
        rest: Seconds for which it is left alone after the next failure.
        out_until: Time until which it is left alone.
    """

    url: str
    client: C
    in_flight: int = 0
    failures: int = 0
    rest: float = _FIRST_REST
    out_until: float = 0.0


class Replicas(Generic[C]):
    """The servers, asked by load; one that does not answer rests, for twice as long each time.

    Args:
        replicas: The servers.
        clock: Seconds that never run backwards.

    Example:
        >>> pool = Replicas([Replica("a", None), Replica("b", None)])
        >>> with pool.lent() as first, pool.lent() as second:
        ...     print(first.url, second.url)
        a b
    """

    def __init__(self, replicas: Sequence[Replica[C]], clock: Callable[[], float] = time.monotonic) -> None:
        self.all = list(replicas)
        self.taken_out = 0
        self._clock = clock

    @contextlib.contextmanager
    def lent(self) -> Iterator[Replica[C]]:
        """Lend the server with the fewest requests among those that are not resting, or that may soonest be tried."""
        now = self._clock()
        replica = min(self.all, key=lambda one: (max(one.out_until - now, 0.0), one.in_flight))
        replica.in_flight += 1
        try:
            yield replica
        finally:
            replica.in_flight -= 1

    def answered(self, replica: Replica[C]) -> None:
        """Note that a server answers."""
        replica.failures, replica.rest, replica.out_until = 0, _FIRST_REST, 0.0

    def failed(self, replica: Replica[C], *, slow: bool) -> None:
        """Note that a server did not answer: one that is slow is given more chances than one that is gone."""
        now = self._clock()
        replica.failures += 1
        if now < replica.out_until or (slow and replica.failures < _SLOW_BEFORE_OUT):
            return
        self.taken_out += 1
        replica.out_until = now + replica.rest
        replica.rest = min(2 * replica.rest, _LONGEST_REST)

    def some_ready(self) -> bool:
        """Whether a server is there that is not resting."""
        now = self._clock()
        return any(replica.out_until <= now for replica in self.all)
