"""Every backend obeys the contract. A new backend of the registry needs its tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.backends.registry import BACKENDS, make_backend
from scai_irl.experiment.config import check
from scai_irl.experiment.model_options import LmConfig
from scai_irl.io.errors import InputError
from scai_irl.lm.cache import CALLS, CallStore
from scai_irl.lm.protocol import Backend
from scai_irl.lm.replay import Recorded
from scai_irl.lm.settings import LmSettings
from scai_irl.testing.backend_laws import BackendContract, ModelContract, every_request
from tests.scai_irl.backends.fake_server import FakeServer, fake_server
from tests.tiny_model import make_tiny


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
    """The contract with a fake server. tests/vllm has it with a real one."""

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


class TestEmbedded(ModelContract):
    name = "embedded"
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _write(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.folder = make_tiny(tmp_path_factory.mktemp("models") / "tiny")

    def make(self) -> Backend:
        return make_backend("embedded", LmSettings(model=str(self.folder)))


IN_TESTS_VLLM = {"vllm-offline"}
"""Backends that need an engine. Their contract is in `tests/vllm/offline_contract.py`."""


def test_every_registered_backend_is_tested() -> None:
    here = {kind.name for kind in (TestPhrasebook, TestReplay, TestVllmServer, TestEmbedded)}
    assert set(BACKENDS) == here | IN_TESTS_VLLM
    contract = (Path(__file__).parents[2] / "vllm" / "offline_contract.py").read_text(encoding="utf-8")
    assert all(f'name = "{name}"' in contract for name in IN_TESTS_VLLM)


def test_vllm_in_process_needs_a_model_and_vllm_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(model: str, **engine: object) -> Backend:
        return make_backend("vllm-offline", LmSettings(model, engine=engine))

    with pytest.raises(InputError, match=r"^model: none given; give the folder"):
        make("")
    with pytest.raises(InputError, match=r"^model: there is no folder '\./nowhere'"):
        make("./nowhere")
    with pytest.raises(InputError, match=r"^engine: tensor_parallel_size has an option .*; use --tensor-parallel"):
        make(str(tmp_path), tensor_parallel_size=2)
    with pytest.raises(InputError, match=r"^engine: one process holds one copy .*--backend vllm-server"):
        make(str(tmp_path), data_parallel_size=2)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"^vllm: it is not installed here; pip install 'scai-irl\[vllm\]' into"):
        make(str(tmp_path))


@pytest.mark.parametrize(
    "words", [("max_model_len",), ("=3",), ("a b=3",), ("x=",), ("x=1", "x=2"), ("max-len=1", "max_len=2")]
)
def test_a_setting_of_the_engine_that_cannot_be_read_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"^engine: .*; (write it as name=value|give it once)"):
        check(LmConfig, {"engine": words})


def test_an_unknown_backend_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown backend 'oracle of Delphi'; there are .*phrasebook"):
        make_backend("oracle of Delphi")
