"""A backend for the length of one experiment: calls kept in the results folder, spending limited, troubles counted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from scai_irl.lm.budget import Budget, Limited
from scai_irl.lm.cache import CALLS, CallStore
from scai_irl.lm.protocol import Backend
from scai_irl.lm.replay import Recorded
from scai_irl.results.manifest import Manifest


@contextlib.contextmanager
def kept(backend: Backend, folder: Path, budget: Budget) -> Iterator[Backend]:
    """Keep a backend's calls in a folder and hold it to a budget; what was spent in earlier sessions counts.

    Args:
        backend: Who answers.
        folder: Results folder, which this process alone writes to.
        budget: What may be spent.

    Raises:
        InputError: If the record cannot be used.
    """
    if not backend.worth_keeping:
        yield Limited(backend, budget)
        return
    store = CallStore(folder / CALLS)
    try:
        yield Recorded(Limited(backend, budget, *store.spent()), store)
    finally:
        store.close()


@contextlib.contextmanager
def counted(manifest: Manifest, backend: Backend, folder: Path) -> Iterator[None]:
    """Write into the manifest which model answered, and what its servers went through, however it ends."""
    try:
        yield
        manifest.model = backend.model
    finally:
        for what, times in backend.service().items():
            manifest.service[what] = manifest.service.get(what, 0) + times
        manifest.write(folder)
