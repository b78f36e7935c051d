"""Run a notebook and return it with its output. As a script, store it: ``python -m tests.docs.notebooks``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.docs.pages import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def executed(notebook: Path, folder: Path) -> Any:
    """Run all cells in a folder. The output excludes standard error, such as progress."""
    nodes = nbformat.read(notebook, as_version=4)
    where = {"metadata": {"path": str(folder)}}
    client = NotebookClient(nodes, resources=where, timeout=600, record_timing=False, coalesce_streams=True)
    client.execute()
    for cell in nodes.cells:
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return nodes


def printed(nodes: Any) -> list[str]:
    """Text that each cell printed, with a mark for each figure."""
    texts = []
    for cell in nodes.cells:
        outputs = cell.get("outputs", [])
        figures = ["(a figure)" for output in outputs if "image/png" in output.get("data", {})]
        texts.append("".join([*(output.get("text", "") for output in outputs), *figures]))
    return texts


if __name__ == "__main__":
    for name in map(Path, sys.argv[1:] or NOTEBOOKS):
        nbformat.write(executed(name.resolve(), name.resolve().parent), name)
