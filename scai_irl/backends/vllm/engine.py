"""vLLM's engine in this process: started at first use, shared by backends, and closed with the last of them.

There is at most one engine. A GPU holds a model's weights once, and the first engine that ends removes what vLLM has
set up for the process. The engine computes in this process, not in a child process. So the order of its work depends
only on the requests, and a killed process leaves nothing behind.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scai_irl.backends.vllm.environment import Platform, find_platform
from scai_irl.backends.vllm.server_options import WHITESPACE_FREE, single_precision
from scai_irl.io.errors import InputError
from scai_irl.lm.settings import LmSettings

_OURS = {"model": "model", "tensor_parallel_size": "tensor-parallel"}
_SERVE = "serve the model with `scai-irl serve` and use --backend vllm-server"
_LONGEST = 300


@dataclass
class VllmEngine:
    """A running engine.

    Attributes:
        settings: The user's settings.
        llm: The ``vllm.LLM``.
        users: Number of backends that use it.
        lock: Held during a batch, since the engine processes one batch at a time.
    """

    settings: dict[str, Any]
    llm: Any
    users: int
    lock: threading.Lock


_running: list[VllmEngine] = []  # one at most
_lock = threading.Lock()


def check_engine(settings: LmSettings) -> None:
    """Check the settings, and that vLLM is installed.

    Raises:
        InputError: For the first wrong setting, or without vLLM.
    """
    if not settings.model:
        raise InputError("model", "none given", "give the folder of a checkpoint, or a name on the Hugging Face hub")
    looks_like_a_folder = settings.model.startswith((".", "/", "~"))
    if looks_like_a_folder and not Path(settings.model).is_dir():
        hint = "give the folder of a checkpoint, or a name on the Hugging Face hub"
        raise InputError("model", f"there is no folder {settings.model!r}", hint)
    for name, option in _OURS.items():
        if name in settings.engine:
            raise InputError("engine", f"{name} has an option of its own", f"use --{option}")
    if settings.engine.get("data_parallel_size", 1) != 1:
        raise InputError("engine", "one process holds one copy of the model", f"{_SERVE}, which can hold several")
    if importlib.util.find_spec("vllm") is None:
        hint = f"pip install 'scai-irl[vllm]' into the environment of {sys.executable}, or {_SERVE}"
        raise InputError("vllm", "it is not installed here", hint)


def borrow_engine(settings: LmSettings) -> VllmEngine:
    """Return the engine with these settings, and start it if none is running.

    Raises:
        InputError: If the engine cannot be started, or one with other settings is running.
    """
    with _lock:
        if not _running:
            platform = find_platform(sys.executable)
            llm = _start(engine_arguments(settings, platform), platform)
            _running.append(VllmEngine(_wanted_settings(settings), llm, 0, threading.Lock()))
        (engine,) = _running
        if engine.settings != _wanted_settings(settings):
            problem = f"{engine.settings['model']} is already in this process, with other settings"
            raise InputError("model", problem, "close its backend first, or use another process")
        engine.users += 1
        return engine


def give_back_engine(engine: VllmEngine) -> None:
    """Release an engine; after the last release it ends and frees its memory."""
    with _lock:
        engine.users -= 1
        if engine.users == 0:
            _running.remove(engine)
            engine.llm.llm_engine.engine_core.shutdown()
            del engine.llm
            gc.collect()  # the engine refers to itself


def engine_arguments(settings: LmSettings, platform: Platform) -> dict[str, Any]:
    """Return the arguments of ``vllm.LLM``: those of this project's servers, and those that the user adds or changes.

    Args:
        settings: The user's settings.
        platform: Platform of vLLM.

    Example:
        >>> settings = LmSettings("Qwen/Qwen3-8B", tensor_parallel=2, engine={"max_model_len": 4096})
        >>> engine_arguments(settings, Platform("0.32.0", "cuda", ((9, 0),)))["tensor_parallel_size"]
        2
    """
    on_cpu = platform.device == "cpu"
    return {
        "dtype": "float32" if on_cpu else "auto",
        "enforce_eager": on_cpu,
        "enable_chunked_prefill": not on_cpu,  # see `scai_irl.backends.vllm.server_options.server_command`
        # Requests set the sampler; a checkpoint's own defaults would silently change distributions.
        "generation_config": "vllm",
        "structured_outputs_config": WHITESPACE_FREE,
        "enable_prefix_caching": True,
        "use_tqdm_on_load": False,
        **_wanted_settings(settings),
    }


def _wanted_settings(settings: LmSettings) -> dict[str, Any]:
    return {"model": settings.model, "tensor_parallel_size": settings.tensor_parallel, **settings.engine}


def _start(wanted: Mapping[str, Any], platform: Platform) -> Any:
    """Start the engine; environment variables that are already set keep their values."""
    for name, value in _variables(wanted, platform).items():
        os.environ.setdefault(name, value)
    try:
        from vllm import LLM  # noqa: PLC0415 - it takes many seconds, and is optional

        return LLM(**wanted)
    except Exception as problem:  # vLLM, torch and transformers raise many kinds of errors
        message = " ".join(str(problem).split())[:_LONGEST]
        hint = "give other settings with --engine, or try `scai-irl serve`, which keeps a log"
        if "arviz" in sys.modules:
            hint = "import arviz only after the model's first call: vLLM cannot start after it"
        reason = f"it does not start with this model ({type(problem).__name__}: {message})"
        raise InputError("vllm", reason, hint) from problem


def _variables(wanted: Mapping[str, Any], platform: Platform) -> dict[str, str]:
    """Return the environment variables that vLLM reads when it is imported or started."""
    variables = {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",  # JAX has threads, and a process with threads must not be forked
        "VLLM_BATCH_INVARIANT": str(int(platform.batch_invariant)),
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_LOGGING_STREAM": "ext://sys.stderr",  # standard output is for results
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_DO_NOT_TRACK": "1",
        "VLLM_HOST_IP": "127.0.0.1",  # processes that share a model talk among themselves, too
    }
    if platform.device == "cpu":
        variables["VLLM_CPU_KVCACHE_SPACE"] = "1"  # GiB
    else:
        variables |= single_precision(str(wanted["model"]), str(wanted.get("dtype", "auto")))
    if Path(str(wanted["model"])).is_dir():
        variables["HF_HUB_OFFLINE"] = "1"
    return variables
