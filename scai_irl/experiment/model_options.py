"""Options of an experiment's language model: fields of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from scai_irl.agents.users import UsersBy
from scai_irl.backends.estimate import Estimate, estimate
from scai_irl.backends.registry import get_backend, make_backend
from scai_irl.language.asking import Style
from scai_irl.language.instructions import WORDINGS
from scai_irl.lm.budget import Budget
from scai_irl.lm.protocol import Backend
from scai_irl.lm.settings import LmSettings, read_engine

_DEFAULT, _STYLE = LmSettings(), Style()


class ModelConfig(BaseModel):
    """Options of a language model; options that cannot change the numbers are not part of the hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str = Field(
        "phrasebook", description="Language model: phrasebook, embedded, vllm-server, vllm-offline, replay."
    )
    model: str = Field(
        "", description="Name of the model, its folder, or an organism; not needed if a server has only one model."
    )
    temperature: float = Field(
        _STYLE.temperature, ge=0, le=10, description="Temperature of the model; 1 is its own distribution."
    )
    max_tokens: int = Field(_STYLE.max_tokens, ge=1, le=100_000, description="Maximum tokens of an answer.")
    url: tuple[str, ...] = Field(
        _DEFAULT.urls, exclude=True, description="Servers of the model; requests are spread over them."
    )
    concurrency: int = Field(
        _DEFAULT.concurrency, ge=1, le=100_000, exclude=True, description="Requests in flight at each server."
    )
    timeout: float = Field(
        _DEFAULT.timeout, gt=0, exclude=True, description="Seconds after which a request is sent again."
    )
    attempts: int = Field(
        _DEFAULT.attempts,
        ge=1,
        le=1000,
        exclude=True,
        description="Maximum times that a request is sent before the run stops.",
    )
    pause: float = Field(
        _DEFAULT.pause, ge=0, exclude=True, description="Mean seconds before a request is sent the second time."
    )
    tensor_parallel: int = Field(
        _DEFAULT.tensor_parallel,
        ge=1,
        le=1024,
        exclude=True,
        description="GPUs that share one copy of the model, with --backend vllm-offline.",
    )
    engine: tuple[str, ...] = Field(
        (), description="Further settings of vLLM, such as max_model_len=4096, with --backend vllm-offline."
    )
    replay: Path | None = Field(
        None, exclude=True, description="Results folder whose stored calls give the answers, with --backend replay."
    )
    budget_calls: int | None = Field(
        None, ge=0, exclude=True, description="Maximum calls over all sessions; the run stops there and can be resumed."
    )
    budget_tokens: int | None = Field(
        None,
        ge=0,
        exclude=True,
        description="Maximum tokens over all sessions; the run stops there and can be resumed.",
    )

    dry_run: bool = Field(False, exclude=True, description="Estimate the cost without asking a model.")
    speed: tuple[float, float] = Field(
        (500.0, 20_000.0),
        exclude=True,
        description="Tokens per second, read and written, of slow and fast servers; for --dry-run.",
    )
    price: tuple[float, float] = Field(
        (0.0, 0.0),
        exclude=True,
        description="Price of a million tokens read and of a million tokens written; for --dry-run.",
    )

    @field_validator("speed")
    @classmethod
    def _possible_speed(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 < value[0] <= value[1]:
            raise ValueError(f"{value} is no range; give the slower one first, both above 0")
        return value

    @field_validator("price")
    @classmethod
    def _possible_price(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not all(0 <= price < inf for price in value):
            raise ValueError(f"{value} are no prices; give two numbers of 0 or more")
        return value

    @field_validator("backend")
    @classmethod
    def _known_backend(cls, value: str) -> str:
        get_backend(value)
        return value

    @field_validator("engine")
    @classmethod
    def _readable_engine(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        read_engine(value)
        return value

    @property
    def budget(self) -> Budget:
        """Limits on calls and tokens."""
        return Budget(self.budget_calls, self.budget_tokens)

    def estimate(self, work: Callable[[Backend], object], times: float = 1.0) -> Estimate:
        """Estimate the cost of work that is repeated a number of times."""
        return estimate(work, self.speed, self.price, times)

    def open_backend(self) -> Backend:
        """Open the backend.

        Raises:
            InputError: If the backend cannot be opened.
        """
        settings = LmSettings(
            model=self.model,
            urls=self.url,
            concurrency=self.concurrency,
            timeout=self.timeout,
            attempts=self.attempts,
            pause=self.pause,
            replay=self.replay,
            tensor_parallel=self.tensor_parallel,
            engine=read_engine(self.engine),
        )
        return make_backend(self.backend, settings)


class LmConfig(ModelConfig):
    """Options of an experiment's language model, and the wording of its instructions."""

    wording: int = Field(_STYLE.wording, ge=1, le=WORDINGS, description="Wording of all instructions, 1 to 5.")

    @property
    def style(self) -> Style:
        """Wording and sampling of requests."""
        return Style(self.wording, self.temperature, self.max_tokens)


class UsersConfig(LmConfig):
    """Options of a language model that may also play the users."""

    users_by: UsersBy = Field(
        "simulation", description="Source of users' behaviour: a simulation or the language model."
    )
