"""Served model, and its precision."""

from __future__ import annotations

from pathlib import Path

import pytest

from scai_irl.backends.vllm.engine import _variables
from scai_irl.backends.vllm.environment import Platform
from scai_irl.backends.vllm.serving import ServerOptions, server_environment
from scai_irl.cli.serve import Serve
from scai_irl.organisms.shipped import organism_folder

CPU = Platform("0.32.0", "cpu")
HOPPER = Platform("0.32.0", "cuda", ((9, 0),))


def test_an_organism_is_served_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = Serve("bayes").options()
    assert options.model == str(organism_folder("bayes"))
    assert options.served_name == "bayes"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bayes").mkdir()
    assert Serve("./bayes").options().model == "./bayes"


@pytest.mark.parametrize(
    ("configuration", "dtype", "full_precision"),
    [
        ('{"dtype": "float32"}', "auto", True),
        ('{"torch_dtype": "float32"}', "auto", True),
        ('{"dtype": "bfloat16"}', "auto", False),
        ('{"dtype": "bfloat16"}', "float32", True),
        ('{"dtype": "float32"}', "bfloat16", False),
        ("[]", "auto", False),
        ("{", "auto", False),
    ],
)
def test_a_model_in_single_precision_is_kept_to_it_by_servers_and_engines(
    configuration: str, dtype: str, full_precision: bool, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(configuration, encoding="utf-8")
    environment = server_environment(ServerOptions(str(tmp_path), dtype=dtype), HOPPER)
    wanted = {"model": str(tmp_path)} | ({} if dtype == "auto" else {"dtype": dtype})
    for variables in (environment, _variables(wanted, HOPPER)):
        assert variables.get("TRITON_F32_DEFAULT") == ("ieee" if full_precision else None)
    assert "TRITON_F32_DEFAULT" not in server_environment(ServerOptions(str(tmp_path), dtype=dtype), CPU)
