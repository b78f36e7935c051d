"""Audit a language model from Python, with the options of ``scai-irl audit model`` as keywords."""

from __future__ import annotations

from typing import Any

from scai_irl.audit.scorecard import AuditConfig, keep_audit, run_audit
from scai_irl.experiment.by_keyword import checked
from scai_irl.experiment.model_options import ModelConfig
from scai_irl.io.errors import InputError
from scai_irl.lm.protocol import Backend
from scai_irl.results.results import Results

_OF_REQUESTS = {"temperature", "max_tokens", "budget_calls", "budget_tokens"}
"""Options of `ModelConfig` that hold for any backend; the others say how a backend is made."""


def audit(backend: Backend | str, **options: Any) -> Results:
    """Compare a language model's beliefs about a fixed battery of games with the exact posterior.

    Args:
        backend: The model, made by `scai_irl.make_backend`, or the name of a backend.
        options: Options of ``scai-irl audit model`` by keyword, such as ``preset``, ``channels``, ``draws``, ``seed``
            and ``out``. The options that make a backend (``model``, ``url``, …) go with the name of a backend only.

    Returns:
        Score card, beliefs and texts. `scai_irl.plot_audit` draws the score card.

    Raises:
        InputError: If an option is wrong, the model cannot be asked, or the folder cannot be used.

    Example:
        ``si.audit("phrasebook", channels=["token"])`` takes about a minute. A wrong option is refused at once:

        >>> import scai_irl as si
        >>> si.audit("phrasebook", chanels=["token"])
        Traceback (most recent call last):
        scai_irl.io.errors.InputError: chanels: audit has no such option; perhaps you meant channels
    """
    if isinstance(backend, str):
        return run_audit(checked("audit", AuditConfig, {"backend": backend, **options}))
    for name in options:
        if name in ModelConfig.model_fields and name not in _OF_REQUESTS:
            hint = f"leave it out, or give the backend by name: audit({backend.name!r}, {name}=…)"
            raise InputError(name, "the backend is made already", hint)
    config = checked("audit", AuditConfig, options)
    model = {"backend": backend.name, "model": backend.model}
    return keep_audit(backend, config, {**config.model_dump(mode="json"), **model})
