"""The error that the command line prints in one line."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Replace characters that could control a terminal, for example in a file's name.

    Example:
        >>> printable("\x1b[31mred")
        '�[31mred'
    """
    return "".join(character if character.isprintable() else "�" for character in text)


class InputError(Exception):
    """Input that cannot be used, reported in one line.

    The command line prints ``error: FIELD: PROBLEM; HINT`` and exits with code 2.

    Args:
        field: Option, column, key or file that is wrong, by the name that the user gave.
        problem: The error, with the wrong value.
        hint: How to fix it.

    Example:
        >>> print(InputError("stakes", "-5 is negative", "give a smallest stake of 1 or more"))
        stakes: -5 is negative; give a smallest stake of 1 or more
    """

    def __init__(self, field: str, problem: str, hint: str) -> None:
        self.field, self.problem, self.hint = field, problem, hint
        super().__init__(printable(" ".join(f"{field}: {problem}; {hint}".split())))
