"""Replicas: servers of the same model, with the choice of the next one and rests after failures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from scai_irl.backends.vllm.prefix import Outline
from scai_irl.backends.vllm.routing import choose, full_at, in_turns

_SLOW_BEFORE_OUT = 3

C = TypeVar("C")


@dataclass(eq=False)
class Replica(Generic[C]):
    """One server.

    Attributes:
        url: Address.
        client: Client of the server.
        load: Total length of the requests that it is answering.
        failures: Failures since its last answer.
        out: Times that it was taken out since its last answer.
        resting: Whether it receives no requests.
        looks: Unsuccessful health checks since it was taken out.
    """

    url: str
    client: C
    load: int = 0
    failures: int = 0
    out: int = 0
    resting: bool = False
    looks: int = 0


class Replicas(Generic[C]):
    """Pool of servers, chosen by prefix; a server that does not answer rests until a health check succeeds.

    Args:
        replicas: The servers.
        slots: Most requests in flight, over all servers.

    Example:
        >>> pool = Replicas([Replica("a", None), Replica("b", None)], slots=2)
        >>> request = Outline(b"prefix", size=100)
        >>> pool.begin([request, request])
        [0, 1]
        >>> with pool.lent(request) as first, pool.lent(request) as second:
        ...     print(first.url != second.url)
        True
    """

    def __init__(self, replicas: Sequence[Replica[C]], slots: int) -> None:
        self.all = list(replicas)
        self.slots = slots
        self.taken_out = 0
        self.taken_back = 0
        self._pending = 0
        self._size = 0

    def begin(self, batch: Sequence[Outline]) -> list[int]:
        """Start a batch.

        Returns:
            The order in which to send it, so that all servers are busy; see `in_turns`.
        """
        self._pending, self._size = len(batch), sum(request.size for request in batch)
        return in_turns([request.prefix for request in batch], [one.url for one in self._likely()])

    def finish(self, request: Outline) -> None:
        """Record that a request of the batch is answered."""
        self._pending -= 1
        self._size -= request.size

    @contextlib.contextmanager
    def lent(self, request: Outline) -> Iterator[Replica[C]]:
        """Yield the first server with capacity in the prefix's order, among those most likely to answer."""
        replica = self._chosen(request)
        replica.load += request.size
        try:
            yield replica
        finally:
            replica.load -= request.size

    def _chosen(self, request: Outline) -> Replica[C]:
        likely = self._likely()
        loads = [one.load for one in likely]
        elsewhere = sum(one.load for one in self.all) - sum(loads)
        full = full_at(self._size - elsewhere, max(self._pending, 1), self.slots, len(likely))
        # Some server has capacity, even if long requests are in flight and short ones are waiting.
        full = max(full, (sum(loads) + request.size) / len(likely))
        return likely[choose(request.prefix, [one.url for one in likely], loads, full)]

    def _likely(self) -> list[Replica[C]]:
        """Return the servers that do not rest; if all rest, those without a failed health check."""
        least = min((one.resting, one.looks) for one in self.all)
        return [one for one in self.all if (one.resting, one.looks) == least]

    def answered(self, replica: Replica[C]) -> None:
        """Record that a server answered."""
        self.back(replica)
        replica.failures = replica.out = 0

    def failed(self, replica: Replica[C], *, slow: bool) -> bool:
        """Record that a server did not answer; a slow server may fail more often than a lost one.

        Returns:
            Whether the server is taken out now.
        """
        replica.failures += 1
        if replica.resting or (slow and replica.failures < _SLOW_BEFORE_OUT):
            return False
        self.taken_out += 1
        replica.out += 1
        replica.resting = True
        return True

    def missed(self, replica: Replica[C]) -> None:
        """Record a failed health check of a resting server."""
        replica.looks += 1

    def back(self, replica: Replica[C]) -> None:
        """Record that a server is available again."""
        self.taken_back += replica.resting
        replica.resting, replica.looks = False, 0

    def some_ready(self) -> bool:
        """Return whether some server does not rest."""
        return not all(replica.resting for replica in self.all)
