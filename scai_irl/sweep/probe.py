"""Function that reports what a node of a cluster has; it is sent there as code, since the node may lack this package.

This file may import only Python's standard library.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from collections.abc import Sequence
from pathlib import Path


def look(packages: Sequence[str], module: str, file: str) -> dict[str, str]:
    """Return the versions, module and file of the machine on which this runs.

    Args:
        packages: Distributions whose versions matter.
        module: Required module; a top-level one, since a search for a submodule would import its parent.
        file: Required file.

    Returns:
        Versions by distribution, empty for missing ones; under ``host`` the machine's name; under ``module`` and
        ``file`` whether these exist, ``yes`` or empty.
    """
    versions = {}
    for name in packages:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = ""
    there = {
        "host": platform.node(),
        "module": "yes" if importlib.util.find_spec(module) else "",
        "file": "yes" if Path(file).exists() else "",
    }
    return versions | there
