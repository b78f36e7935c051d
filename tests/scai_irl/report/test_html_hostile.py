"""A folder's content is data: no text becomes markup, and a figure brings only shapes and text."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from scai_irl.report.html.svg import ForeignError, drawn_anew
from scai_irl.report.html.write_report import write_report
from tests.scai_irl.report.dom import of_class, parsed, words
from tests.scai_irl.report.hostile import ATTACK, FOREIGN, make_hostile, svg


@pytest.fixture(scope="module")
def attacked(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on a hostile folder."""
    folder = Path(shutil.copytree(folders["one"], tmp_path_factory.mktemp("hostile") / ATTACK.replace("/", "")))
    make_hostile(folder)
    write_report([folder], folder.parent / "report.html", title=ATTACK)
    return folder.parent / "report.html"


@pytest.fixture(scope="module")
def page(attacked: Path) -> Element:
    return parsed(attacked)


def test_text_stays_text_wherever_it_stands(page: Element) -> None:
    assert len(list(page.iter("script"))) == 1
    for element in page.iter():
        assert not [name for name in element.attrib if name.startswith("on")]
    shown = ATTACK.replace("\u202e", "�")
    for place in ("title", "h1", "h4", "blockquote", "dt", "figcaption", "summary", "td"):
        assert any(shown in words(element) for element in page.iter(place)), place
    assert any(shown.replace("/", "") in words(caption) for caption in page.iter("caption"))
    assert any(shown in str(drawing.get("aria-label")) for drawing in of_class(page, "bars"))
    assert "49" not in words(page.find(".//h1"))


def test_characters_that_would_reorder_text_are_replaced(attacked: Path) -> None:
    assert "\u202e" not in attacked.read_text(encoding="utf-8")


def test_foreign_figures_are_left_out_with_a_reason(page: Element) -> None:
    assert not list(page.iter("img"))
    assert len(re.findall("Not drawn, since", words(page))) == len(FOREIGN)
    (line,) = [words(item) for item in page.iter("li") if words(item).startswith("Figures that could not be shown")]
    assert line.count("onload='y'") == len(FOREIGN)


def test_the_pixels_of_a_foreign_figure_are_shown_where_there_are_any(results: Path, tmp_path: Path) -> None:
    (results / "figures" / "alignment_gap.svg").write_text(FOREIGN["script"])
    write_report([results], tmp_path / "report.html")
    page = parsed(tmp_path / "report.html")
    (image,) = page.iter("img")
    assert str(image.get("src")).startswith("data:image/png;base64,")
    assert str(image.get("alt")).startswith("Alignment gap")
    assert "Not drawn, since alignment_gap.svg holds an element 'script'." in words(page)
    assert "could not be shown" not in words(page)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_figure_is_not_drawn(name: str) -> None:
    with pytest.raises(ForeignError):
        drawn_anew(FOREIGN[name], "f")


def test_without_a_vector_the_pixels_are_shown(results: Path, tmp_path: Path) -> None:
    for file in (results / "figures").glob("*.svg"):
        file.unlink()
    write_report([results], tmp_path / "report.html")
    images = list(parsed(tmp_path / "report.html").iter("img"))
    assert len(images) == len(list((results / "figures").glob("*.png")))
    assert all(str(image.get("src")).startswith("data:image/png;base64,") for image in images)


def test_a_figure_keeps_its_shapes_and_words() -> None:
    source = svg(
        '<defs><style>*{stroke-linejoin: round; stroke-linecap: butt}</style><path id="m" d="M 0 0 L 1 1"/></defs>'
        '<clipPath id="c"><rect x="0" y="0" width="9" height="9"/></clipPath>'
        '<g clip-path="url(#c)"><use xlink:href="#m" style="fill: #D55E00; stroke: #000000"/></g>'
        '<rect width="9" height="9" style="fill: #ffffff; fill-opacity: 0.8; stroke: #cccccc"/>'
        '<text style="font: inherit">never</text>'.replace(' style="font: inherit"', "")
        + "<text>a &lt;b&gt; &amp; c</text><text>0.25</text>"
    )
    figure = drawn_anew(source, "s1-f2")
    root = parsed(str(figure.markup))
    use = root.find(".//use")
    assert use is not None
    assert (use.get("fill"), use.get("stroke")) == ("var(--c0)", "currentColor")
    assert root.find(f".//path[@id='{str(use.get('href'))[1:]}']") is not None
    clipped = re.fullmatch(r"url\(#(s1-f2-\d+)\)", str(root.find("g").get("clip-path")))  # type: ignore[union-attr]
    assert clipped is not None
    assert root.find(f".//clipPath[@id='{clipped[1]}']") is not None
    paper = root.findall("rect")[-1]
    assert (paper.get("fill"), paper.get("fill-opacity")) == ("var(--paper)", "0.8")
    assert paper.get("stroke") == "color-mix(in srgb, var(--ink) 20%, var(--paper))"
    assert figure.labels == ("never", "a <b> & c")
    assert [words(text) for text in root.iter("text")] == ["never", "a <b> & c", "0.25"]
    assert not [element for element in root.iter() if "style" in element.attrib or element.tag == "style"]


def test_coloured_cells_keep_their_colours_and_their_paper() -> None:
    cell = '<g id="QuadMesh_1"><path d="M 0 0" style="fill: #ffffff"/></g><text>dark</text>'
    root = parsed(str(drawn_anew(svg(cell), "f").markup))
    assert root.get("class") == "on-paper"
    assert root.get("fill") == "#000000"
    assert root.find(".//path").get("fill") == "#ffffff"  # type: ignore[union-attr]
