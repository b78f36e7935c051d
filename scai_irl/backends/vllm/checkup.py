"""What is installed, and what servers can really do: found by trying it through the backend that experiments use.

A version says little: older releases of vLLM take the field that asks for a form, and ignore it in silence. So every
form is asked for by a prompt that wants something else, and the answer is looked at.
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
    """One thing that was looked at.

    Attributes:
        what: What was tried.
        works: Whether it works; None for what is not there and not needed.
        found: What was found.
        mend: What to do about it, where something is to be done.
        needed: Whether an experiment with a language model cannot do without it.
    """

    what: str
    works: bool | None
    found: str
    mend: str = ""
    needed: bool = False


def installed() -> list[CheckResult]:
    """Look at what is installed here, and at vLLM, which may be in another environment."""
    found = [CheckResult("Python", True, platform.python_version()), _jax(), *map(_package, _PACKAGES)]
    return [*found, _vllm(), _package("ray", "pip install 'scai-irl[cluster]', to spread work over machines")]


def check_server(url: str, settings: LmSettings) -> list[CheckResult]:
    """Try what experiments need of a server, and what they can do without.

    Args:
        url: Its address.
        settings: The model's name and our patience; other addresses do not count.

    Raises:
        InputError: If the address is none.
    """
    with closing(VllmServer(replace(settings, urls=(url,)))) as backend:
        what = "server"
        try:
            (names,) = backend.models().values()
            reached = CheckResult(what, True, f"models: {', '.join(names) or 'none'}", needed=True)
            what = "model"
            model = CheckResult(what, True, backend.model, needed=True)
        except InputError as wrong:
            missing = CheckResult(what, False, f"{wrong.field}: {wrong.problem}", wrong.mend, needed=True)
            return [missing] if what == "server" else [reached, missing]
        return [reached, model, *(_tried(trial, backend) for trial in TRIALS)]


def _jax() -> CheckResult:
    try:
        devices = ", ".join(sorted({str(device.device_kind) for device in jax.devices()}))
    except RuntimeError as problem:
        return CheckResult("jax", False, str(problem), "put JAX's devices right, or set JAX_PLATFORMS=cpu")
    return CheckResult("jax", True, f"{jax.__version__}, {jax.device_count()} device(s): {devices}")


def _package(name: str, mend: str = "") -> CheckResult:
    try:
        return CheckResult(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        needed = not mend  # those that can be done without say what for
        return CheckResult(name, False if needed else None, "not installed", mend or "install scai-irl again")


def _vllm() -> CheckResult:
    python = vllm_python()
    try:
        vllm = find_platform(python)
    except InputError as wrong:
        absent = wrong.field == "vllm" and "not installed" in wrong.problem
        return CheckResult("vllm", None if absent else False, wrong.problem, wrong.mend)
    return CheckResult("vllm", True, f"{vllm.version} for {vllm.device}, by {python}")


def _tried(trial: Trial, backend: VllmServer) -> CheckResult:
    try:
        answers = backend.complete(trial.requests)
    except InputError as wrong:
        return CheckResult(trial.what, False, f"{wrong.field}: {wrong.problem}", trial.mend, trial.needed)
    works, found = trial.read(answers)
    return CheckResult(trial.what, works, found, "" if works else trial.mend, trial.needed)
