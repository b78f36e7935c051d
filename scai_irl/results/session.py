"""Backend of one experiment, which stores calls in the results folder, respects a budget and counts problems."""

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
def stored(backend: Backend, folder: Path, budget: Budget) -> Iterator[Backend]:
    """Store a backend's calls in a folder and limit it to a budget, which earlier sessions share.

    Args:
        backend: The backend.
        folder: Results folder of this process.
        budget: Limits of calls and tokens.

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
    """Write the model and the problems of its servers into the manifest, also after an error."""
    try:
        yield
        manifest.model = backend.model
    finally:
        for what, times in backend.service().items():
            manifest.service[what] = manifest.service.get(what, 0) + times
        manifest.write(folder)
