"""vLLM's engine in this process: started when it is first needed, shared, and ended when nobody needs it any more.

There is one at a time, since a graphics card holds a model's weights once, and since what vLLM sets up for a process is
taken down with the first engine that ends. The engine computes in this very process and not in one beside it: so its
order of work depends on nothing but what is asked, and nothing is left behind by a process that is killed.
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
        asked: What the user asked for when it was started.
        llm: The ``vllm.LLM``.
        users: Backends that need it.
        lock: Held by whoever asks it, since it does one thing at a time.
    """

    asked: dict[str, Any]
    llm: Any
    users: int
    lock: threading.Lock


_running: list[VllmEngine] = []  # one at most
_lock = threading.Lock()


def check_engine(settings: LmSettings) -> None:
    """Refuse settings that no engine can be started with, and a process that has no vLLM.

    Raises:
        InputError: For the first that is wrong.
    """
    if not settings.model:
        raise InputError("model", "none given", "give the folder of a checkpoint, or a name on the Hugging Face hub")
    looks_like_a_folder = settings.model.startswith((".", "/", "~"))
    if looks_like_a_folder and not Path(settings.model).is_dir():
        mend = "give the folder of a checkpoint, or a name on the Hugging Face hub"
        raise InputError("model", f"there is no folder {settings.model!r}", mend)
    for name, option in _OURS.items():
        if name in settings.engine:
            raise InputError("engine", f"{name} has an option of its own", f"use --{option}")
    if settings.engine.get("data_parallel_size", 1) != 1:
        raise InputError("engine", "one process holds one copy of the model", f"{_SERVE}, which can hold several")
    if importlib.util.find_spec("vllm") is None:
        mend = f"pip install 'scai-irl[vllm]' into the environment of {sys.executable}, or {_SERVE}"
        raise InputError("vllm", "it is not installed here", mend)


def borrow_engine(settings: LmSettings) -> VllmEngine:
    """Take part in the engine with these settings, which is started if there is none.

    Raises:
        InputError: If it cannot be started, or one with other settings is running.
    """
    with _lock:
        if not _running:
            platform = find_platform(sys.executable)
            llm = _start(engine_arguments(settings, platform), platform)
            _running.append(VllmEngine(_asked(settings), llm, 0, threading.Lock()))
        (engine,) = _running
        if engine.asked != _asked(settings):
            problem = f"{engine.asked['model']} is already in this process, with settings of its own"
            raise InputError("model", problem, "close its backend first, or use another process")
        engine.users += 1
        return engine


def give_back_engine(engine: VllmEngine) -> None:
    """Need an engine no longer; when nobody does, it ends and its memory is free."""
    with _lock:
        engine.users -= 1
        if engine.users == 0:
            _running.remove(engine)
            engine.llm.llm_engine.engine_core.shutdown()
            del engine.llm
            gc.collect()  # the engine refers to itself


def engine_arguments(settings: LmSettings, platform: Platform) -> dict[str, Any]:
    """Arguments of ``vllm.LLM``: those of our servers, and what the user adds or changes.

    Args:
        settings: What is wanted.
        platform: What vLLM computes on.

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
        # Requests say how to sample; a checkpoint's own wishes would change distributions unseen.
        "generation_config": "vllm",
        "structured_outputs_config": WHITESPACE_FREE,
        "enable_prefix_caching": True,
        "use_tqdm_on_load": False,
        **_asked(settings),
    }


def _asked(settings: LmSettings) -> dict[str, Any]:
    return {"model": settings.model, "tensor_parallel_size": settings.tensor_parallel, **settings.engine}


def _start(wanted: Mapping[str, Any], platform: Platform) -> Any:
    """Start the engine; what the environment already says of vLLM is left as it is."""
    for name, value in _variables(wanted, platform).items():
        os.environ.setdefault(name, value)
    try:
        from vllm import LLM  # noqa: PLC0415 - it takes many seconds, and need not be there

        return LLM(**wanted)
    except Exception as problem:  # whatever vLLM, torch and the transformers library raise
        said = " ".join(str(problem).split())[:_LONGEST]
        mend = "give other settings with --engine, or try `scai-irl serve`, which keeps a log"
        if "arviz" in sys.modules:
            mend = "import arviz only after the model was asked first: vLLM cannot start after it"
        raise InputError("vllm", f"it does not start with this model ({type(problem).__name__}: {said})", mend) from (
            problem
        )


def _variables(wanted: Mapping[str, Any], platform: Platform) -> dict[str, str]:
    """Variables that vLLM reads when it is imported or started."""
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
