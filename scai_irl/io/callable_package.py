"""Packages that can be called, so that ``scai_irl.audit`` is both a folder of modules and a function."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class CallablePackage(ModuleType):
    """A package that passes calls to a function of one of its modules.

    Python binds ``scai_irl.audit`` to the package as soon as a module of it is imported. The package therefore has to
    do what the function of that name does.
    """

    function: tuple[str, str]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        module, name = self.function
        return getattr(importlib.import_module(module), name)(*args, **kwargs)


def make_callable(package: str, module: str, function: str) -> None:
    """Let a package be called.

    Args:
        package: Its name.
        module: Module of the function.
        function: Name of the function.
    """
    called = sys.modules[package]
    called.__class__ = CallablePackage
    called.function = (module, function)  # type: ignore[attr-defined]
