"""What a node of a cluster has: told by a function that is sent there whole, since the node may lack this package.

Nothing may be imported here, at the top or from this project, but what every Python has.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from collections.abc import Sequence
from pathlib import Path


def look(packages: Sequence[str], module: str, file: str) -> dict[str, str]:
    """Look at the machine that this runs on.

    Args:
        packages: Distributions whose versions matter.
        module: Module that must be there; one at the top, since those within are looked for by importing it.
        file: File that must be there.

    Returns:
        Versions by distribution, empty for those that are missing; under ``host`` the machine's name, under ``module``
        and ``file`` whether these are there, ``yes`` or empty.
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
