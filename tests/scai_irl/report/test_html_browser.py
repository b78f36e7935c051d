"""The report in a real browser: Debian's Chromium, narrow and wide, light and dark."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser

from scai_irl.report.html.write_report import write_report
from tests.scai_irl.report.chromium import (
    CHROMIUM,
    SCHEMES,
    WIDTHS,
    audit_of,
    launched,
    nothing_sticks_out,
    open_page,
    unfold,
)
from tests.scai_irl.report.hostile import make_hostile

_BACKGROUND = "getComputedStyle(document.body).backgroundColor"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt-get install chromium)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as started:
        yield started


@pytest.fixture
def opened(browser: Browser) -> Iterator[Any]:
    """Function that opens a file in a window of a given width and scheme of colours."""
    with contextlib.ExitStack() as stack:
        yield lambda file, width=1280, scheme="light": stack.enter_context(open_page(browser, file, width, scheme))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_opens_without_an_error_in_any_width_and_scheme(
    width: int, scheme: Literal["light", "dark"], report: Path, opened: Any
) -> None:
    window = opened(report, width, scheme)
    page = window.page
    assert page.title() == "What was found"
    assert page.locator("svg").count() > 20
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert all(page.evaluate("[...document.images].map(image => image.naturalWidth > 0)"))
    bright = sum(map(int, page.evaluate(_BACKGROUND)[4:-1].split(","))) > 3 * 128
    assert bright == (scheme == "light")
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert nothing_sticks_out(page)
    assert window.messages == []
    assert [url for url in window.requests if not url.startswith("data:")] == [report.as_uri()]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_an_audit_of_accessibility_finds_nothing(
    width: int, scheme: Literal["light", "dark"], report: Path, opened: Any
) -> None:
    page = opened(report, width, scheme).page
    unfold(page)
    audited = audit_of(page)
    assert [(violation["id"], violation["nodes"][0]["html"]) for violation in audited["violations"]] == []
    assert {"color-contrast", "heading-order", "svg-img-alt"} <= {rule["id"] for rule in audited["passes"]}


def test_the_audit_would_find_something(report: Path, opened: Any, tmp_path: Path) -> None:
    worse = report.read_text(encoding="utf-8").replace('<html lang="en"', "<html").replace('role="img"', "")
    (tmp_path / "worse.html").write_text(worse.replace("<h4>", "<h6>").replace("</h4>", "</h6>"), encoding="utf-8")
    page = opened(tmp_path / "worse.html").page
    violated = {rule["id"] for rule in audit_of(page)["violations"]}
    assert {"html-has-lang", "heading-order"} <= violated


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_toggle_works_by_keyboard(scheme: Literal["light", "dark"], report: Path, opened: Any) -> None:
    window = opened(report, 360, scheme)
    page = window.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answers"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0  # visible once it has the focus
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "theme"
    before, state = page.evaluate(_BACKGROUND), page.locator("#theme").get_attribute("aria-pressed")
    assert state == str(scheme == "dark").lower()
    page.keyboard.press("Space")
    assert page.evaluate(_BACKGROUND) != before
    assert page.locator("#theme").get_attribute("aria-pressed") != state
    page.keyboard.press("Enter")
    assert page.evaluate(_BACKGROUND) == before
    assert page.locator("#theme").get_attribute("aria-pressed") == state
    assert window.messages == []


def test_the_skip_link_and_the_contents_lead_on_by_keyboard(report: Path, opened: Any) -> None:
    page = opened(report).page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    link = page.locator("nav a").last
    link.focus()
    page.keyboard.press("Enter")
    target = str(link.get_attribute("href"))
    page.wait_for_function(
        "target => Math.abs(document.querySelector(target).getBoundingClientRect().top) < 40", arg=target
    )


def test_tables_move_sideways_by_keyboard(report: Path, opened: Any) -> None:
    page = opened(report, 360).page
    area = page.locator(".scroll:has(table)").first
    area.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")


def test_on_paper_it_is_light_and_unfolded(report: Path, opened: Any) -> None:
    page = opened(report, 800, "dark").page
    folded = page.locator("details:not([open])").count()
    assert folded > 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == folded
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 29, 33)"
    assert not page.locator("nav").is_visible()


def test_the_policy_forbids_all_that_is_not_the_pages_own(report: Path, opened: Any, tmp_path: Path) -> None:
    text = report.read_text(encoding="utf-8")
    added = (
        '<script>window.attacked = 1</script><img src="http://attacker.invalid/x" /><p style="color: red">x</p></main>'
    )
    (tmp_path / "tampered.html").write_text(text.replace("</main>", added), encoding="utf-8")
    window = opened(tmp_path / "tampered.html")
    assert window.page.evaluate("window.attacked") is None
    assert len([line for line in window.messages if "Content Security Policy" in line]) == 3


def test_a_hostile_folder_does_nothing(folders: dict[str, Path], opened: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["one"], tmp_path / "hostile"))
    make_hostile(folder)
    write_report([folder], tmp_path / "report.html")
    window = opened(tmp_path / "report.html", 360)
    assert window.page.evaluate("window.attacked") is None
    assert [url for url in window.requests if not url.startswith(("data:", "file:"))] == []
    assert window.messages == []
    assert window.page.evaluate("document.documentElement.scrollWidth") == 360
