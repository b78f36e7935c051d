"""Which of several servers is asked: requests that begin alike are kept together, within bounds of load.

A server keeps the keys and values of what it has read, so what begins like an earlier prompt is read faster where that
prompt was read. By *rendezvous hashing* (Thaler & Ravishankar 1998, "Using name-based mappings to increase hit rates",
IEEE/ACM Transactions on Networking 6(1)) server s has the weight h(prefix, s), and the heaviest is asked. Everybody who
knows the servers' addresses finds the same order, whatever the process, the machine and the order of addresses; a
server that goes leaves behind its own prefixes alone, spread evenly over the others.

Prefixes differ in how often they occur, so loads are *bounded* (Mirrokni, Thorup & Zadimoghaddam 2018, "Consistent
hashing with bounded loads", SODA; arXiv:1608.01350): a server that has c times the mean is full, and what would be too
much for it goes to the next in the prefix's order. A load is the length of prompts, since long ones cost more. While
requests are waiting for a place, c may be above 1: a server that has less gets its next one later. When all are on
their way, c is 1: a batch is over when its last server is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import zip_longest

SLACK = 1.25
"""c: how far a server's load may be above the mean while requests are waiting. With 1 there would be no choice left as
soon as all servers are busy."""


def weight(prefix: bytes, server: str) -> int:
    """Hash of a prefix and a server's address: 64 bits, the same in every process.

    Args:
        prefix: What stands for the prefix; as long as all others, such as a hash of it.
        server: The server's address.

    Example:
        >>> weight(b"prefix", "http://one:8000") == weight(b"prefix", "http://two:8000")
        False
    """
    return int.from_bytes(hashlib.blake2b(prefix + server.encode(), digest_size=8).digest())


def full_at(size: int, pending: int, places: int, servers: int, slack: float = SLACK) -> float:
    """Load at which a server is full: min(1, c p / m) S / n, which is c times the mean while requests are waiting.

    Args:
        size: Length of all requests that are waiting or on their way: S.
        pending: Number of them: m.
        places: Requests that may be on their way at the same time: p.
        servers: How many servers there are: n.
        slack: c, at least 1.

    Example:
        >>> full_at(5, 5, 64, 4), full_at(1000, 1000, 64, 4)
        (1.25, 20.0)
    """
    return size * min(1.0, slack * places / pending) / servers


def choose(prefix: bytes, servers: Sequence[str], loads: Sequence[float], full: float) -> int:
    """Choose a server for the next request.

    Args:
        prefix: What the request begins with.
        servers: Addresses of the servers.
        loads: What each has.
        full: Load at which one has no room; one of them has less.

    Returns:
        Place of the first server, in the prefix's order, that has room.

    Example:
        >>> servers = ["http://one", "http://two"]
        >>> first = choose(b"prefix", servers, [0, 0], 9)
        >>> loads = [9 if place == first else 0 for place in range(2)]
        >>> choose(b"prefix", servers, loads, 9) == 1 - first
        True
    """
    room = [place for place, load in enumerate(loads) if load < full]
    return max(room, key=lambda place: weight(prefix, servers[place]))


def in_turns(prefixes: Sequence[bytes], servers: Sequence[str]) -> list[int]:
    """Order in which a batch is sent: each server in turn gets the next request of a prefix whose first it is.

    In a batch, neighbours often have one prefix. Sent one after the other, they would fill their server and spill over
    to the next, while that has nothing of its own.

    Args:
        prefixes: What each request begins with.
        servers: Addresses of the servers.

    Returns:
        The requests' places.

    Example:
        >>> sorted(in_turns([b"a", b"a", b"b"], ["http://one", "http://two"]))
        [0, 1, 2]
    """
    queues: list[list[int]] = [[] for _ in servers]
    idle = [0] * len(servers)
    for place, prefix in enumerate(prefixes):
        queues[choose(prefix, servers, idle, full=1)].append(place)
    return [place for turn in zip_longest(*queues) for place in turn if place is not None]
