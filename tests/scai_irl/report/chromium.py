"""A real browser for reports: Debian's Chromium, without a window."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTHS = (360, 1280)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@dataclass
class Opened:
    """A page, with its messages and requests since it was opened."""

    page: Page
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    """Start the browser."""
    with sync_playwright() as started:
        # As root, and in most containers, Chromium has no sandbox of its own.
        yield started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@contextlib.contextmanager
def open_page(browser: Browser, file: Path, width: int, scheme: Literal["light", "dark"]) -> Iterator[Opened]:
    """Open a file in a window of a given width and scheme of colours."""
    with browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}) as context:
        opened = Opened(context.new_page())
        opened.page.on("console", lambda message: opened.messages.append(message.text))
        opened.page.on("pageerror", lambda error: opened.messages.append(str(error)))
        opened.page.on("dialog", lambda dialog: opened.messages.append(dialog.message))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(file.as_uri())
        yield opened


def unfold(page: Page) -> None:
    """Open all folded parts."""
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")


def nothing_sticks_out(page: Page) -> bool:
    """Whether everything wider than the window is in an area that scrolls sideways."""
    wide = "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
    return bool(page.evaluate(f"{wide}.every(e => e.closest('.scroll'))"))


def audit_of(page: Page) -> Any:
    """Audit of accessibility by axe: violated rules with their elements, and passed rules."""
    page.evaluate(AXE_SCRIPT)
    return page.evaluate("axe.run({resultTypes: ['violations']})")
