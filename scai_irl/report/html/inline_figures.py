"""Figures of a results folder, drawn as vectors in the page if that is safe, and otherwise as pixels."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from scai_irl.io.errors import InputError
from scai_irl.report.html.numbers import humanised
from scai_irl.report.html.svg import ForeignError, drawn_anew
from scai_irl.results.results import FIGURES

_PAPERS = (".svg", ".pdf", ".png")
_NARROW = 430  # largest width in pixels of two figures in a row
_WIDE = 700  # width in pixels from which a figure keeps its size on a phone and scrolls


@dataclass(frozen=True)
class ShownFigure:
    """A figure.

    Attributes:
        anchor: Prefix of its ids.
        name: Name.
        description: Caption.
        labels: Words in the figure, for screen readers.
        drawing: The vector drawing; empty for an image.
        image: Pixels as a ``data:`` address; empty for a vector drawing, or if it cannot be shown.
        width: Width in pixels; 0 if unknown.
        note: Reason why it is not drawn.
        files: Files that contain it.
    """

    anchor: str
    name: str
    description: str
    labels: tuple[str, ...]
    drawing: Markup
    image: str
    width: int
    note: str
    files: tuple[str, ...]

    @property
    def wide(self) -> bool:
        """Whether it is too wide to shrink to the width of a phone."""
        return self.width > _WIDE

    @property
    def narrow(self) -> bool:
        """Whether two such figures fit in one row."""
        return 0 < self.width <= _NARROW

    @property
    def spoken(self) -> str:
        """Name and description, as the text of an image."""
        return f"{self.name}. {self.description}".strip()


def figures_of(folder: Path, anchor: str) -> tuple[ShownFigure, ...]:
    """Read the figures of a results folder.

    Args:
        folder: The folder.
        anchor: Prefix of the ids of all its figures.

    Raises:
        InputError: If one cannot be read.
    """
    there = [file for file in (folder / FIGURES).glob("*") if file.suffix in {".svg", ".png"}]
    stems = sorted({file.stem for file in there})
    return tuple(_figure(folder / FIGURES, stem, f"{anchor}-f{number}") for number, stem in enumerate(stems, 1))


def _figure(folder: Path, stem: str, anchor: str) -> ShownFigure:
    files = tuple(f"{FIGURES}/{stem}{suffix}" for suffix in _PAPERS if (folder / f"{stem}{suffix}").exists())
    vector, raster = folder / f"{stem}.svg", folder / f"{stem}.png"
    labels: tuple[str, ...] = ()
    drawing, image, caption, width, note = Markup(), "", "", 0, ""
    if vector.exists():
        try:
            checked = drawn_anew(_bytes(vector).decode("utf-8"), anchor)
            drawing, labels, caption, width = checked.markup, checked.labels, checked.caption, checked.width
        except (ForeignError, UnicodeDecodeError) as foreign:
            reason = foreign if isinstance(foreign, ForeignError) else "is no text"
            note = f"Not drawn, since {vector.name} {reason}."
    if not drawing and raster.exists():
        image = f"data:image/png;base64,{base64.b64encode(_bytes(raster)).decode('ascii')}"
    return ShownFigure(anchor, humanised(stem), caption, labels, drawing, image, width, note, files)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as refused:
        raise InputError(str(file), "not a figure that can be read", "restore the file, or delete it") from refused
