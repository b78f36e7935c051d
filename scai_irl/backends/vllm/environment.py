"""The Python that has vLLM, and the devices that vLLM can use."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

from scai_irl.io.errors import InputError

VARIABLE = "SCAI_IRL_VLLM_PYTHON"
"""Environment variable with the Python that has vLLM, if it is not the Python of scai-irl."""

_OLDEST = (0, 32)  # older releases ignore structured outputs in silence
_BATCH_INVARIANT_FROM = (8, 0)
_SECONDS = 300.0  # the first import of torch from a network's disk takes minutes
_INSTALL = f"pip install 'scai-irl[vllm]', or name in {VARIABLE} the Python of an environment that has it"
# Asking for devices through vLLM itself tells what *it* can use: its build for CPU uses no GPU that may be there.
_PROBE = """
import json
from vllm import __version__
from vllm.platforms import current_platform as platform
cuda = platform.is_cuda()
capabilities = [platform.get_device_capability(number) for number in range(platform.device_count())] if cuda else []
found = [[capability.major, capability.minor] for capability in capabilities if capability]
print(json.dumps({"version": __version__, "device": platform.device_type, "capabilities": found}))
"""


@dataclass(frozen=True)
class Platform:
    """Version and devices of vLLM.

    Attributes:
        version: Version of vLLM.
        device: ``cpu``, ``cuda`` (AMD's GPUs, too), ``xpu``, …
        capabilities: Compute capability of each NVIDIA GPU.
    """

    version: str
    device: str
    capabilities: tuple[tuple[int, int], ...] = ()

    @property
    def batch_invariant(self) -> bool:
        """Return whether answers are known to be independent of the batch that they are computed in.

        Example:
            >>> Platform("0.32.0", "cuda", ((9, 0),)).batch_invariant, Platform("0.32.0", "cpu").batch_invariant
            (True, False)
        """
        return bool(self.capabilities) and min(self.capabilities) >= _BATCH_INVARIANT_FROM


def vllm_python() -> str:
    """Return the path of the Python that has vLLM: the environment variable's, or else this one."""
    return os.environ.get(VARIABLE) or sys.executable


def find_platform(python: str) -> Platform:
    """Find the version and devices of a Python's vLLM, which takes some seconds.

    Args:
        python: Path of the interpreter.

    Raises:
        InputError: If the Python does not exist, or its vLLM is missing, broken or too old.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that the user names, with our own arguments
            [python, "-c", _PROBE],
            env=os.environ | {"PYTHONSAFEPATH": "1", "VLLM_NO_USAGE_STATS": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except OSError as problem:
        raise InputError("python", f"{python} cannot be run ({problem.strerror})", _INSTALL) from problem
    except subprocess.TimeoutExpired as problem:
        raise InputError("python", f"{python} did not import vllm in {_SECONDS:.0f} seconds", "try again") from problem
    if "No module named 'vllm'" in done.stderr:
        raise InputError("vllm", f"it is not installed for {python}", _INSTALL)
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
        platform = Platform(answer["version"], answer["device"], tuple((a, b) for a, b in answer["capabilities"]))
    except (LookupError, TypeError, ValueError) as problem:
        message = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        hint = f"put this right: {python} -c 'import vllm'"
        raise InputError("vllm", f"it cannot be imported; it said: {message}", hint) from problem
    number = re.match(r"(\d+)\.(\d+)", platform.version)
    if number and (int(number[1]), int(number[2])) < _OLDEST:
        hint = "install 0.32 or later, since older releases ignore structured outputs in silence"
        raise InputError("vllm", f"{platform.version} is installed for {python}", hint)
    return platform
