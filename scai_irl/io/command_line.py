"""Command-line options made from configurations, and command-line mistakes told in one line."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn, TypeVar

import tyro
from pydantic import BaseModel

from envs.plugins import PluginError
from scai_irl.io.errors import InputError

T = TypeVar("T")

_RULE = re.compile(r"[\s╭╮╰╯│─-]*")  # of lines, or of hyphens where the output takes no others
_WRONG_INPUT = 2
_SHORTEST = (tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes)


def options_of(config: type[BaseModel]) -> type[Any]:
    """Make a plain dataclass with the fields, defaults and descriptions of a configuration.

    The command line fills the dataclass and the configuration checks it, so that a mistake in a value is told by the
    configuration's own words.
    """
    fields = []
    for name, info in config.model_fields.items():
        hint = Annotated[info.annotation, tyro.conf.arg(help=info.description)]  # type: ignore[name-defined]
        default = dataclasses.MISSING if info.is_required() else info.default
        fields.append((name, hint, dataclasses.field(default=default)))
    made = dataclasses.make_dataclass(config.__name__, fields, kw_only=True)
    made.__doc__ = config.__doc__
    return made


def parse(program: str, description: str, reader: Callable[..., T], arguments: Sequence[str] | None) -> T:
    """Parse the command line; what cannot be parsed is told in one line, with exit code 2.

    Args:
        program: Name in usage lines.
        description: What ``--help`` opens with.
        reader: A tyro parser, such as ``SubcommandApp().cli``; it must do nothing but parse.
        arguments: Words after the program's name; those it was started with if None.
    """
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            return reader(prog=program, description=description, args=arguments, config=_SHORTEST)
    except SystemExit as stopped:
        if stopped.code in {0, None}:
            raise
        stop(_one_line(told.getvalue(), program))


def told_in_one_line(work: Callable[[], T]) -> T:
    """Do something; an `InputError` or `PluginError` ends the program with its one line and exit code 2."""
    try:
        return work()
    except (InputError, PluginError) as wrong:
        stop(str(wrong))


def stop(line: str) -> NoReturn:
    """End the program because of wrong input."""
    print(f"error: {line}", file=sys.stderr)
    raise SystemExit(_WRONG_INPUT)


def _one_line(box: str, program: str) -> str:
    """Take the first paragraph out of a box drawn for a person."""
    paragraphs: list[list[str]] = [[]]
    for line in box.splitlines()[1:]:
        if _RULE.fullmatch(line):
            paragraphs.append([])
        else:
            paragraphs[-1].append(line.strip(" │"))
    said = next((" ".join(lines) for lines in paragraphs if lines), "the command line cannot be read")
    hints = [lines[:2] if lines[0].startswith("Perhaps") else lines for lines in paragraphs[1:] if lines]
    hints = [lines for lines in hints if lines[0].startswith(("Perhaps", "Available"))]
    mend = " ".join(hints[0]) if hints else f"see {program} --help"
    return f"{said.removeprefix('Error parsing ').rstrip('.')}; {mend[0].lower()}{mend[1:]}"
