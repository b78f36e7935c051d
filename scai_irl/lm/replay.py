"""A backend whose calls are kept, so that none that was finished is made again; and one that only has what was kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scai_irl.io.errors import InputError
from scai_irl.lm.cache import CALLS, CallStore, call_key
from scai_irl.lm.protocol import Backend, Completion, Feature, OnDone, Request
from scai_irl.lm.settings import LmSettings


class Recorded(Backend):
    """Another backend, with a record: what was answered before is answered from there.

    Answers that could not be read are answered again as they were: the request that follows such an answer has a seed
    of its own, and is in the record, too. So an experiment that was interrupted goes on with the numbers of one that
    was not.

    Args:
        inner: Who answers what is not in the record.
        store: The record.
    """

    def __init__(self, inner: Backend, store: CallStore) -> None:
        self._inner, self._store = inner, store
        self.name, self.features = inner.name, inner.features

    @property
    def model(self) -> str:
        """The inner backend's model."""
        return self._inner.model

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer from the record, and the rest by the inner backend, keeping each answer as it comes."""
        model = self.model
        keys = [call_key(model, request) for request in requests]
        known = self._store.find(keys)
        places: dict[str, int] = {}
        for place, key in enumerate(keys):
            if key not in known:
                places.setdefault(key, place)
        missing = list(places.items())

        def done(number: int, completion: Completion) -> None:
            key, place = missing[number]
            self._store.add(key, model, requests[place], completion)
            if on_done is not None:
                on_done(place, completion)

        if missing:
            answers = self._inner.complete([requests[place] for _, place in missing], done)
            known |= {key: answer for (key, _), answer in zip(missing, answers, strict=True)}
        return [known[key] for key in keys]

    def judged(self, requests: Sequence[Request], readable: Sequence[bool]) -> None:
        """Note in the record which answers could be read."""
        self._store.judge([call_key(self.model, request) for request in requests], readable)

    def service(self) -> dict[str, int]:
        """What the inner backend counts."""
        return self._inner.service()

    def close(self) -> None:
        """Close the inner backend; who opened the record closes it."""
        self._inner.close()


class Replay(Backend):
    """Recorded calls of an earlier run, answered again without any model.

    Args:
        settings: Where the recorded calls are.

    Raises:
        InputError: If there are none.
    """

    name = "replay"
    features: frozenset[Feature] = frozenset({"structure", "log_probs", "labels", "seed"})

    def __init__(self, settings: LmSettings) -> None:
        mend = "give a results folder of a run that called a language model"
        if settings.replay is None:
            raise InputError("replay", "no folder given", mend)
        file = Path(settings.replay) / CALLS
        if not file.is_file():
            raise InputError("replay", f"{settings.replay} holds no recorded calls", mend)
        self._folder = settings.replay
        self._store = CallStore(file, read_only=True)
        models = [settings.model] if settings.model else self._store.models()
        if len(models) != 1:
            raise InputError("model", f"{self._folder} has calls of {', '.join(models) or 'none'}", "say whose")
        self._model = models[0]

    @property
    def model(self) -> str:
        """The model that was recorded."""
        return self._model

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer from the record.

        Raises:
            InputError: If a request was never recorded.
        """
        keys = [call_key(self._model, request) for request in requests]
        known = self._store.find(keys)
        for place, key in enumerate(keys):
            if key not in known:
                problem = f"{self._folder} has no answer to a request (seed {requests[place].seed})"
                raise InputError("replay", problem, "repeat the recorded run's settings, seed and version")
            if on_done is not None:
                on_done(place, known[key])
        return [known[key] for key in keys]

    def close(self) -> None:
        """Close the record."""
        self._store.close()
