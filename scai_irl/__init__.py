"""Measure what a language model believes after watching a group act, and compare it with the Bayesian posterior.

``import scai_irl`` is fast, because a name is imported when it is first used.

Example:
    >>> import scai_irl as si
    >>> from envs import Norm, Policy
    >>> si.say_policy(Policy.of(Norm("selfish", (), 200.0, 0.01)))
    'Keep as much as you can for yourself. Hold to this with firmness 200.0, and slip with chance 0.01.'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from scai_irl.io.shadowed import refuse_hidden_packages

if TYPE_CHECKING:
    from envs.registry import make as make_env
    from scai_irl.audit.audit_backend import audit
    from scai_irl.experiment.by_keyword import make_backend, run
    from scai_irl.experiment.definition import experiment
    from scai_irl.io.errors import InputError
    from scai_irl.language.phrases import read_policy, say_policy
    from scai_irl.measure.elicit import elicit
    from scai_irl.report.audit_plot import plot_audit
    from scai_irl.report.posterior_plot import plot_posterior
    from scai_irl.report.study import Study
    from scai_irl.results.results import Results, load

    __version__: str

__all__ = [
    "InputError",
    "Results",
    "Study",
    "__version__",
    "audit",
    "elicit",
    "experiment",
    "load",
    "make_backend",
    "make_env",
    "plot_audit",
    "plot_posterior",
    "read_policy",
    "run",
    "say_policy",
]

_WHERE = {
    "InputError": ("scai_irl.io.errors", "InputError"),
    "Results": ("scai_irl.results.results", "Results"),
    "Study": ("scai_irl.report.study", "Study"),
    "elicit": ("scai_irl.measure.elicit", "elicit"),
    "load": ("scai_irl.results.results", "load"),
    "make_backend": ("scai_irl.experiment.by_keyword", "make_backend"),
    "make_env": ("envs.registry", "make"),
    "plot_audit": ("scai_irl.report.audit_plot", "plot_audit"),
    "plot_posterior": ("scai_irl.report.posterior_plot", "plot_posterior"),
    "read_policy": ("scai_irl.language.phrases", "read_policy"),
    "run": ("scai_irl.experiment.by_keyword", "run"),
    "say_policy": ("scai_irl.language.phrases", "say_policy"),
}
"""Module and name of each object that is imported on first use."""

_CALLABLE = ("audit", "experiment")
"""Packages that are functions as well (`scai_irl.io.callable_package`)."""

refuse_hidden_packages()  # before anything else is imported


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - it reads the metadata of this distribution

        return version("scai-irl")
    if name in _CALLABLE:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _WHERE[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value  # so that it is looked up once
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
