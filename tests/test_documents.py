"""The README and the guide say what is true: their code runs, as written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "guide.md")
_BLOCK = re.compile(r"```(python|console)\n(.*?)```", re.DOTALL)


def _blocks(document: Path, kind: str) -> list[str]:
    return [text for found, text in _BLOCK.findall(document.read_text(encoding="utf-8")) if found == kind]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python_in_the_document_runs(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = _blocks(document, "python")
    assert blocks
    monkeypatch.chdir(tmp_path)
    shared: dict[str, object] = {"__name__": "document"}
    for block in blocks:
        exec(compile(block, str(document), "exec"), shared)  # noqa: S102 - our own text


def test_commands_in_the_guide_run_in_order(tmp_path: Path) -> None:
    # Commands that need recorded data, or the checkout itself, stand outside console blocks of the guide.
    program = str(Path(sys.executable).parent / "scai-irl")
    lines = [line[2:] for block in _blocks(DOCUMENTS[1], "console") for line in block.splitlines() if line[:2] == "$ "]
    assert any(line.startswith("scai-irl run") for line in lines)
    for line in lines:
        words = shlex.split(line)
        assert words[0] == "scai-irl"
        done = subprocess.run(
            [program, *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ)
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"


def test_the_library_in_ten_lines_is_ten_lines() -> None:
    block = _blocks(DOCUMENTS[0], "python")[0]
    assert len([line for line in block.splitlines() if line.strip()]) <= 12  # ten, and two imports of ours


def test_links_to_files_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
