"""Tables for papers: LaTeX that plain pdflatex accepts, for any content of the cells."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import envs
import experiments
import inference
import scai_irl
from scai_irl.report.latex import COMMANDS, plain_latex
from scai_irl.report.tables import save_table

FLOORS = [Path(str(floor.__file__)).parent for floor in (envs, inference, scai_irl, experiments)]
TERMINAL = {"command_line.py", "doctor.py", "errors.py", "page.py"}
"""Modules with characters that never appear in tables: for the terminal, or invisible ones in a web page."""


def labels(file: Path) -> Iterator[str]:
    """Strings of a file without its docstrings."""
    tree = ast.parse(file.read_text())
    alone = {id(line.value) for line in ast.walk(tree) if isinstance(line, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_a_table_with_all_symbols_is_ascii_and_the_other_files_keep_them(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"W₁": ["λ ± 0.1", "–"], "R̂ ≥ 1": ["50 % a_b", "".join(COMMANDS)], "Fränken": ["x > 1 & y", "é中"]}
    )
    save_table(tmp_path, "all", table)
    source = (tmp_path / "all.tex").read_text()
    assert source.isascii()
    for written in (
        r"W\ensuremath{_1}",
        r"\ensuremath{\lambda} \ensuremath{\pm} 0.1",
        r"\ensuremath{\hat{R}} \ensuremath{\geq} 1",
        r"50 \% a\_b",
        r"Fr\"{a}nken",
        r"x \ensuremath{>} 1 \& y",
        r"\'{e}[CJK UNIFIED IDEOGRAPH-4E2D]",
    ):
        assert written in source
    assert (tmp_path / "all.csv").read_text().startswith("W₁,R̂ ≥ 1,Fränken\nλ ± 0.1,")
    assert "| λ ± 0.1" in (tmp_path / "all.md").read_text()


@pytest.mark.parametrize("character", COMMANDS)
def test_commands_are_ascii_and_closed(character: str) -> None:
    command = COMMANDS[character]
    assert command.isascii()
    assert command.count("{") == command.count("}")
    assert plain_latex(f"a{character}b") == f"a{command}b"


def test_every_character_of_our_own_labels_has_a_command() -> None:
    files = [file for floor in FLOORS for file in sorted(floor.rglob("*.py")) if file.name not in TERMINAL]
    assert len(files) > 200
    unknown = {
        text
        for file in files
        for text in labels(file)
        if file.name != "latex.py" and "[" in plain_latex(text.replace("[", ""))
    }
    assert not unknown
