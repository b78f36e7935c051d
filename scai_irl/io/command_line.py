"""Command-line options made from configurations, and command-line errors in one line."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import tyro

from scai_irl.io.stop import stop

if TYPE_CHECKING:
    from pydantic import BaseModel

T = TypeVar("T")

_RULE = re.compile(r"[\s╭╮╰╯│─-]*")  # box-drawing lines, or hyphens if the output has no others
_PYTHONS_WORDS = (
    (re.compile(r"invalid literal for int\(\) with base 10: (.*)"), r"\1 is no whole number"),
    (re.compile(r"could not convert string to float: (.*)"), r"\1 is no number"),
    (re.compile(r"Could not parse arguments \[(.*)\] into .*"), r"\1 do not fit"),
)
_MOST_SIMILAR = 3
_SHORTEST = (tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes)


def options_of(config: type[BaseModel]) -> type[Any]:
    """Make a plain dataclass with the fields, defaults and descriptions of a configuration.

    The command line fills the dataclass and the configuration checks it, so a wrong value gets the configuration's own
    message. An experiment's own options come first, then those that it shares with others.
    """
    fields = []
    declared = [name for level in config.__mro__ for name in getattr(level, "__annotations__", ())]
    for name in sorted(config.model_fields, key=declared.index):
        info = config.model_fields[name]
        annotation = Annotated[info.annotation, tyro.conf.arg(help=info.description)]  # type: ignore[name-defined]
        default = dataclasses.MISSING if info.is_required() else info.default
        fields.append((name, annotation, dataclasses.field(default=default)))
    options = dataclasses.make_dataclass(config.__name__, fields, kw_only=True)
    options.__doc__ = config.__doc__
    return options


def parse(program: str, description: str, reader: Callable[..., T], arguments: Sequence[str] | None) -> T:
    """Parse the command line; an error ends the program with one line and exit code 2.

    Args:
        program: Name in usage lines.
        description: First lines of ``--help``.
        reader: A tyro parser, such as ``functools.partial(tyro.cli, Options)``. It must only parse.
        arguments: Words after the program's name; those of this process if None.
    """
    captured = io.StringIO()
    try:
        with contextlib.redirect_stderr(captured):
            return reader(prog=program, description=description, args=arguments, config=_SHORTEST)
    except SystemExit as stopped:
        if stopped.code in {0, None}:
            raise
        stop(_one_line(captured.getvalue(), program))


def _one_line(box: str, program: str) -> str:
    """Extract the first paragraph of a message in a box."""
    paragraphs: list[list[str]] = [[]]
    for line in box.splitlines()[1:]:
        if _RULE.fullmatch(line):
            paragraphs.append([])
        else:
            paragraphs[-1].append(line.strip(" │"))
    message = next((" ".join(lines) for lines in paragraphs if lines), "the command line cannot be read")
    for pattern, plain in _PYTHONS_WORDS:
        message = pattern.sub(plain, message)
    hints = [lines for lines in paragraphs[1:] if lines and lines[0].startswith(("Perhaps", "Available"))]
    hint = _hint(hints[0]) if hints else f"see {program} --help"
    return f"{message.removeprefix('Error parsing ').rstrip('.')}; {hint[0].lower()}{hint[1:]}"


def _hint(lines: list[str]) -> str:
    """Join a paragraph; of similar options, keep only the names."""
    options = [line for line in lines if line.startswith("--")][:_MOST_SIMILAR]
    return f"{lines[0]} {' or '.join(options)}" if options else " ".join(lines)
