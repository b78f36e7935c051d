"""Every backend keeps to the contract; one that is added to the registry has to have its tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from scai_irl.lm.phrasebook import Phrasebook
from scai_irl.lm.protocol import Backend
from scai_irl.lm.recorded import Recorded
from scai_irl.lm.registry import BACKENDS, make_backend
from scai_irl.lm.settings import LmSettings
from scai_irl.records.calls import CALLS, CallStore
from tests.scai_irl.lm.contract import BackendContract, ModelContract, every_request
from tests.scai_irl.lm.fake_server import FakeServer, fake_server


class TestPhrasebook(BackendContract):
    name = "phrasebook"

    def make(self) -> Backend:
        return make_backend("phrasebook")


class TestRecorded(BackendContract):
    name = "phrasebook"

    @pytest.fixture(autouse=True)
    def _store(self, tmp_path: Path) -> Iterator[None]:
        self.store = CallStore(tmp_path / CALLS)
        yield
        self.store.close()

    def make(self) -> Backend:
        return Recorded(Phrasebook(), self.store)


class TestReplay(BackendContract):
    name = "replay"
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _record(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.folder = tmp_path_factory.mktemp("recorded")
        store = CallStore(cls.folder / CALLS)
        Recorded(Phrasebook(), store).complete(every_request())
        store.close()

    def make(self) -> Backend:
        return make_backend("replay", LmSettings(replay=self.folder))


class TestVllmServer(ModelContract):
    """Before a server that is none; tests/vllm has it before a real one."""

    name = "vllm-server"
    server: ClassVar[FakeServer]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _serve(cls) -> Iterator[None]:
        with fake_server() as server:
            cls.server = server
            yield

    def make(self) -> Backend:
        return make_backend("vllm-server", LmSettings(urls=(self.server.url,)))


def test_every_registered_backend_is_tested() -> None:
    assert set(BACKENDS) == {kind.name for kind in (TestPhrasebook, TestReplay, TestVllmServer)}


def test_an_unknown_backend_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown backend 'oracle of Delphi'; there are .*phrasebook"):
        make_backend("oracle of Delphi")
