"""Inclusion of SVG figures in the page; the figures may come from untrusted sources.

A figure is copied element by element if it contains only shapes and text: no scripts, style sheets, links or external
content. Its text can then be searched and read aloud, and its colours follow the page's light or dark theme. Any other
figure is refused as a whole, because a part of a figure may be misleading. Its pixels are shown instead
(`scai_irl.report.html.inline_figures`). A refused SVG file is not shown as an image either: browsers run no scripts in
images, but nested references between shapes can still block them.

Styles become attributes, because the page forbids styles in its elements. Every figure gets new ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from markupsafe import Markup

_SVG = "{http://www.w3.org/2000/svg}"
_ABOUT = "{http://purl.org/dc/elements/1.1/}description"
_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_LARGEST = 2_000_000  # characters
_DEEPEST = 60

_SHAPES = frozenset({"path", "rect", "circle", "ellipse", "line", "polyline", "polygon"})
_SHARED = frozenset({"clipPath", "pattern", "linearGradient", "radialGradient"})
_ELEMENTS = _SHAPES | _SHARED | {"svg", "g", "defs", "use", "text", "tspan", "stop", "image"}
_DROPPED = frozenset({"metadata", "title", "desc"})  # attributes and elements without a visible effect
_MATPLOTLIB_STYLE = "*{stroke-linejoin: round; stroke-linecap: butt}"

_PAINT = frozenset({"fill", "stroke", "color", "stop-color"})
_PROPERTIES = _PAINT | {
    *("opacity", "fill-opacity", "stroke-opacity", "stop-opacity", "fill-rule", "clip-rule", "visibility"),
    *("stroke-width", "stroke-linejoin", "stroke-linecap", "stroke-miterlimit", "stroke-dasharray"),
    *("stroke-dashoffset", "font-size", "font-family", "font-style", "font-weight", "font-variant", "font-stretch"),
    *("text-anchor", "dominant-baseline", "letter-spacing", "word-spacing", "image-rendering", "clip-path"),
}
_GEOMETRY = frozenset(
    [
        "d",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "cx",
        "cy",
        "r",
        "rx",
        "ry",
        "dx",
        "dy",
        "fx",
        "fy",
        "width",
        "height",
        "points",
        "transform",
        "rotate",
        "viewBox",
        "offset",
        "gradientUnits",
        "gradientTransform",
        "spreadMethod",
        "clipPathUnits",
        "patternUnits",
        "patternContentUnits",
        "patternTransform",
        "preserveAspectRatio",
        "textLength",
        "lengthAdjust",
    ]
)
_WITHOUT_EFFECT = frozenset(
    {"id", "class", "version", "baseProfile", "{http://www.w3.org/XML/1998/namespace}space", "style", *_HREF}
)
_PLAIN = re.compile(r"[\w\s.,()+%#-]*")
_FAMILY = re.compile(r"[\w\s.,'\"-]*")
_LOCAL = re.compile(r"url\(['\"]?#([^'\")\s]+)['\"]?\)")
_RASTER = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=\s]+")
_GREY = re.compile(r"#([0-9a-f]{2})\1\1")

_PAGE_COLOURS = {
    colour: f"var(--c{number})"
    for number, colour in enumerate(("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"))
}


class ForeignError(ValueError):
    """A figure contains something that the page does not include."""


@dataclass(frozen=True)
class Drawing:
    """A figure in the page.

    Attributes:
        markup: The ``svg`` element.
        labels: Words in the figure, in order and without repetition or numbers.
        caption: Description in the file; empty without one.
        width: Width in pixels.
    """

    markup: Markup
    labels: tuple[str, ...]
    caption: str
    width: int


def drawn_anew(source: str, prefix: str) -> Drawing:
    """Copy a figure for the page.

    Args:
        source: Text of the SVG file.
        prefix: Prefix of its ids, different for each figure; ``PREFIX-name`` and ``PREFIX-what`` are ids of the
            elements that name and describe it.

    Raises:
        ForeignError: If it contains anything but shapes and text.

    Example:
        >>> shape = '<path d="M 0 0" style="fill: #000"/>'
        >>> source = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">{shape}</svg>'
        >>> print(drawn_anew(source, "f1").markup[-44:])
        <path d="M 0 0" fill="currentColor" /></svg>
    """
    root = _parsed(source)
    copy = _Copy(root, prefix)
    element = copy.root()
    element.attrib |= {"role": "img", "aria-labelledby": f"{prefix}-name", "aria-describedby": f"{prefix}-what"}
    labels = dict.fromkeys(label for label in _labels(root) if re.search(r"[^\W\d_]", label))
    markup = ElementTree.tostring(element, encoding="unicode")
    checked = Markup(markup)  # noqa: S704 - every part of it was checked and escaped
    caption = " ".join((root.findtext(f".//{_ABOUT}") or "").split())
    return Drawing(checked, tuple(labels), caption, copy.width)


def _parsed(source: str) -> ElementTree.Element:
    if len(source) > _LARGEST:
        raise ForeignError("is very large")
    if "<!ENTITY" in source:
        raise ForeignError("defines entities")
    try:
        root = ElementTree.fromstring(source)  # noqa: S314 - without entities, text grows no longer than its file
    except ElementTree.ParseError as damaged:
        raise ForeignError("is no well-formed XML") from damaged
    if root.tag != f"{_SVG}svg":
        raise ForeignError("is no SVG")
    return root


class _Copy:
    """Builder of a copy, with the ids that its parts may refer to."""

    def __init__(self, root: ElementTree.Element, prefix: str) -> None:
        self._source = root
        self._tag_of = {element.attrib["id"]: _name(element) for element in root.iter() if "id" in element.attrib}
        self._ids = {old: f"{prefix}-{number}" for number, old in enumerate(self._tag_of)}
        self._referred: set[str] = set()
        # Coloured cells with dark and light words are only readable on their original background.
        self._keeps_colours = any(
            _name(element) == "image" or element.attrib.get("id", "").startswith("QuadMesh") for element in root.iter()
        )
        self.width = 0

    def root(self) -> ElementTree.Element:
        """Copy the whole figure."""
        copied = self._element(self._source, 0, shared=False)
        for element in copied.iter():
            if element.attrib.get("id", "") not in self._referred:
                element.attrib.pop("id", None)
        _, _, width, height = self._view_box()
        copied.attrib.pop("x", None)
        copied.attrib.pop("y", None)
        self.width = round(width * 4 / 3)  # points to pixels
        copied.attrib |= {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": str(self.width),
            "height": str(round(height * 4 / 3)),
            "fill": "#000000" if self._keeps_colours else "currentColor",
            "stroke-linejoin": "round",
        }
        if self._keeps_colours:
            copied.attrib["class"] = "on-paper"
        return copied

    def _view_box(self) -> tuple[float, float, float, float]:
        try:
            x, y, width, height = (float(number) for number in self._source.attrib["viewBox"].split())
        except (KeyError, ValueError) as missing:
            raise ForeignError("has no view box") from missing
        if x or y or not 0 < width < 1e5 or not 0 < height < 1e5:
            raise ForeignError("has an unusual view box")
        return x, y, width, height

    def _element(self, element: ElementTree.Element, depth: int, *, shared: bool) -> ElementTree.Element:
        name = _name(element)
        if name not in _ELEMENTS or (name == "svg") != (depth == 0):
            raise ForeignError(f"holds an element {name[:20]!r}")
        if depth > _DEEPEST:
            raise ForeignError("is nested very deeply")
        copied = ElementTree.Element(name, dict(self._attributes(element, name, shared=shared)))
        if name in {"text", "tspan"}:
            copied.text = element.text
        for child in element:
            if _is_dropped(child):
                continue
            part = self._element(child, depth + 1, shared=shared or name in _SHARED)
            if name in {"text", "tspan"}:
                part.tail = child.tail
            copied.append(part)
        return copied

    def _attributes(self, element: ElementTree.Element, name: str, *, shared: bool) -> Iterator[tuple[str, str]]:
        declared = dict(_declarations(element.attrib.get("style", "")))
        for key, value in (element.attrib | declared).items():
            if key in _PROPERTIES:
                yield key, self._property(key, value.strip(), shared=shared)
            elif key in _GEOMETRY:
                if not _PLAIN.fullmatch(value):
                    raise ForeignError(f"has an unusual {key}")
                yield key, value
            elif key not in _WITHOUT_EFFECT and not key.startswith("{http://www.inkscape.org/"):
                raise ForeignError(f"has an attribute {key[:20]!r}")
        if "id" in element.attrib:
            yield "id", self._ids[element.attrib["id"]]
        for key in _HREF:
            if key in element.attrib:
                yield "href", self._href(name, element.attrib[key], shared=shared)

    def _property(self, key: str, value: str, *, shared: bool) -> str:
        local = _LOCAL.fullmatch(value)
        if local and not shared and self._tag_of.get(local[1]) in _SHARED:
            return f"url(#{self._refer(local[1])})"
        if not (_FAMILY if key == "font-family" else _PLAIN).fullmatch(value) or "url" in value:
            raise ForeignError(f"has an unusual {key}")
        return self._colour(value.lower()) if key in _PAINT else value

    def _colour(self, colour: str) -> str:
        """Replace a figure's default colours by colours of the page."""
        if self._keeps_colours:
            return colour
        if len(colour) == len("#000") and colour.startswith("#"):
            colour = "#" + "".join(2 * digit for digit in colour[1:])
        colour = {"black": "#000000", "white": "#ffffff"}.get(colour, colour)
        grey = _GREY.fullmatch(colour)
        if grey:  # the same relative distance between the page's own black and white
            ink = round(100 - int(grey[1], 16) / 2.55)
            mixed = f"color-mix(in srgb, var(--ink) {ink}%, var(--paper))"
            return {100: "currentColor", 0: "var(--paper)"}.get(ink, mixed)
        return _PAGE_COLOURS.get(colour, colour)

    def _href(self, name: str, target: str, *, shared: bool) -> str:
        if name == "image" and _RASTER.fullmatch(target):
            return target
        # Only shapes may be used, because nested uses could grow without limit.
        if name == "use" and not shared and target[:1] == "#" and self._tag_of.get(target[1:]) in _SHAPES:
            return f"#{self._refer(target[1:])}"
        raise ForeignError(f"refers to {target[:20]!r}")

    def _refer(self, old: str) -> str:
        new = self._ids[old]
        self._referred.add(new)
        return new


def _name(element: ElementTree.Element) -> str:
    tag = str(element.tag)
    return tag.removeprefix(_SVG) if tag.startswith(_SVG) else tag


def _is_dropped(element: ElementTree.Element) -> bool:
    name = _name(element)
    return name in _DROPPED or (name == "style" and (element.text or "").strip() == _MATPLOTLIB_STYLE)


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    for declaration in filter(str.strip, style.split(";")):
        name, colon, value = declaration.partition(":")
        if not colon or name.strip() not in _PROPERTIES:
            raise ForeignError(f"has a style {name.strip()[:20]!r}")
        yield name.strip(), value


def _labels(root: ElementTree.Element) -> Iterator[str]:
    for text in root.iter(f"{_SVG}text"):
        yield " ".join("".join(text.itertext()).split())
