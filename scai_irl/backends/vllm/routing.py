"""Routing of requests to servers: requests with the same prefix go to one server, within bounds of load.

A server caches the keys and values of prompts, so it reads a prompt faster if it has read the same prefix before. By
*rendezvous hashing* (Thaler & Ravishankar 1998, "Using name-based mappings to increase hit rates", IEEE/ACM
Transactions on Networking 6(1)) server s has the weight h(prefix, s), and the server with the largest weight is chosen.
Every process and machine that knows the addresses finds the same order. If a server is lost, only its own prefixes
move, spread evenly over the others.

Some prefixes are much more frequent than others, so loads are *bounded* (Mirrokni, Thorup & Zadimoghaddam 2018,
"Consistent hashing with bounded loads", SODA; arXiv:1608.01350): a server with c times the mean load is full, and
further requests go to the next server in the prefix's order. Load is the length of prompts, since long prompts cost
more. While requests are waiting for a slot, c may be above 1: servers with less load receive theirs later. When all
requests are in flight, c is 1, since a batch ends with its last server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import zip_longest

SLACK = 1.25
"""c: largest ratio of a server's load to the mean while requests are waiting. With 1 there would be no choice when all
servers are busy."""


def weight(prefix: bytes, server: str) -> int:
    """Compute the 64-bit hash of a prefix and a server's address, the same in every process.

    Args:
        prefix: Key of the prefix, of fixed length, such as a hash.
        server: The server's address.

    Example:
        >>> weight(b"prefix", "http://one:8000") == weight(b"prefix", "http://two:8000")
        False
    """
    return int.from_bytes(hashlib.blake2b(prefix + server.encode(), digest_size=8).digest())


def full_at(size: int, pending: int, slots: int, servers: int, slack: float = SLACK) -> float:
    """Compute the load at which a server is full: min(1, c p / m) S / n, or c times the mean while requests wait.

    Args:
        size: Total length of the requests that are waiting or in flight: S.
        pending: Number of them: m.
        slots: Most requests in flight: p.
        servers: Number of servers: n.
        slack: c, at least 1.

    Example:
        >>> full_at(5, 5, 64, 4), full_at(1000, 1000, 64, 4)
        (1.25, 20.0)
    """
    return size * min(1.0, slack * slots / pending) / servers


def choose(prefix: bytes, servers: Sequence[str], loads: Sequence[float], full: float) -> int:
    """Choose a server for the next request.

    Args:
        prefix: Prefix of the request.
        servers: Addresses of the servers.
        loads: Load of each server.
        full: Load at which a server is full; at least one has less.

    Returns:
        Index of the first server, in the prefix's order, that is not full.

    Example:
        >>> servers = ["http://one", "http://two"]
        >>> first = choose(b"prefix", servers, [0, 0], 9)
        >>> loads = [9 if index == first else 0 for index in range(2)]
        >>> choose(b"prefix", servers, loads, 9) == 1 - first
        True
    """
    room = [index for index, load in enumerate(loads) if load < full]
    return max(room, key=lambda index: weight(prefix, servers[index]))


def in_turns(prefixes: Sequence[bytes], servers: Sequence[str]) -> list[int]:
    """Compute the order in which to send a batch: each server in turn gets the next request of its own prefixes.

    Neighbours in a batch often share a prefix. In their original order they would fill one server and spill over to the
    next, which has not yet received requests of its own.

    Args:
        prefixes: Prefix of each request.
        servers: Addresses of the servers.

    Returns:
        Indices of the requests.

    Example:
        >>> sorted(in_turns([b"a", b"a", b"b"], ["http://one", "http://two"]))
        [0, 1, 2]
    """
    queues: list[list[int]] = [[] for _ in servers]
    idle = [0] * len(servers)
    for index, prefix in enumerate(prefixes):
        queues[choose(prefix, servers, idle, full=1)].append(index)
    return [index for turn in zip_longest(*queues) for index in turn if index is not None]
