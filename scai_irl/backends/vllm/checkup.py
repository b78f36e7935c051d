"""Check of the installation and of servers, by trial calls through the backend that experiments use.

A version number is not enough: older releases of vLLM accept the field for structured output and silently ignore it. So
each trial requests a form together with a prompt that asks for something else, and checks the answer's form.
"""

from __future__ import annotations

import importlib.metadata
import platform
from contextlib import closing
from dataclasses import dataclass, replace

import jax

from scai_irl.backends.vllm.environment import find_platform, vllm_python
from scai_irl.backends.vllm.server import VllmServer
from scai_irl.backends.vllm.trials import TRIALS, Trial
from scai_irl.io.errors import InputError
from scai_irl.lm.settings import LmSettings

_PACKAGES = ("numpyro", "optax", "arviz", "openai")


@dataclass(frozen=True)
class CheckResult:
    """Result of one check.

    Attributes:
        what: Name of the check.
        works: Whether it passed; None for an optional part that is not installed.
        detail: Version, answer or problem.
        hint: How to fix it, if it failed.
        needed: Whether every experiment with a language model needs it.
    """

    what: str
    works: bool | None
    detail: str
    hint: str = ""
    needed: bool = False


def installed() -> list[CheckResult]:
    """Check the installed packages, and vLLM, which may be in another environment."""
    results = [CheckResult("Python", True, platform.python_version()), _jax(), *map(_package, _PACKAGES)]
    return [*results, _vllm(), _package("ray", "pip install 'scai-irl[cluster]', to spread work over machines")]


def check_server(url: str, settings: LmSettings) -> list[CheckResult]:
    """Check the required and optional features of a server.

    Args:
        url: Its address.
        settings: The model's name, timeouts and retries; other addresses are ignored.

    Raises:
        InputError: If the address has a wrong form.
    """
    with closing(VllmServer(replace(settings, urls=(url,)))) as backend:
        what = "server"
        try:
            (names,) = backend.models().values()
            reached = CheckResult(what, True, f"models: {', '.join(names) or 'none'}", needed=True)
            what = "model"
            model = CheckResult(what, True, backend.model, needed=True)
        except InputError as wrong:
            missing = CheckResult(what, False, f"{wrong.field}: {wrong.problem}", wrong.hint, needed=True)
            return [missing] if what == "server" else [reached, missing]
        return [reached, model, *(_tried(trial, backend) for trial in TRIALS)]


def _jax() -> CheckResult:
    try:
        devices = ", ".join(sorted({str(device.device_kind) for device in jax.devices()}))
    except RuntimeError as problem:
        return CheckResult("jax", False, str(problem), "put JAX's devices right, or set JAX_PLATFORMS=cpu")
    return CheckResult("jax", True, f"{jax.__version__}, {jax.device_count()} device(s): {devices}")


def _package(name: str, hint: str = "") -> CheckResult:
    try:
        return CheckResult(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        needed = not hint  # optional packages have a hint
        return CheckResult(name, False if needed else None, "not installed", hint or "install scai-irl again")


def _vllm() -> CheckResult:
    python = vllm_python()
    try:
        vllm = find_platform(python)
    except InputError as wrong:
        absent = wrong.field == "vllm" and "not installed" in wrong.problem
        return CheckResult("vllm", None if absent else False, wrong.problem, wrong.hint)
    return CheckResult("vllm", True, f"{vllm.version} for {vllm.device}, by {python}")


def _tried(trial: Trial, backend: VllmServer) -> CheckResult:
    try:
        answers = backend.complete(trial.requests)
    except InputError as wrong:
        return CheckResult(trial.what, False, f"{wrong.field}: {wrong.problem}", trial.hint, trial.needed)
    works, detail = trial.read(answers)
    return CheckResult(trial.what, works, detail, "" if works else trial.hint, trial.needed)
