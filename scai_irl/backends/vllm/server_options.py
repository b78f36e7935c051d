"""Options of a vLLM server, their check, and the command and environment that start it."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, field
from pathlib import Path

from scai_irl.backends.vllm.environment import Platform, vllm_python
from scai_irl.io.errors import InputError

WHITESPACE_FREE = {"backend": "xgrammar", "disable_any_whitespace": True}
"""vLLM's settings for structured output: no extra whitespace in JSON, which a poor model might write without end."""

_HIGHEST_PORT = 65_535
_OURS = ("--model", "--served-model-name", "--host", "--port", "--uds", "--api-key")


@dataclass(frozen=True)
class ServerOptions:
    """Options of a server.

    Attributes:
        model: Folder of a checkpoint, or name on the Hugging Face hub.
        name: Name of the model in requests; by default the folder's name, or the name on the hub.
        host: Address to listen at.
        port: Port to listen at; 0 for a free one.
        public: Whether other machines may reach the address.
        api_key: Key that requests must have; by default a new one.
        dtype: Precision; ``auto`` is the checkpoint's precision, and float32 without a GPU.
        max_model_len: Most tokens of a prompt and its answer; by default the model's own limit.
        tensor_parallel: GPUs that share one copy of the model.
        data_parallel: Copies of the model that share the requests.
        gpu_memory: Share of a GPU's memory to use.
        cpu_cache: GiB for keys and values without a GPU.
        max_num_seqs: Most requests computed at once; by default vLLM's own number.
        batch_invariant: Whether an answer must not depend on the batch that it is computed in, which costs speed; by
            default wherever the GPUs allow it (NVIDIA with compute capability 8.0 or more).
        extra: Further arguments of vLLM.
        python: Path of the Python that has vLLM.
    """

    model: str
    name: str | None = None
    host: str = "127.0.0.1"
    port: int = 0
    public: bool = False
    api_key: str | None = field(default=None, repr=False)
    dtype: str = "auto"
    max_model_len: int | None = None
    tensor_parallel: int = 1
    data_parallel: int = 1
    gpu_memory: float = 0.9
    cpu_cache: int = 1
    max_num_seqs: int | None = None
    batch_invariant: bool | None = None
    extra: tuple[str, ...] = ()
    python: str = field(default_factory=vllm_python)

    @property
    def served_name(self) -> str:
        """Return the name of the model in requests.

        Example:
            >>> ServerOptions("Qwen/Qwen3-8B").served_name, ServerOptions("Qwen/Qwen3-8B", name="qwen").served_name
            ('Qwen/Qwen3-8B', 'qwen')
        """
        return self.name or own_name(self.model)


def own_name(model: str) -> str:
    """Return the default name of a model: its folder's name, or the name on the hub.

    Example:
        >>> own_name("Qwen/Qwen3-8B")
        'Qwen/Qwen3-8B'
    """
    return Path(model).resolve().name if Path(model).is_dir() else model


def check_options(options: ServerOptions) -> None:
    """Check that the options can be used, and that the server is not open by mistake.

    Raises:
        InputError: For the first wrong option.
    """
    looks_like_a_folder = options.model.startswith((".", "/", "~"))
    if not options.model or options.model.startswith("-") or (looks_like_a_folder and not Path(options.model).is_dir()):
        hint = "give the folder of a checkpoint, or a name on the Hugging Face hub"
        raise InputError("model", f"there is no folder {options.model!r}", hint)
    if not (options.public or is_loopback(options.host)):
        hint = "listen at 127.0.0.1, or add --public if anyone who reaches the port may use the model"
        raise InputError("host", f"other machines reach {options.host}", hint)
    if not 0 <= options.port <= _HIGHEST_PORT:
        raise InputError("port", f"{options.port} is not a port", "give one from 1 to 65535, or 0 for a free one")
    if options.api_key is not None and not options.api_key.strip():
        raise InputError("api key", "it is empty", "leave it out to have one made")
    if not 0 < options.gpu_memory <= 1:
        raise InputError("gpu-memory", f"{options.gpu_memory} is not a share", "give one above 0 and up to 1")
    for name in ("max_model_len", "tensor_parallel", "data_parallel", "cpu_cache", "max_num_seqs"):
        number = getattr(options, name)
        if number is not None and number < 1:
            raise InputError(name.replace("_", "-"), f"{number} is less than 1", "give 1 or more")
    for word in options.extra:
        if word.partition("=")[0] in _OURS:
            raise InputError("extra", f"{word} has an option of its own", "use that one")


def server_command(options: ServerOptions, platform: Platform) -> list[str]:
    """Return the command that starts the server, without the key, since any user of the machine can read it.

    ``vllm serve`` is newer, but does not start with vLLM's wheel for CPU.

    Args:
        options: Options; the port must not be 0.
        platform: Platform of vLLM.

    Example:
        >>> words = server_command(ServerOptions("Qwen/Qwen3-8B", port=8000), Platform("0.32.0", "cuda", ((9, 0),)))
        >>> words[3:9]
        ['--model', 'Qwen/Qwen3-8B', '--served-model-name', 'Qwen/Qwen3-8B', '--host', '127.0.0.1']
    """
    on_cpu = platform.device == "cpu"
    words: dict[str, object] = {
        "--model": options.model,
        "--served-model-name": options.served_name,
        "--host": options.host,
        "--port": options.port,
        "--dtype": "float32" if on_cpu and options.dtype == "auto" else options.dtype,
        # Requests set the sampler; a checkpoint's own defaults would silently change distributions.
        "--generation-config": "vllm",
        "--structured-outputs-config": json.dumps(WHITESPACE_FREE),
        "--max-model-len": options.max_model_len,
        "--max-num-seqs": options.max_num_seqs,
        "--tensor-parallel-size": options.tensor_parallel,
        "--data-parallel-size": options.data_parallel,
        "--gpu-memory-utilization": None if on_cpu else options.gpu_memory,
    }
    command = [options.python, "-m", "vllm.entrypoints.openai.api_server"]
    for word, value in words.items():
        command += [] if value is None else [word, str(value)]
    # Prompts may contain people's messages, so they are not logged.
    command += ["--enable-prefix-caching", "--no-enable-log-requests", "--disable-uvicorn-access-log"]
    if on_cpu:
        # After a prompt that is read in chunks, vLLM 0.32 resets a seeded sampler. Torch's sampler for CPU cannot do
        # that and the engine dies, as it would with any batch that is large enough.
        command += ["--enforce-eager", "--no-enable-chunked-prefill"]
    return [*command, *options.extra]


def server_environment(options: ServerOptions, platform: Platform) -> dict[str, str]:
    """Return the environment variables of the server, in addition to those of this process.

    Args:
        options: Options, with a key.
        platform: Platform of vLLM.

    Example:
        >>> options = ServerOptions("Qwen/Qwen3-8B", api_key="secret")
        >>> server_environment(options, Platform("0.32.0", "cuda", ((9, 0),)))["VLLM_BATCH_INVARIANT"]
        '1'
    """
    variables = {
        "VLLM_API_KEY": options.api_key or "",
        "VLLM_BATCH_INVARIANT": str(int(is_batch_invariant(options, platform))),
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_DO_NOT_TRACK": "1",
        "PYTHONSAFEPATH": "1",  # no file of the current folder may shadow a module of vLLM
    }
    if platform.device == "cpu":
        variables["VLLM_CPU_KVCACHE_SPACE"] = str(options.cpu_cache)
    else:
        variables |= single_precision(options.model, options.dtype)
    if is_loopback(options.host):
        variables["VLLM_HOST_IP"] = "127.0.0.1"  # its processes communicate with each other, too
    if Path(options.model).is_dir():
        variables["HF_HUB_OFFLINE"] = "1"
    return variables


def single_precision(model: str, dtype: str = "auto") -> dict[str, str]:
    """Return the variables that enforce single precision on GPUs since Ampere; none for models in other precisions.

    Without them, Triton kernels, which vLLM uses for single precision and batch invariance, round factors to ten
    binary digits.

    Args:
        model: A folder, whose configuration defines "auto", or a name, for which "auto" is unknown.
        dtype: The requested precision.

    Example:
        >>> single_precision("Qwen/Qwen3-8B"), single_precision("Qwen/Qwen3-8B", "float32")
        ({}, {'TRITON_F32_DEFAULT': 'ieee'})
    """
    if dtype == "auto":
        try:
            settings = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
            dtype = str(settings.get("dtype", settings.get("torch_dtype")))
        except (OSError, ValueError, AttributeError):  # vLLM reports the problem of the folder
            return {}
    return {"TRITON_F32_DEFAULT": "ieee"} if dtype == "float32" else {}


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_batch_invariant(options: ServerOptions, platform: Platform) -> bool:
    """Return whether an answer must be independent of the batch that it is computed in."""
    return platform.batch_invariant if options.batch_invariant is None else options.batch_invariant
