"""Follow a page that installs something: in an empty folder, with an environment of its own."""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from tests.docs.pages import ROOT, blocks
from tests.scai_irl.program import environment


def follow(page: Path, folder: Path) -> str:
    """Write the files of a page and run its commands, in the order of the page; give back all that they print.

    The environment is new. It finds this project and its dependencies in the present one, so that ``pip`` needs no
    network: it installs what stands in the folder and nothing else.
    """
    python = _environment(folder.parent / f"{folder.name}-environment")
    printed = []
    for block in blocks(page):
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.kind == "python":
            printed.append(_run([str(python), "-c", block.text], folder))
        for command in block.commands if block.kind == "console" else ():
            printed.append(_run(_words(command, python), folder))
    return "\n".join(printed)


def _environment(folder: Path) -> Path:
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(_run([str(python), "-c", where], folder).strip())
    (site / "zz_everything_else.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n", encoding="utf-8")
    return python


def _words(command: str, python: Path) -> list[str]:
    program, *words = shlex.split(command)
    if program == "pip":
        here = [word for word in words if word not in {"install", "-e"}] == ["."]
        offline = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        return [*pip, *words, *offline] if here else [str(python), "-c", f"import {words[-1]}"]
    if program == "scai-irl":
        return [str(python), "-c", "from scai_irl.cli.main import main; main()", *words]
    return [str(python), *([] if program == "python" else ["-m", program, "-p", "no:cacheprovider"]), *words]


def _run(words: list[str], folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
