"""A backend that stores its calls and repeats none of them, and a backend that answers from stored calls only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scai_irl.io.errors import InputError
from scai_irl.lm.cache import CALLS, CallStore, call_key
from scai_irl.lm.protocol import Backend, Completion, Feature, OnDone, Request
from scai_irl.lm.settings import LmSettings


class Recorded(Backend):
    """Decorator of a backend that stores every call and answers repeated requests from the store.

    Answers that could not be read are repeated unchanged. A retry has its own seed and is also in the store.
    So an interrupted experiment resumes with the same numbers as an uninterrupted one.

    Args:
        inner: Backend that answers new requests.
        store: The stored calls.
    """

    def __init__(self, inner: Backend, store: CallStore) -> None:
        self._inner, self._store = inner, store
        self.name, self.features = inner.name, inner.features

    @property
    def model(self) -> str:
        """Return the inner backend's model."""
        return self._inner.model

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer from the store, pass new requests to the inner backend, and store each answer as it arrives."""
        model = self.model
        keys = [call_key(model, request) for request in requests]
        known = self._store.find(keys)
        first_index: dict[str, int] = {}
        for index, key in enumerate(keys):
            if key not in known:
                first_index.setdefault(key, index)
        missing = list(first_index.items())

        def done(number: int, completion: Completion) -> None:
            key, index = missing[number]
            self._store.add(key, model, requests[index], completion)
            if on_done is not None:
                on_done(index, completion)

        if missing:
            answers = self._inner.complete([requests[index] for _, index in missing], done)
            known |= {key: answer for (key, _), answer in zip(missing, answers, strict=True)}
        return [known[key] for key in keys]

    def judged(self, requests: Sequence[Request], readable: Sequence[bool]) -> None:
        """Store for each answer whether it could be read."""
        self._store.judge([call_key(self.model, request) for request in requests], readable)

    def service(self) -> dict[str, int]:
        """Return the inner backend's counts."""
        return self._inner.service()

    def close(self) -> None:
        """Close the inner backend, but not the store."""
        self._inner.close()


class Replay(Backend):
    """Backend that answers from the recorded calls of an earlier run, without any model.

    Args:
        settings: Settings with the folder of the recorded calls.

    Raises:
        InputError: If there are no recorded calls.
    """

    name = "replay"
    features: frozenset[Feature] = frozenset({"structure", "log_probs", "labels", "seed"})

    def __init__(self, settings: LmSettings) -> None:
        hint = "give a results folder of a run that called a language model"
        if settings.replay is None:
            raise InputError("replay", "no folder given", hint)
        file = Path(settings.replay) / CALLS
        if not file.is_file():
            raise InputError("replay", f"{settings.replay} has no recorded calls", hint)
        self._folder = settings.replay
        self._store = CallStore(file, read_only=True)
        models = [settings.model] if settings.model else self._store.models()
        if len(models) != 1:
            raise InputError(
                "model", f"{self._folder} has calls of {', '.join(models) or 'none'}", "choose one with --model"
            )
        self._model = models[0]

    @property
    def model(self) -> str:
        """Return the name of the recorded model."""
        return self._model

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer from the recorded calls.

        Raises:
            InputError: If a request was never recorded.
        """
        keys = [call_key(self._model, request) for request in requests]
        known = self._store.find(keys)
        for index, key in enumerate(keys):
            if key not in known:
                problem = f"{self._folder} has no answer to a request (seed {requests[index].seed})"
                raise InputError("replay", problem, "repeat the recorded run's settings, seed and version")
            if on_done is not None:
                on_done(index, known[key])
        return [known[key] for key in keys]

    def close(self) -> None:
        """Close the store."""
        self._store.close()
