"""Folders of models are written and read back, and refused in one line if they cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scai_irl.io.errors import InputError
from scai_irl.llama.model_folder import CONFIG, TEMPLATE, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS, read_model, write_model
from tests.tiny_model import make_tiny


def test_what_was_written_is_read_back(tiny: Path, tmp_path: Path) -> None:
    model = read_model(tiny)
    write_model(tmp_path / "again", model)
    for file in sorted(tiny.iterdir()):
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()
    again = read_model(tmp_path / "again")
    assert again.architecture == model.architecture
    assert all(np.array_equal(again.weights[name], model.weights[name]) for name in model.weights)


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def torn(name: str) -> Callable[[Path], None]:
    def tear(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:40])

    return tear


def changed(name: str, **values: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        settings = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(settings | values))

    return change


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        *((without(name), f"has no {name}") for name in (CONFIG, WEIGHTS, TOKENIZER, TOKENIZER_CONFIG, TEMPLATE)),
        *((torn(name), "cannot be read") for name in (CONFIG, WEIGHTS, TOKENIZER, TOKENIZER_CONFIG)),
        (changed(CONFIG, model_type="gpt2"), "no plain Llama"),
        (changed(CONFIG, rope_parameters={"rope_type": "yarn"}), "no plain Llama"),
        (changed(CONFIG, hidden_size=65), "has the shape"),
        (changed(CONFIG, num_hidden_layers=3), "cannot be read"),
        (changed(TOKENIZER_CONFIG, eos_token="<|nowhere|>"), "no token '<|nowhere|>'"),  # noqa: S106
    ],
)
def test_folders_that_cannot_be_read_are_refused_in_one_line(
    spoil: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    folder = make_tiny(tmp_path / "model")
    spoil(folder)
    with pytest.raises(InputError) as refused:
        read_model(folder)
    assert message in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
