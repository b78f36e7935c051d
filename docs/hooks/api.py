"""The API reference: a page for each public module, and names of modules in other pages as links to it.

Modules are found in the checkout, so that a new one has its page without a line in mkdocs.yml.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
FLOORS = ("envs", "inference", "scai_irl", "experiments")

_NAME = re.compile(rf"(?<![`\[])`((?:{'|'.join(FLOORS)})(?:\.\w+)*)`(?![`\]])")
_LINK, _LINK_IF_THERE = r"[`\1`][\1]", r'<autoref identifier="\1" optional><code>\1</code></autoref>'
_CODE = re.compile(r"(^```.*?^```$|^ {4}.*$)", re.DOTALL | re.MULTILINE)


@functools.cache
def public_modules() -> dict[str, Path]:
    """Files of all modules without a leading underscore, by name; packages stand before what is in them."""
    modules = {}
    for floor in FLOORS:
        for file in sorted((ROOT / floor).rglob("*.py")):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if not any(part.startswith("_") for part in name.split(".")):
                modules[name] = file
    return dict(sorted(modules.items(), key=lambda pair: (FLOORS.index(pair[0].split(".")[0]), pair[0].split("."))))


def on_config(config: MkDocsConfig) -> None:
    """Put the modules behind the pages that mkdocs.yml names."""
    modules = public_modules()
    floors = [_section(floor, modules) for floor in FLOORS]
    config.nav = [*(config.nav or []), {"API": ["api/index.md", *floors]}]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Make the pages."""
    modules = public_modules()
    for name, file in modules.items():
        files.append(File.generated(config, f"api/{place(name, file)}", content=f"::: {name}\n"))
    files.append(File.generated(config, "api/index.md", content=_index(modules)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Link names of modules and of what is in them; where a page has a name that there is not, a strict build stops.

    CONTRIBUTING.md also names a group of entry points, which looks like a module and is none.
    """
    if page.file.src_uri.startswith("api/"):
        return markdown
    link = _LINK_IF_THERE if page.file.src_uri == "contributing.md" else _LINK
    chunks = _CODE.split(markdown)
    return "".join(chunk if index % 2 else _NAME.sub(link, chunk) for index, chunk in enumerate(chunks))


def place(name: str, file: Path) -> str:
    """Page of a module, in the reference; that of a package opens its section.

    Example:
        >>> place("envs.planning", Path("envs/planning.py")), place("envs", Path("envs/__init__.py"))
        ('envs/planning.md', 'envs/index.md')
    """
    folder = name.replace(".", "/")
    return f"{folder}/index.md" if file.stem == "__init__" else f"{folder}.md"


def _section(name: str, modules: dict[str, Path]) -> dict[str, Any]:
    """A module's entry in the navigation, with those of the modules in it."""
    inner = [_section(other, modules) for other in modules if other.rpartition(".")[0] == name]
    page, title = f"api/{place(name, modules[name])}", name.rpartition(".")[2]
    return {title: [page, *inner]} if modules[name].stem == "__init__" else {title: page}


def _index(modules: dict[str, Path]) -> str:
    """The first page: what each module is, in a line."""
    lines = ["# API", "", "Every public module, from the ground up; none imports from a floor above its own."]
    for name, file in modules.items():
        if name in FLOORS:
            lines += ["", f"## {name}", "", "| module | |", "|---|---|"]
        summary = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        lines.append(f"| [{name}]({place(name, file)}) | {summary.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"
