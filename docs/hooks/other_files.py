"""Pages that are made of other files: the notebooks, and CONTRIBUTING.md.

What is stored in a notebook is shown, and nothing is run; a test sees to it that it is what the notebook prints. Links
in the pages name the files themselves, so that they lead somewhere without the site, too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter

ROOT = Path(__file__).parents[2]

_NOTEBOOK = re.compile(r"\]\((notebooks/\w+)\.ipynb\)")
_END = "\n\n[This notebook]({name}.ipynb) is in `docs/notebooks`; a test runs it, and it prints what is shown.\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page with its figures for each notebook, which can still be downloaded, and CONTRIBUTING.md."""
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        place = Path(file.src_uri).with_suffix("")
        shown, resources = MarkdownExporter().from_notebook_node(nbformat.reads(file.content_string, as_version=4))
        for name, figure in resources["outputs"].items():
            files.append(File.generated(config, f"{place}_{name}", content=figure))
            shown = shown.replace(f"]({name})", f"]({place.name}_{name})")
        files.append(File.generated(config, f"{place}.md", content=shown + _END.format(name=place.name)))
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("](docs/", "](")
    files.append(File.generated(config, "contributing.md", content=contributing))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Have links to these files lead to their pages."""
    return _NOTEBOOK.sub(r"](\1.md)", markdown).replace("](../CONTRIBUTING.md)", "](contributing.md)")
