"""The site is built and read without a network. A real browser shows the expected pages."""

from __future__ import annotations

import doctest
import functools
import http.server
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.docs.pages import ROOT

_HOOKS = ROOT / "docs" / "hooks"
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_OFFLINE = """
import socket
def refuse(*_):
    raise OSError("the build asked for a network")
socket.socket.connect = socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
cli()
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("mkdocs"), reason="there is no MkDocs here (make docs)"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does, but where every connection is refused."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-c", _OFFLINE, "build", "--strict", "--quiet", "--site-dir", str(folder)]
    quiet = dict(os.environ) | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Resources(HTMLParser):
    """Files that a page loads when it opens. Links that a reader may follow do not count."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") in {"stylesheet", "preconnect", "icon", "preload"}:
            self.loaded.append(given.get("href") or "")
        self.loaded += [value or "" for name, value in attrs if name in {"src", "srcset", "poster"}]


def test_nothing_comes_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 100
    for page in pages:
        assert [place for place in Resources(page).loaded if re.match(r"(https?:)?//", place)] == [], page
    for style in site.rglob("*.css"):
        assert re.findall(r"url\(\s*[\"']?(?:https?:)?//|@import", style.read_text(encoding="utf-8")) == [], style


def test_every_public_module_has_a_page(site: Path) -> None:
    api = module("api")
    for name, file in api.public_modules().items():
        page = (site / "api" / api.place(name, file)).with_suffix(".html")
        assert f'id="{name}"' in page.read_text(encoding="utf-8"), name
        assert "&gt;&gt;&gt;" not in re.sub(r"<code>.*?</code>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_every_equation_is_mathml(site: Path) -> None:
    text = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
    blocks = text.count("\n$$\n") // 2
    inline = len(re.findall(r"\$[^$\n]+\$", re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)))
    shown = (site / "concepts.html").read_text(encoding="utf-8")
    assert (shown.count('<math display="block"'), shown.count("<math>")) == (blocks, inline)
    assert blocks > 15
    assert "arithmatex" not in shown


@pytest.mark.parametrize("name", ["api", "docstrings", "equations", "other_files", "search"])
def test_examples_of_the_hooks_are_right(name: str) -> None:
    assert doctest.testmod(module(name)).failed == 0


def module(name: str) -> ModuleType:
    """Load a hook as MkDocs does, by its file."""
    spec = importlib.util.spec_from_file_location(name, _HOOKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Address at which the site is served."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Server of files that logs nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def window() -> Iterator[Page]:
    if _CHROMIUM is None:
        pytest.skip("there is no Chromium here (apt-get install chromium)")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "name", ["index", "concepts", "audit", "gallery", "notebooks/auditing_a_model", "api/envs/utilities"]
)
def test_a_page_opens_without_an_error_and_fits(name: str, width: int, window: Page, address: str) -> None:
    messages: list[str] = []
    requests: list[str] = []
    window.on("console", lambda message: messages.append(message.text))
    window.on("pageerror", lambda error: messages.append(str(error)))
    window.on("request", lambda request: requests.append(request.url))
    window.set_viewport_size({"width": width, "height": 800})
    window.goto(f"{address}/{name}.html", wait_until="networkidle")
    assert messages == []
    assert [url for url in requests if not url.startswith((address, "data:"))] == []
    assert window.evaluate("document.documentElement.scrollWidth") <= width
    assert all(window.evaluate("[...document.images].map(image => image.naturalWidth > 0)"))


@pytest.mark.parametrize("name", ["first-experiment", "add", "beliefs", "cluster", "models", "coming-from", "data"])
def test_no_code_is_cut_off_at_1280_pixels(name: str, window: Page, address: str) -> None:
    window.set_viewport_size({"width": 1280, "height": 800})
    window.goto(f"{address}/{name}.html", wait_until="networkidle")
    wide = "code => code.scrollWidth > code.clientWidth + 1"
    assert window.evaluate(f"[...document.querySelectorAll('pre > code')].filter({wide}).length") == 0


def test_figures_lie_on_white_in_the_dark(window: Page, address: str) -> None:
    assert window.context.browser is not None
    dark = window.context.browser.new_page(color_scheme="dark")  # the site remembers the scheme of a window
    dark.goto(f"{address}/gallery.html", wait_until="networkidle")
    backgrounds = "[...document.querySelectorAll('.md-typeset img')].map(i => getComputedStyle(i).backgroundColor)"
    assert set(dark.evaluate(backgrounds)) == {"rgb(255, 255, 255)"}
    dark.close()


def test_equations_are_drawn_with_the_font_that_comes_along(window: Page, address: str) -> None:
    window.goto(f"{address}/concepts.html", wait_until="networkidle")
    loaded = "[...document.fonts].filter(font => font.status === 'loaded').map(font => font.family)"
    assert [family.strip('"') for family in window.evaluate(loaded)] == ["Equations"]
    heights = window.evaluate("[...document.querySelectorAll('math')].map(e => e.getBoundingClientRect().height)")
    assert min(heights) > 5
    fraction = "document.querySelector('mfrac')"
    over, under = (window.evaluate(f"{fraction}.children[{n}].getBoundingClientRect().y") for n in (0, 1))
    assert over < under


def test_the_search_index_is_small(site: Path) -> None:
    """Chromium answers a first search in less than two seconds. The time grows with the size of the index."""
    index = site / "search" / "search_index.json"
    assert index.stat().st_size < 800_000
    assert "def simulate" not in index.read_text(encoding="utf-8")


def test_a_search_finds_a_concept(window: Page, address: str) -> None:
    window.goto(f"{address}/index.html", wait_until="networkidle")
    window.set_viewport_size({"width": 1280, "height": 800})
    window.fill("input[name=query]", "psychological")
    window.wait_for_selector(".md-search-result__item a[href*='concepts.html']")
