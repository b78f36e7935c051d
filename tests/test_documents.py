"""The README and the documentation are true: their code runs as written, and their commands exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from scai_irl.cli.main import main
from tests.docs.pages import PAGES, README, ROOT, blocks, run_page, shown_commands

DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *PAGES]
SLOW = {"audit.md", "beliefs.md", "cluster.md", "coming-from.md", "models.md", "run.md"}
"""Pages whose code takes more than about twenty seconds."""
INSTALLING = {"add.md", "first-experiment.md"}
"""Pages that install something. `tests/docs` follows them in an environment of their own."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] * (page.name in SLOW))
        for page in (README, *PAGES)
        if page.name not in INSTALLING and (blocks(page, "python") or blocks(page, "console"))
    ],
    ids=name_of,
)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page)


def test_blocks_that_do_not_run_are_few() -> None:
    kinds = {block.kind for page in PAGES for block in blocks(page)}
    assert kinds <= {"python", "console", "toml"}


def test_the_library_in_ten_lines_is_ten_lines() -> None:
    block = blocks(README, "python")[0]
    imports = [line for line in block.text.splitlines() if re.match(r"(import|from) ", line)]
    lines = [line for line in block.text.splitlines() if line.strip()]
    assert len(lines) - len(imports) <= 10


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").split()) <= 900


@pytest.mark.parametrize("page", DOCUMENTS, ids=name_of)
def test_commands_that_are_shown_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in shown_commands(page):
        words = shlex.split(command, comments=True)[1:]
        first = next((place for place, word in enumerate(words) if word.startswith("--")), len(words))
        known, choices, options = help_of(words[:first], capsys)
        beyond = words[known:first]
        assert not (choices and beyond) or beyond[0].isupper(), f"{command}: no {beyond[0]!r}"
        unknown = {word.partition("=")[0] for word in words[first:] if word.startswith("--")} - options
        assert unknown == set(), f"{command}: no {unknown}"


def help_of(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, bool, set[str]]:
    """Number of a command's words that ``--help`` knows, whether it requires one more from a list, and its options."""
    with pytest.raises(SystemExit) as left:
        main([*words, "--help"])
    shown = capsys.readouterr()
    assert left.value.code == 0, f"{words}: {shown.err}"
    usage = re.match(r"usage: scai-irl ([^\[]*)\[-h\](\s+\{)?", shown.out)
    assert usage is not None
    return len(usage[1].split()), usage[2] is not None, set(re.findall(r"--[\w-]+", shown.out))


@pytest.mark.parametrize("page", DOCUMENTS, ids=name_of)
def test_targets_and_modules_that_are_shown_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in re.findall(r"(?:^ {4}|`|\$ )make ([^`\n#]+)", text, re.MULTILINE):
        assert {word for word in line.split() if "=" not in word} <= targets, line
    for module in re.findall(r"python -m ([\w.]+)", text):
        assert importlib.util.find_spec(module) is not None, module


@pytest.mark.parametrize("page", DOCUMENTS, ids=name_of)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        generated = target.startswith("api/")  # pages that the site makes of modules
        assert generated or (page.parent / target).exists(), target


def test_the_readme_gives_eight_results_as_their_sections_do() -> None:
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    sections = {slug(part.partition("\n")[0]): part for part in re.split(r"^#+ ", text, flags=re.MULTILINE)}
    rows = re.findall(
        r"^\| \[.+\]\(docs/results\.md#([\w-]+)\) (\|.*)$", README.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rows) == 8
    for section, row in rows:
        numbers = set(re.findall(r"\d+\.\d+", row))
        assert numbers <= set(re.findall(r"\d+\.\d+", sections[section])), section


def slug(heading: str) -> str:
    """Anchor of a heading, as GitHub and MkDocs make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")
