"""Captions of figures, which are stored in their files and shown in the report."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from matplotlib.figure import Figure

P = ParamSpec("P")


def captioned(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Label the figures that a function draws with the first line of its docstring.

    `scai_irl.report.drawing.save_figure` writes the label into each file as its description.

    Args:
        draw: Function that draws a figure; the first line of its docstring is the caption.

    Example:
        >>> @captioned
        ... def empty():
        ...     '''Nothing at all.'''
        ...     return Figure()
        >>> empty().get_label()
        'Nothing at all.'
    """
    caption = (draw.__doc__ or "").strip().partition("\n")[0]

    @wraps(draw)
    def labelled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        figure = draw(*args, **kwargs)
        figure.set_label(caption)
        return figure

    return labelled
