"""A vLLM server, or several that serve one model, over the OpenAI-compatible API.

All requests of a batch go out together, as many at a time as `LmSettings.concurrency` allows; each carries its own
seed, so neither the order nor the server that answers makes a difference to a seeded sampler. Those that begin alike go
to one server (`scai_irl.backends.vllm.routing`), which has read their beginning before. What may pass (a lost
connection, 429, 5xx, a reply that is cut off) is asked again after a pause with jitter, and elsewhere if one server is
gone; when patience is spent, the run stops with an `InputError`, and what was answered until then has been told to
``on_done``.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, NoReturn
from urllib.parse import urlsplit

import openai
import tenacity
from openai import AsyncOpenAI

from scai_irl.backends.vllm.loop_thread import LoopThread
from scai_irl.backends.vllm.openai_calls import MalformedError, NotOfferedError, score_labels, write_answer
from scai_irl.backends.vllm.prefix import Outline, outline
from scai_irl.backends.vllm.problems import is_lost, kind, said
from scai_irl.backends.vllm.replicas import Replica, Replicas
from scai_irl.backends.vllm.server_health import ServerWatch, is_up
from scai_irl.io.errors import InputError
from scai_irl.lm.protocol import Backend, Completion, Feature, OnDone, Request
from scai_irl.lm.settings import LmSettings

API_KEY = "SCAI_IRL_API_KEY"
"""Environment variable with the servers' key."""

_LONGEST_PAUSE = 60.0  # seconds
_GONE = (openai.APIConnectionError, openai.InternalServerError)
_PASSING = (*_GONE, openai.RateLimitError, openai.ConflictError, openai.APIResponseValidationError, MalformedError)
_CHECK = "check it with `scai-irl doctor`, then run the same command again: it resumes"


class _Clients(NamedTuple):
    """What talks to one server.

    Attributes:
        api: To the API.
        root: To what lies beside it: the tokeniser.
    """

    api: AsyncOpenAI
    root: AsyncOpenAI


class VllmServer(Backend):
    """Models served by vLLM, or anything that speaks the OpenAI API: one server or several.

    Args:
        settings: Where the servers are, and how they are asked.

    Raises:
        InputError: If no address is given.
    """

    name = "vllm-server"
    features: frozenset[Feature] = frozenset({"structure", "log_probs", "labels", "seed"})

    def __init__(self, settings: LmSettings) -> None:
        if not settings.urls:
            raise InputError("url", "none given", "give the address of a server, such as http://127.0.0.1:8000")
        self._settings = settings
        self._key = settings.api_key or os.environ.get(API_KEY) or "none"
        self._thread = LoopThread()
        replicas = [Replica(url, self._clients(url)) for url in map(api_root, settings.urls)]
        self._replicas = Replicas(replicas, settings.concurrency * len(replicas))
        self._watch = ServerWatch(self._replicas, lambda clients: is_up(clients.root))
        self._model = ""
        self._mended: Counter[str] = Counter()

    @property
    def model(self) -> str:
        """The model's name, asked of the servers if none was given."""
        if not self._model:
            self._model = self._thread.run(self._find_model())
        return self._model

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer every request; see `Backend.complete`."""
        if not requests:
            return []
        return self._thread.run(self._all(self.model, requests, on_done))

    def service(self) -> dict[str, int]:
        """Count requests that were asked again, by cause, and servers that were taken out and back."""
        moved = {"replicas taken out": self._replicas.taken_out, "replicas taken back": self._replicas.taken_back}
        return dict(self._mended) | {what: times for what, times in moved.items() if times}

    def close(self) -> None:
        """Close connections; can be called twice."""
        if self._thread.closed:
            return
        self._thread.run(self._close_clients())
        self._thread.close()

    async def _close_clients(self) -> None:
        await self._watch.close()
        for replica in self._replicas.all:
            await replica.client.root.close()
            await replica.client.api.close()

    def _clients(self, url: str) -> _Clients:
        # aiohttp spends half of what httpx spends on a request. A proxy for the outer world has no business between
        # this machine and itself.
        connections = openai.DefaultAioHttpClient(trust_env=not _on_this_machine(url))
        root = AsyncOpenAI(
            base_url=url, api_key=self._key, max_retries=0, timeout=self._settings.timeout, http_client=connections
        )
        return _Clients(root.with_options(base_url=f"{url}/v1"), root)

    async def _all(self, model: str, requests: Sequence[Request], on_done: OnDone | None) -> list[Completion]:
        places = asyncio.Semaphore(self._replicas.places)
        outlines = [outline(request) for request in requests]
        answers: list[Completion | None] = [None] * len(requests)

        async def one(place: int) -> None:
            async with places:
                answer = await self._patiently(model, requests[place], outlines[place])
                self._replicas.finish(outlines[place])
            answers[place] = answer
            if on_done is not None and answer.finish_reason != "refused":
                on_done(place, answer)

        try:
            async with asyncio.TaskGroup() as group:
                for place in self._replicas.begin(outlines):
                    group.create_task(one(place))
        except* InputError as several:
            raise _first(several) from None
        found = [answer for answer in answers if answer is not None]
        if all(answer.finish_reason == "refused" for answer in found):
            problem = f"the server refuses every request ({found[0].problem})"
            raise InputError("backend", problem, _CHECK)
        return found

    async def _patiently(self, model: str, request: Request, of: Outline) -> Completion:
        """Ask until there is an answer, or patience is spent."""
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self._settings.attempts),
            wait=self._pause,
            retry=tenacity.retry_if_exception_type(_PASSING),
            before_sleep=self._note,
            reraise=True,
        )
        try:
            answer: Completion = await retrying(self._once, model, request, of)
        except _PASSING as spent:
            urls = ", ".join(replica.url for replica in self._replicas.all)
            problem = f"no answer after {self._settings.attempts} attempts ({kind(spent)}: {said(spent)})"
            raise InputError(urls, problem, _CHECK) from spent
        return answer

    async def _once(self, model: str, request: Request, of: Outline) -> Completion:
        with self._replicas.lent(of) as replica:
            try:
                if request.labels:
                    answer = await score_labels(*replica.client, model, request)
                else:
                    answer = await write_answer(replica.client.api, model, request)
            except ValueError as torn:  # a body that is no JSON, or no text
                raise MalformedError(said(torn)) from torn
            except _GONE as gone:
                self._failed(replica, slow=not is_lost(gone))
                raise
            except (openai.BadRequestError, openai.UnprocessableEntityError) as refused:
                return Completion("", "refused", problem=said(refused))
            except NotOfferedError as lacking:
                raise InputError("channels", str(lacking), "leave out the token channel") from lacking
            except openai.NotFoundError as missing:
                if request.labels:
                    problem = f"{replica.url} has no tokeniser that can be asked"
                    raise InputError("channels", problem, "leave out the token channel") from missing
                raise InputError("model", said(missing), "give one that the server has") from missing
            except (openai.AuthenticationError, openai.PermissionDeniedError) as refused:
                self._refuse_key(replica.url, refused)
            self._replicas.answered(replica)
            return answer

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Seconds to wait: none if another server is there, else more each time, at random, and as long as told."""
        problem = state.outcome.exception() if state.outcome else None
        if isinstance(problem, _GONE) and is_lost(problem) and self._replicas.some_ready():
            return 0.0
        told = problem.response.headers.get("retry-after") if isinstance(problem, openai.APIStatusError) else None
        least = min(float(told), _LONGEST_PAUSE) if told and told.replace(".", "", 1).isdigit() else 0.0
        return least + tenacity.wait_random_exponential(2 * self._settings.pause, _LONGEST_PAUSE)(state)

    def _note(self, state: tenacity.RetryCallState) -> None:
        problem = state.outcome.exception() if state.outcome else None
        if problem is not None:
            self._mended[f"asked again: {kind(problem)}"] += 1

    def models(self) -> dict[str, list[str]]:
        """Names of the models that each server has; of those that answer, and one must.

        Raises:
            InputError: If none answers, or one refuses the key.
        """
        return self._thread.run(self._find_models())

    async def _find_models(self) -> dict[str, list[str]]:
        """Ask the servers for their models; one that cannot be reached rests."""
        problem: Exception | None = None
        found: dict[str, list[str]] = {}
        for replica in self._replicas.all:
            try:
                found[replica.url] = [model.id async for model in replica.client.api.models.list()]
            except (openai.AuthenticationError, openai.PermissionDeniedError) as refused:
                self._refuse_key(replica.url, refused)
            except (openai.OpenAIError, AttributeError, TypeError, ValueError) as gone:
                problem = gone
                self._failed(replica, slow=False)
        if not found:
            urls = ", ".join(replica.url for replica in self._replicas.all)
            mend = "start one with `scai-irl serve MODEL`, or give another --url"
            raise InputError(urls, f"no server answers ({said(problem)})", mend)
        return found

    async def _find_model(self) -> str:
        """Choose the model that is wanted, or the only one there."""
        wanted, found = self._settings.model, await self._find_models()
        for url, models in found.items():
            if wanted and wanted not in models:
                mend = f"give one that it has: {', '.join(models) or 'it has none'}"
                raise InputError("model", f"{url} has no model {wanted!r}", mend)
            if not wanted and len(models) != 1:
                mend = f"say which with --model: {', '.join(models)}" if models else "serve one there"
                raise InputError("model", f"{url} has {len(models)} models", mend)
        names = {models[0] for models in found.values()}
        if not wanted and len(names) > 1:
            raise InputError("model", f"the servers have different ones ({', '.join(sorted(names))})", "say which")
        return wanted or names.pop()

    def _failed(self, replica: Replica[_Clients], *, slow: bool) -> None:
        if self._replicas.failed(replica, slow=slow):
            self._watch.begin(replica)

    def _refuse_key(self, url: str, refused: Exception) -> NoReturn:
        raise InputError("api key", f"{url} refuses it", f"put the right one into {API_KEY}") from refused


def api_root(url: str) -> str:
    """Address of a server without the API's version.

    Raises:
        InputError: If it is no address of a web server.

    Example:
        >>> api_root("http://127.0.0.1:8000/v1/")
        'http://127.0.0.1:8000'
    """
    if not url.startswith(("http://", "https://")):
        raise InputError("url", f"{url!r} is no address", "write it as http://127.0.0.1:8000")
    return url.rstrip("/").removesuffix("/v1")


def _on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _first(group: BaseExceptionGroup[InputError]) -> InputError:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, InputError)  # noqa: S101
    return found
