"""The one error that a person is meant to read."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Replace characters that would steer a terminal, such as those in a file's name.

    Example:
        >>> printable("\x1b[31mred")
        '�[31mred'
    """
    return "".join(character if character.isprintable() else "�" for character in text)


class InputError(Exception):
    """Input that cannot be used, told in one line.

    The command line prints ``error: FIELD: PROBLEM; MEND`` and exits with code 2, so `field` is the name the
    person typed or the file she gave, `problem` is what is wrong with it and `mend` is what to do about it.

    Args:
        field: Option, column, key or file that is wrong.
        problem: What is wrong with it, with the offending value.
        mend: What would be right.

    Example:
        >>> print(InputError("stakes", "-5 is negative", "give a smallest stake of 1 or more"))
        stakes: -5 is negative; give a smallest stake of 1 or more
    """

    def __init__(self, field: str, problem: str, mend: str) -> None:
        self.field, self.problem, self.mend = field, problem, mend
        super().__init__(printable(" ".join(f"{field}: {problem}; {mend}".split())))
