"""Pages of the documentation as tests see them: blocks that run, commands that are only shown, and how a page is run.

A page is run from top to bottom in a folder of its own. A ```python block is executed in the page's namespace, or, with
a title, written to the file of that name; the lines of a ```console block that begin with ``$`` are commands.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from scai_irl.cli.main import main
from tests.scai_irl.program import environment

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").rglob("*.md"))

_BLOCK = re.compile(r"^```(?P<kind>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of a page.

        Attributes:
            kind: Language.
    title: Name of the file that a python block is written to; empty without one.
    text: Content.
    """

    kind: str
    title: str
    text: str

    @property
    def commands(self) -> list[str]:
        """Commands of a console block."""
        return [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]


def blocks(page: Path, kind: str = "") -> list[Block]:
    """Fenced blocks of a page, in order, optionally of one language."""
    text = page.read_text(encoding="utf-8")
    fenced = [Block(match["kind"], match["title"] or "", match["text"]) for match in _BLOCK.finditer(text)]
    assert text.count("\n```") == 2 * len(fenced), f"{page.name}: a block that is not understood"
    return [block for block in fenced if kind in ("", block.kind)]


def run_page(page: Path) -> None:
    """Run the code and commands of a page in the current folder."""
    shared: dict[str, Any] = {"__name__": "document"}
    for block in blocks(page):
        if block.kind == "python" and block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.kind == "python":
            execute(block, shared)
        elif block.kind == "console":
            for command in block.commands:
                run_command(command)


def execute(block: Block, shared: dict[str, Any]) -> None:
    """Execute a python block in a namespace. Its annotations follow the page's imports, not this file's."""
    exec(compile(block.text, "document", "exec", dont_inherit=True), shared)  # noqa: S102 - our own text


def run_command(command: str) -> str:
    """Run a command of a page in the current folder and return its output. ``scai-irl`` runs in this process."""
    program, *words = shlex.split(command)
    if program == "scai-irl":
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            main(words)
        return printed.getvalue()
    assert program == "python", command
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def shown_commands(page: Path) -> Iterator[str]:
    """Commands of this program in a page's text: in indented blocks and between backticks, on one line each."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    yield from re.findall(r"^ {4}(?:\$ )?(scai-irl .*)$", text, re.MULTILINE)
    yield from re.findall(r"`(scai-irl [^`\n]+)`", text)
