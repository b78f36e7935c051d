"""Follow a page that installs something: in an empty folder, with an environment of its own."""

from __future__ import annotations

import shlex
import subprocess
import sysconfig
import tomllib
import venv
from pathlib import Path

from tests.docs.pages import ROOT, blocks
from tests.scai_irl.program import environment


def follow(page: Path, folder: Path) -> str:
    """Write the files of a page and run its commands, in the order of the page. Return everything they print.

    The environment is new and finds this project with its dependencies in the present one. ``pip install -e .`` is done
    by hand, from what ``pyproject.toml`` says, since pip would ask a network for tools that build.
    """
    site = _environment(folder.parent / f"{folder.name}-environment")
    python = next(parent for parent in site.parents if (parent / "bin").exists()) / "bin" / "python"
    printed = []
    for block in blocks(page):
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.kind == "python":
            printed.append(_run([str(python), "-c", block.text], folder))
        for command in block.commands if block.kind == "console" else ():
            if command == "pip install -e .":
                _install(folder, site)
            else:
                printed.append(_run(_words(command, python), folder))
    return "\n".join(printed)


def _environment(folder: Path) -> Path:
    """Make an environment and return its folder of packages."""
    venv.create(folder, with_pip=False, symlinks=True)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(_run([str(folder / "bin" / "python"), "-c", where], folder).strip())
    (site / "zz_everything_else.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n", encoding="utf-8")
    return site


def _install(folder: Path, site: Path) -> None:
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    name, version = project["project"]["name"], project["project"]["version"]
    assert all((folder / f"{module}.py").exists() for module in project["tool"]["setuptools"]["py-modules"])
    (site / f"{name}.pth").write_text(f"{folder}\n", encoding="utf-8")
    metadata = site / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    header = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (metadata / "METADATA").write_text(header, encoding="utf-8")
    lines = []
    for group, entries in project["project"]["entry-points"].items():
        lines += [f"[{group}]", *(f"{entry} = {value}" for entry, value in entries.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _words(command: str, python: Path) -> list[str]:
    program, *words = shlex.split(command)
    if program == "pip":
        return [str(python), "-c", f"import {words[-1]}"]  # it is installed here already
    if program == "scai-irl":
        return [str(python), "-c", "from scai_irl.cli.main import main; main()", *words]
    return [str(python), *([] if program == "python" else ["-m", program, "-p", "no:cacheprovider"]), *words]


def _run(words: list[str], folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
