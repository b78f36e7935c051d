"""Health checks of resting servers, so that they receive requests again as soon as they are up.

A check calls vLLM's ``/health``, which costs the server nothing. A server that refuses the connection, does not answer
or answers 5xx is not up. A server of another kind may not have this path; its error 404 shows that it is up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import openai
import tenacity
from openai import AsyncOpenAI

from scai_irl.backends.vllm.replicas import Replica, Replicas

_LOOK_SECONDS = 5.0  # that a check may take
_FIRST_REST, _LONGEST_REST = 1.0, 60.0  # seconds
_BETWEEN = tenacity.wait_random(1.0, 5.0)  # seconds between checks, at random for each client

C = TypeVar("C")


async def is_up(root: AsyncOpenAI) -> bool:
    """Return whether a server is up.

    Args:
        root: Client of the server's root.
    """
    try:
        await root.get("/health", cast_to=object, options={"timeout": _LOOK_SECONDS})
    except openai.APIStatusError as refused:
        return refused.status_code < 500
    except (openai.OpenAIError, ValueError):
        return False
    return True


def rest(times: int) -> float:
    """Return the seconds before the first check of a server that was taken out for the n-th time in a row.

    Example:
        >>> [rest(times) for times in (1, 2, 3, 100)]
        [1.0, 2.0, 4.0, 60.0]
    """
    return min(_FIRST_REST * 2.0 ** min(times - 1, 16), _LONGEST_REST)


class ServerWatch(Generic[C]):
    """Tasks that check resting servers until they are up again.

    Args:
        replicas: The servers.
        look: Returns whether a server is up.
    """

    def __init__(self, replicas: Replicas[C], look: Callable[[C], Awaitable[bool]]) -> None:
        self._replicas = replicas
        self._look = look
        self._tasks: dict[Replica[C], asyncio.Task[None]] = {}

    def begin(self, replica: Replica[C]) -> None:
        """Start to check a server; to be called in the event loop that sends its requests."""
        if replica in self._tasks:
            self._tasks[replica].cancel()
        self._tasks[replica] = asyncio.create_task(self._look_for(replica))

    async def close(self) -> None:
        """Stop all checks."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _look_for(self, replica: Replica[C]) -> None:
        await asyncio.sleep(rest(replica.out))
        looking = tenacity.AsyncRetrying(retry=tenacity.retry_if_result(_not_yet), wait=_BETWEEN)
        await looking(self._is_back, replica)

    async def _is_back(self, replica: Replica[C]) -> bool:
        if replica.resting and not await self._look(replica.client):
            self._replicas.missed(replica)
            return False
        self._replicas.back(replica)
        return True


def _not_yet(back: bool) -> bool:
    return not back
