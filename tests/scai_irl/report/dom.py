"""A page as a tree. Reports are well-formed XML, so a strict parser reads them and refuses an open tag."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from scai_irl.report.html.write_report import write_report


def parsed(page: str | Path) -> Element:
    """Parse a page, and remove namespaces from names."""
    text = page.read_text(encoding="utf-8") if isinstance(page, Path) else page
    root = ElementTree.fromstring(text)  # noqa: S314 - our own page
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def words(element: Element | None) -> str:
    """Text of an element and its descendants, with single spaces."""
    assert element is not None
    return " ".join("".join(element.itertext()).split())


def of_class(root: Element, name: str) -> list[Element]:
    """Elements of a class."""
    return [element for element in root.iter() if name in element.get("class", "").split()]


def by_id(root: Element, name: str) -> Element:
    """The one element with an id."""
    (match,) = [element for element in root.iter() if element.get("id") == name]
    return match


def sections(root: Element) -> list[Element]:
    """Sections of results folders, in order."""
    return of_class(root, "folder")


def rows(table: Element) -> list[list[str]]:
    """Cells of a table, heading first."""
    return [[words(cell) for cell in row] for row in table.iter("tr")]


def report_on(folder: Path) -> Element:
    """Write the report on one folder next to it, and parse it."""
    out = folder.with_suffix(".html")
    write_report([folder], out)
    return parsed(out)
