"""The report can be read without sight, and by keyboard: facts of its tree that need no browser."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from tests.scai_irl.report.dom import by_id, of_class, parsed, words

_REFERRING = ("aria-labelledby", "aria-describedby", "for")


@pytest.fixture(scope="module")
def page(report: Path) -> Element:
    return parsed(report)


def test_it_says_its_language_title_and_landmarks(page: Element) -> None:
    assert page.get("lang") == "en"
    assert words(page.find("head/title")) == "What was found" == words(page.find(".//h1"))
    assert len(list(page.iter("main"))) == 1
    assert [nav.get("aria-label") for nav in page.iter("nav")] == ["Contents"]
    body = page.find("body")
    assert body is not None
    assert {"header", "footer"} <= {child.tag for child in body}
    assert "width=device-width" in str(page.find("head/meta[@name='viewport']").get("content"))  # type: ignore[union-attr]


def test_there_is_one_first_heading_and_none_is_skipped(page: Element) -> None:
    levels = [int(element.tag[1]) for element in page.iter() if re.fullmatch(r"h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    assert all(words(element) for element in page.iter() if re.fullmatch(r"h[1-6]", element.tag))


def test_the_first_link_skips_to_the_answers_and_all_links_lead_somewhere(page: Element) -> None:
    links = list(page.iter("a"))
    assert links[0].get("href") == "#main"
    assert all(words(link) for link in links)
    for link in links:
        assert by_id(page, str(link.get("href")).removeprefix("#")) is not None
    (nav,) = page.iter("nav")
    targets = [str(link.get("href")) for link in nav.iter("a")]
    assert [words(by_id(page, target[1:])) for target in targets] == [words(heading) for heading in page.iter("h2")]


def test_ids_are_unique_and_whatever_refers_to_one_finds_it(page: Element) -> None:
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    for element in page.iter():
        for name in _REFERRING:
            assert set(element.get(name, "").split()) <= set(ids)
        for value in element.attrib.values():
            assert set(re.findall(r"url\(#([^)]+)\)", value)) <= set(ids)
        if element.tag == "use":
            assert element.get("href", "").removeprefix("#") in ids


def test_tables_have_captions_and_cells_their_headings(page: Element) -> None:
    tables = list(page.iter("table"))
    assert len(tables) > 10
    for table in tables:
        assert words(table.find("caption"))
        head, body = table.find("thead"), table.find("tbody")
        assert head is not None
        assert body is not None
        assert {cell.get("scope") for cell in head.iter("th")} == {"col"}
        for row in body.iter("tr"):
            assert row[0].tag == "th" or not words(row[0])
            assert {cell.get("scope") for cell in row.iter("th")} == {"row"}


def test_what_moves_sideways_can_be_reached_and_is_named(page: Element) -> None:
    moving = of_class(page, "scroll")
    assert all(table in {inner for area in moving for inner in area.iter("table")} for table in page.iter("table"))
    for area in moving:
        assert area.get("tabindex") == "0"
        assert words(by_id(page, str(area.get("aria-labelledby"))))


def test_drawings_have_a_name_and_a_description_or_are_left_out(page: Element) -> None:
    drawings = list(page.iter("svg"))
    assert len(of_class(page, "figures")) == 3
    for drawing in drawings:
        if drawing.get("aria-hidden") == "true":
            continue
        assert drawing.get("role") == "img"
        named = drawing.get("aria-label") or words(by_id(page, str(drawing.get("aria-labelledby"))))
        assert named
        if drawing.get("aria-describedby"):
            assert words(by_id(page, str(drawing.get("aria-describedby"))))
    for figures in of_class(page, "figures"):
        for figure in figures.iter("figure"):
            assert figure.find(".//svg[@aria-describedby]") is not None
            assert "Words in the figure:" in words(figure.find("figcaption"))


def test_the_toggle_is_a_button_that_says_its_state(page: Element) -> None:
    (button,) = page.iter("button")
    assert button.get("type") == "button"
    assert button.get("aria-pressed") == "false"
    assert button.get("hidden") is not None  # without scripts there is no button
    assert words(button)


def test_nothing_is_styled_or_done_in_its_elements(page: Element) -> None:
    for element in page.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name == "style"]
    assert len(list(page.iter("script"))) == len(list(page.iter("style"))) == 1
    assert not [element for element in page.iter() if element.tag in {"link", "iframe", "object", "embed", "base"}]
    assert all(not str(element.get("src")).startswith("http") for element in page.iter() if element.get("src"))
