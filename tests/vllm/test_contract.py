"""The backend contract with a real vLLM server and a tiny model."""

from __future__ import annotations

from typing import ClassVar

import pytest

from scai_irl.backends.registry import make_backend
from scai_irl.backends.vllm.serving import RunningServer
from scai_irl.lm.protocol import Backend
from scai_irl.lm.settings import LmSettings
from scai_irl.testing.backend_laws import ModelContract


class TestVllmServer(ModelContract):
    name = "vllm-server"
    server: ClassVar[RunningServer]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _use(cls, server: RunningServer) -> None:
        cls.server = server

    def make(self) -> Backend:
        return make_backend("vllm-server", LmSettings(urls=(self.server.url,), api_key=self.server.api_key))
