"""Docstrings as the reference shows them: examples as code, tables as tables, names of modules as links.

Docstrings are written to be read in an editor. Four things in them are not what mkdocstrings expects: a single
``Example:``, tables ruled by equals signs, names in backticks, and indices such as [run][assistant], which Markdown
takes for links.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^ *Examples?:$", re.MULTILINE)
_RULE = re.compile(r"^ *=+( +=+)+ *$")
_NAME = re.compile(r"(?<!`)`((?:envs|inference|scai_irl|experiments)(?:\.\w+)+)`(?!`)")
_LINK = r'<autoref identifier="\1" optional><code>\1</code></autoref>'


class Docstrings(Extension):
    """Rewrites every docstring before it is parsed."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite one."""
        if obj.docstring is not None:
            obj.docstring.value = rewritten(obj.docstring.value)


def rewritten(text: str) -> str:
    r"""Rewrite a docstring.

    Example:
        >>> rewritten("Look up.\n\nExample:\n    >>> 1\n    1")
        'Look up.\n\nExamples:\n    >>> 1\n    1'
    """
    example = _EXAMPLE.search(text)
    prose = text if example is None else text[: example.start()]
    shown = "" if example is None else example[0].replace("Example:", "Examples:") + text[example.end() :]
    return _NAME.sub(_LINK, with_tables(prose.replace("][", "]\\["))) + shown


def with_tables(text: str) -> str:
    r"""Write tables that are ruled by equals signs as Markdown's.

    Columns begin where the first rule's do. What stands between the first rule and the second are the headings if a
    third rule follows, and rows if not; a line that begins with a blank goes on with the row above.

    Example:
        >>> print(with_tables("== ===\na  the\n   first\n== ==="))
        |  |  |
        |---|---|
        | a | the first |
    """
    lines = text.split("\n")
    done: list[str] = []
    while lines:
        rules = [number for number, line in enumerate(lines) if _RULE.match(line)]
        if len(rules) < 2:
            break
        third = len(rules) > 2 and "" not in map(str.strip, lines[rules[0] : rules[2]])
        last = rules[2] if third else rules[1]
        starts = [match.start() for match in re.finditer(r"=+", lines[rules[0]])]
        rows = _rows(lines[rules[0] + 1 : last], starts)
        headings = rows.pop(0) if third else [""] * len(starts)
        done += [*lines[: rules[0]], _line(headings), "|---" * len(starts) + "|", *map(_line, rows)]
        lines = lines[last + 1 :]
    return "\n".join([*done, *lines])


def _rows(lines: list[str], starts: list[int]) -> list[list[str]]:
    rows: list[list[str]] = []
    for line in lines:
        if _RULE.match(line):
            continue
        ends = [*starts[1:], len(line)]
        cells = [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        if cells[0] or not rows:
            rows.append(cells)
        else:
            rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
    return rows


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
