"""Find a user's folder or file that hides one of the project's packages.

``envs``, ``inference`` and ``experiments`` are common names. Python imports the first package of a name on its search
path, and the current folder often comes first: with ``python -m``, in a notebook, or with ``PYTHONPATH=.``. A folder
without ``__init__.py`` hides nothing, because Python prefers a package that has one.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from scai_irl.io.errors import InputError

PACKAGES = ("envs", "inference", "experiments")
"""Packages of this distribution whose names a user may have taken."""

_ROOT = Path(__file__).resolve().parents[2]
_WRONG_INPUT = 2


def check_not_hidden(package: str) -> None:
    """Check that Python finds this distribution's own package of a name; other distributions' names pass.

    Args:
        package: Top-level name, such as ``envs``.

    Raises:
        InputError: If another folder or file of that name comes first.
    """
    own = _ROOT / package / "__init__.py"
    location = _file_of(package)
    if package not in PACKAGES or location is None or location == own or not own.exists():
        return
    hiding = location.parent if location.name == "__init__.py" else location
    here = Path.cwd().resolve()
    shown = f"./{hiding.relative_to(here)}" if hiding.is_relative_to(here) else str(hiding)
    problem = f"{shown} hides scai-irl's own package of that name"
    if hiding.parent == here:
        raise InputError(package, problem, "run from another folder or rename it")
    raise InputError(package, problem, "rename it, or take its folder out of Python's search path (PYTHONPATH)")


def refuse_hidden_packages() -> None:
    """Raise an error if ``envs`` or ``inference`` is hidden, because this package needs both.

    Raises:
        ImportError: If one is hidden.
        SystemExit: If a command was started and one is hidden; prints one line and exits with code 2.
    """
    try:
        check_not_hidden("envs")
        check_not_hidden("inference")
    except InputError as hidden:
        # Python says "-m" while it imports the packages of the module that `python -m` names.
        started = sys.argv[0] if sys.argv else ""
        if started == "-m" or Path(started).stem == "scai-irl":
            print(f"error: {hidden}", file=sys.stderr)
            raise SystemExit(_WRONG_INPUT) from None
        raise ImportError(str(hidden)) from None


def _file_of(package: str) -> Path | None:
    """File that Python imports, or has imported, for a package; None for a folder without ``__init__.py``."""
    if package in sys.modules:
        file = getattr(sys.modules[package], "__file__", None)
    else:
        spec = importlib.util.find_spec(package)
        file = spec.origin if spec is not None else None
    return None if file is None else Path(file).resolve()
