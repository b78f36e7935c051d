"""Servers of the same model: which one is asked next, and which one is left alone for a while."""

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
        url: Where it is.
        client: What talks to it.
        load: Length of the requests that it is answering.
        failures: Failures since it last answered.
        out: Times that it was taken out since it last answered.
        resting: Whether it is left alone.
        looks: Looks in vain since it was taken out.
    """

    url: str
    client: C
    load: int = 0
    failures: int = 0
    out: int = 0
    resting: bool = False
    looks: int = 0


class Replicas(Generic[C]):
    """The servers, asked by prefix; one that does not answer rests until somebody has seen that it is there again.

    Args:
        replicas: The servers.
        places: Requests that are lent to them at most, all together.

    Example:
        >>> pool = Replicas([Replica("a", None), Replica("b", None)], places=2)
        >>> request = Outline(b"prefix", size=100)
        >>> pool.begin([request, request])
        [0, 1]
        >>> with pool.lent(request) as first, pool.lent(request) as second:
        ...     print(first.url != second.url)
        True
    """

    def __init__(self, replicas: Sequence[Replica[C]], places: int) -> None:
        self.all = list(replicas)
        self.places = places
        self.taken_out = 0
        self.taken_back = 0
        self._pending = 0
        self._size = 0

    def begin(self, batch: Sequence[Outline]) -> list[int]:
        """Note that a batch is to be answered.

        Returns:
            The order in which it is best sent, so that all servers have something to do; see `in_turns`.
        """
        self._pending, self._size = len(batch), sum(request.size for request in batch)
        return in_turns([request.prefix for request in batch], [one.url for one in self._likely()])

    def finish(self, request: Outline) -> None:
        """Note that a request of the batch is answered."""
        self._pending -= 1
        self._size -= request.size

    @contextlib.contextmanager
    def lent(self, request: Outline) -> Iterator[Replica[C]]:
        """Lend the first server in the prefix's order that has room, of those that are likeliest to answer."""
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
        full = full_at(self._size - elsewhere, max(self._pending, 1), self.places, len(likely))
        # Somebody has room, even if long ones are on their way and short ones are waiting.
        full = max(full, (sum(loads) + request.size) / len(likely))
        return likely[choose(request.prefix, [one.url for one in likely], loads, full)]

    def _likely(self) -> list[Replica[C]]:
        """Servers that do not rest; if all do, those that nobody has looked for in vain may still be there."""
        least = min((one.resting, one.looks) for one in self.all)
        return [one for one in self.all if (one.resting, one.looks) == least]

    def answered(self, replica: Replica[C]) -> None:
        """Note that a server answers."""
        self.back(replica)
        replica.failures = replica.out = 0

    def failed(self, replica: Replica[C], *, slow: bool) -> bool:
        """Note that a server did not answer: one that is slow is given more chances than one that is gone.

        Returns:
            Whether it is taken out by this.
        """
        replica.failures += 1
        if replica.resting or (slow and replica.failures < _SLOW_BEFORE_OUT):
            return False
        self.taken_out += 1
        replica.out += 1
        replica.resting = True
        return True

    def missed(self, replica: Replica[C]) -> None:
        """Note that somebody looked for a resting server in vain."""
        replica.looks += 1

    def back(self, replica: Replica[C]) -> None:
        """Note that a server is there again."""
        self.taken_back += replica.resting
        replica.resting, replica.looks = False, 0

    def some_ready(self) -> bool:
        """Return whether a server is there that is not resting."""
        return not all(replica.resting for replica in self.all)
