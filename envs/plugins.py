"""Registries to which other distributions add objects by entry points.

A registry maps names to this project's objects, and to the entry points of its group in every installed distribution.
Names are read from the distributions' metadata. An entry point is imported only when it is looked up, so a broken
plug-in affects only its own use.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

T = TypeVar("T")


class PluginError(ValueError):
    """Error of a plug-in that cannot be used; the message is one line with its distribution."""


class PluginWarning(UserWarning):
    """Warning about a plug-in that was left out; the message is one line with its distribution."""


class Registry(Mapping[str, T]):
    """Objects of one kind by name: the project's own first, then those of plug-ins in alphabetical order.

    Iteration and ``in`` import nothing. `values` and `items` leave out broken plug-ins, with a `PluginWarning`.

    Args:
        kind: Name of the kind, for messages.
        group: Entry-point group of the plug-ins.
        expected: Class that every object is an instance of.
        own: The project's own objects, by name.

    Example:
        >>> colours = Registry("colour", "scai_irl.colours", str, {"red": "#f00"})
        >>> colours["red"], "blue" in colours
        ('#f00', False)
        >>> colours.look_up("blue")
        Traceback (most recent call last):
        ValueError: unknown colour 'blue'; there are red
    """

    def __init__(self, kind: str, group: str, expected: Any, own: Mapping[str, T]) -> None:
        self._kind, self._group, self._expected, self._own = kind, group, expected, dict(own)

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from sorted(set(self._plugins) - set(self._own))

    def __len__(self) -> int:
        return len(set(self._own) | set(self._plugins))

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._plugins

    def __getitem__(self, name: str) -> T:
        offered = self._plugins.get(name, ())
        if not offered and name in self._own:
            return self._own[name]
        if not offered:
            raise KeyError(name)
        if len(offered) > 1 or name in self._own:
            both = [*(["scai-irl"] if name in self._own else []), *(_distribution(entry) for entry in offered)]
            raise PluginError(
                f"{self._kind} {name!r} is defined by {' and by '.join(both)}; uninstall one, or rename its entry point"
            )
        return self._load(offered[0])

    @property
    def own(self) -> tuple[str, ...]:
        """Names of the project's own objects."""
        return tuple(self._own)

    def names_in(self, package: str) -> list[str]:
        """Names of plug-ins that the modules of a package define."""
        inside = f"{package}."
        return [name for name, entries in self._plugins.items() if entries[0].module.startswith(inside)]

    def __repr__(self) -> str:
        return f"Registry({self._kind}: {', '.join(self)})"

    def items(self) -> ItemsView[str, T]:
        """Names and objects, without broken plug-ins."""
        return self._usable().items()

    def values(self) -> ValuesView[T]:
        """Objects, without broken plug-ins."""
        return self._usable().values()

    def look_up(self, name: str) -> T:
        """Look up an object.

        Raises:
            ValueError: If no object has that name; the message lists the names.
            PluginError: If it is a plug-in that cannot be used.
        """
        if name not in self:
            raise ValueError(f"unknown {self._kind} {name!r}; there are {', '.join(self)}")
        return self[name]

    def describe(self, line: Callable[[T], str]) -> dict[str, str]:
        """Describe every entry in one line; for a broken plug-in, the line is its error.

        Args:
            line: Function that describes an object.
        """
        described = {}
        for name in self:
            try:
                described[name] = line(self[name])
            except PluginError as broken:
                described[name] = f"not usable: {broken}"
        return described

    @property
    def _plugins(self) -> dict[str, tuple[EntryPoint, ...]]:
        return _installed(tuple(sys.path)).get(self._group, {})

    def _usable(self) -> dict[str, T]:
        usable = {}
        for name in self:
            try:
                usable[name] = self[name]
            except PluginError as broken:
                warnings.warn(str(broken), PluginWarning, stacklevel=3)
        return usable

    def _load(self, entry: EntryPoint) -> T:
        where = f"of the distribution {_distribution(entry)}"
        try:
            loaded: T = entry.load()
        except Exception as broken:
            why = " ".join(f"{type(broken).__name__}: {broken}".split())
            raise PluginError(
                f"{self._kind} {entry.name!r} {where} cannot be imported ({why}); repair or uninstall it"
            ) from broken
        if not isinstance(loaded, self._expected):
            wanted = self._expected.__name__
            raise PluginError(f"{self._kind} {entry.name!r} {where} is no {wanted}; correct its entry point")
        return loaded


@functools.lru_cache(maxsize=4)
def _installed(path: tuple[str, ...]) -> dict[str, dict[str, tuple[EntryPoint, ...]]]:
    """Entry points of this project's groups, by group and name; read again when the import path changes."""
    del path
    everything = entry_points()
    groups = {group for group in everything.groups if group.startswith("scai_irl.")}
    entries: dict[str, dict[str, tuple[EntryPoint, ...]]] = {group: {} for group in groups}
    for group, named in entries.items():
        for entry in everything.select(group=group):
            named[entry.name] = (*named.get(entry.name, ()), entry)
    return entries


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "(unknown)"
