"""Backend for one or several vLLM servers of one model, over the OpenAI-compatible API.

All requests of a batch are sent together, up to `LmSettings.concurrency` at a time. Each has its own seed, so with a
seeded sampler neither the order nor the choice of server matters. Requests with the same prefix go to one server, which
has the prefix in its cache (`scai_irl.backends.vllm.routing`). After a temporary error (a lost connection, 429, 5xx, an
incomplete reply) a request is sent again after a random pause, and to another server if one is lost. After the last
attempt the run stops with an `InputError`; earlier answers have been passed to ``on_done``.
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
from scai_irl.backends.vllm.problems import is_lost, kind, message_of
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
    """Clients of one server.

    Attributes:
        api: Client of the API.
        root: Client of the server's root, which offers the tokeniser.
    """

    api: AsyncOpenAI
    root: AsyncOpenAI


class VllmServer(Backend):
    """A model served by vLLM or another server with the OpenAI API, on one server or several.

    Args:
        settings: Addresses, key, concurrency and retries.

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
        self._retried: Counter[str] = Counter()

    @property
    def model(self) -> str:
        """Return the model's name; if none was given, request it from the servers."""
        if not self._model:
            self._model = self._thread.run(self._find_model())
        return self._model

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer every request; see `Backend.complete`."""
        if not requests:
            return []
        return self._thread.run(self._all(self.model, requests, on_done))

    def service(self) -> dict[str, int]:
        """Return counts of repeated requests by cause, and of servers taken out and back."""
        moved = {"replicas taken out": self._replicas.taken_out, "replicas taken back": self._replicas.taken_back}
        return dict(self._retried) | {what: times for what, times in moved.items() if times}

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
        # aiohttp needs half of httpx's time for a request. A proxy must not stand between this machine and itself.
        connections = openai.DefaultAioHttpClient(trust_env=not _on_this_machine(url))
        root = AsyncOpenAI(
            base_url=url, api_key=self._key, max_retries=0, timeout=self._settings.timeout, http_client=connections
        )
        return _Clients(root.with_options(base_url=f"{url}/v1"), root)

    async def _all(self, model: str, requests: Sequence[Request], on_done: OnDone | None) -> list[Completion]:
        slots = asyncio.Semaphore(self._replicas.slots)
        outlines = [outline(request) for request in requests]
        answers: list[Completion | None] = [None] * len(requests)

        async def one(index: int) -> None:
            async with slots:
                answer = await self._patiently(model, requests[index], outlines[index])
                self._replicas.finish(outlines[index])
            answers[index] = answer
            if on_done is not None and answer.finish_reason != "refused":
                on_done(index, answer)

        try:
            async with asyncio.TaskGroup() as group:
                for index in self._replicas.begin(outlines):
                    group.create_task(one(index))
        except* InputError as several:
            raise _first(several) from None
        completed = [answer for answer in answers if answer is not None]
        if all(answer.finish_reason == "refused" for answer in completed):
            problem = f"the server refuses every request ({completed[0].problem})"
            raise InputError("backend", problem, _CHECK)
        return completed

    async def _patiently(self, model: str, request: Request, request_outline: Outline) -> Completion:
        """Send a request until there is an answer, or all attempts are used."""
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self._settings.attempts),
            wait=self._pause,
            retry=tenacity.retry_if_exception_type(_PASSING),
            before_sleep=self._note,
            reraise=True,
        )
        try:
            answer: Completion = await retrying(self._once, model, request, request_outline)
        except _PASSING as spent:
            urls = ", ".join(replica.url for replica in self._replicas.all)
            problem = f"no answer after {self._settings.attempts} attempts ({kind(spent)}: {message_of(spent)})"
            raise InputError(urls, problem, _CHECK) from spent
        return answer

    async def _once(self, model: str, request: Request, request_outline: Outline) -> Completion:
        with self._replicas.lent(request_outline) as replica:
            try:
                if request.labels:
                    answer = await score_labels(*replica.client, model, request)
                else:
                    answer = await write_answer(replica.client.api, model, request)
            except ValueError as torn:  # a body that is no JSON, or no text
                raise MalformedError(message_of(torn)) from torn
            except _GONE as gone:
                self._failed(replica, slow=not is_lost(gone))
                raise
            except (openai.BadRequestError, openai.UnprocessableEntityError) as refused:
                return Completion("", "refused", problem=message_of(refused))
            except NotOfferedError as lacking:
                raise InputError("channels", str(lacking), "leave out the token channel") from lacking
            except openai.NotFoundError as missing:
                if request.labels:
                    problem = f"{replica.url} offers no tokeniser"
                    raise InputError("channels", problem, "leave out the token channel") from missing
                raise InputError("model", message_of(missing), "give one that the server has") from missing
            except (openai.AuthenticationError, openai.PermissionDeniedError) as refused:
                self._refuse_key(replica.url, refused)
            self._replicas.answered(replica)
            return answer

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Return the seconds to wait: 0 if another server is ready, else a random, growing pause plus Retry-After."""
        problem = state.outcome.exception() if state.outcome else None
        if isinstance(problem, _GONE) and is_lost(problem) and self._replicas.some_ready():
            return 0.0
        retry_after = (
            problem.response.headers.get("retry-after") if isinstance(problem, openai.APIStatusError) else None
        )
        least = (
            min(float(retry_after), _LONGEST_PAUSE)
            if retry_after and retry_after.replace(".", "", 1).isdigit()
            else 0.0
        )
        return least + tenacity.wait_random_exponential(2 * self._settings.pause, _LONGEST_PAUSE)(state)

    def _note(self, state: tenacity.RetryCallState) -> None:
        problem = state.outcome.exception() if state.outcome else None
        if problem is not None:
            self._retried[f"asked again: {kind(problem)}"] += 1

    def models(self) -> dict[str, list[str]]:
        """Return the names of the models of each server that answers.

        Raises:
            InputError: If none answers, or one refuses the key.
        """
        return self._thread.run(self._find_models())

    async def _find_models(self) -> dict[str, list[str]]:
        """Request the servers' models; a server that cannot be reached rests."""
        problem: Exception | None = None
        models: dict[str, list[str]] = {}
        for replica in self._replicas.all:
            try:
                models[replica.url] = [model.id async for model in replica.client.api.models.list()]
            except (openai.AuthenticationError, openai.PermissionDeniedError) as refused:
                self._refuse_key(replica.url, refused)
            except (openai.OpenAIError, AttributeError, TypeError, ValueError) as gone:
                problem = gone
                self._failed(replica, slow=False)
        if not models:
            urls = ", ".join(replica.url for replica in self._replicas.all)
            hint = "start one with `scai-irl serve MODEL`, or give another --url"
            raise InputError(urls, f"no server answers ({message_of(problem)})", hint)
        return models

    async def _find_model(self) -> str:
        """Return the requested model, or the only one that the servers have."""
        wanted, models_by_url = self._settings.model, await self._find_models()
        for url, models in models_by_url.items():
            if wanted and wanted not in models:
                hint = f"give one that it has: {', '.join(models) or 'it has none'}"
                raise InputError("model", f"{url} has no model {wanted!r}", hint)
            if not wanted and len(models) != 1:
                hint = f"choose one with --model: {', '.join(models)}" if models else "serve one there"
                raise InputError("model", f"{url} has {len(models)} models", hint)
        names = {models[0] for models in models_by_url.values()}
        if not wanted and len(names) > 1:
            raise InputError(
                "model", f"the servers have different ones ({', '.join(sorted(names))})", "choose one with --model"
            )
        return wanted or names.pop()

    def _failed(self, replica: Replica[_Clients], *, slow: bool) -> None:
        if self._replicas.failed(replica, slow=slow):
            self._watch.begin(replica)

    def _refuse_key(self, url: str, refused: Exception) -> NoReturn:
        raise InputError("api key", f"{url} refuses it", f"put the right one into {API_KEY}") from refused


def api_root(url: str) -> str:
    """Return the address of a server without the API's version.

    Raises:
        InputError: If it is not the address of a web server.

    Example:
        >>> api_root("http://127.0.0.1:8000/v1/")
        'http://127.0.0.1:8000'
    """
    if not url.startswith(("http://", "https://")):
        raise InputError("url", f"{url!r} is not an address", "write it as http://127.0.0.1:8000")
    return url.rstrip("/").removesuffix("/v1")


def _on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _first(group: BaseExceptionGroup[InputError]) -> InputError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, InputError)  # noqa: S101
    return error
