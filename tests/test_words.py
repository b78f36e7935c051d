"""Pages, docstrings, messages and names use the words of docs/glossary.md, and none that it avoids."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.pages import PAGES, README, ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"
AVOIDED = "## Words we avoid"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *PAGES, *sorted((ROOT / "docs").rglob("*.ipynb"))]
FOLDERS = ["envs", "inference", "scai_irl", "experiments", "benchmarks", "docs/hooks", "tests"]

_ROW = re.compile(r"(?<!\\)\|")
_CODE_BLOCK = re.compile(r"^```.*?^```$|^ {4}[^\n]*$|\$\$.*?\$\$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"``.*?``|`[^`\n]*`|\]\([^)]*\)", re.DOTALL)
_DOCTEST = re.compile(r"^ *>>> .*?(?:\n\s*\n|\Z)", re.DOTALL | re.MULTILINE)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Avoided(NamedTuple):
    """A row of the table.

    Attributes:
        word: The word, as a reader sees it.
        say: What to say instead.
        pattern: The pattern to search for.
        where: Kinds of text to search: prose, docstrings, names, parameters.
        may_stay: Files, relative to the root, that need it.
    """

    word: str
    say: str
    pattern: re.Pattern[str]
    where: frozenset[str]
    may_stay: frozenset[str]


class Text(NamedTuple):
    """A piece of text that a reader sees.

    Attributes:
        kind: prose, docstrings, names or parameters.
        line: Line in its file; 0 where a file has none.
        text: The text, without code.
    """

    kind: str
    line: int
    text: str


def avoided() -> list[Avoided]:
    """Rows of the table of words to avoid."""
    table = GLOSSARY.read_text(encoding="utf-8").partition(AVOIDED)[2]
    rows = [[cell.strip() for cell in _ROW.split(line)[1:-1]] for line in table.splitlines() if line.startswith("|")]
    return [
        Avoided(word, say, re.compile(pattern.strip("`").replace("\\|", "|"), re.IGNORECASE), _set(where), _set(stay))
        for word, say, pattern, where, stay in rows[2:]
    ]


def _set(cell: str) -> frozenset[str]:
    return frozenset(part.strip().strip("`") for part in cell.split(",") if part.strip())


def texts_of_document(file: Path) -> Iterator[Text]:
    """Prose of a page or a notebook."""
    if file.suffix == ".ipynb":
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        pages = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    else:
        pages = [
            file.read_text(encoding="utf-8").partition(AVOIDED)[0] if file == GLOSSARY else file.read_text("utf-8")
        ]
    for page in pages:
        for number, line in enumerate(without_code(page).splitlines(), start=1):
            yield Text("prose", number, line)


def texts_of_code(file: Path) -> Iterator[Text]:
    """Docstrings, messages, comments and names of a module."""
    source = file.read_text(encoding="utf-8")
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield Text("prose", node.lineno, _CODE.sub(" ", _DOCTEST.sub("", node.value)))
            if id(node) in docstrings:
                yield Text("docstrings", node.lineno, node.value)
        for name, line in names_of(node):
            yield Text("names", line, _HUMP.sub(" ", name).replace("_", " "))
        if isinstance(node, ast.arg):
            yield Text("parameters", node.lineno, node.arg)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text("prose", token.start[0], _CODE.sub(" ", token.string))


def names_of(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Names that a node of a syntax tree introduces."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        yield node.name, node.lineno
    elif isinstance(node, ast.arg):
        yield node.arg, node.lineno
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id, node.lineno


def without_code(text: str) -> str:
    """Blank out code, and addresses of links, but keep the lines."""
    return _CODE.sub(" ", _CODE_BLOCK.sub(lambda block: "\n" * block[0].count("\n"), text))


def uses(file: Path, texts: Iterator[Text]) -> list[str]:
    """Uses of words to avoid, as FILE:LINE: word (say …)."""
    name = file.relative_to(ROOT).as_posix()
    rows = [row for row in avoided() if name not in row.may_stay]
    return [
        f"{name}:{text.line}: {match[0]!r}; say {row.say}"
        for text in texts
        for row in rows
        if text.kind in row.where
        for match in row.pattern.finditer(text.text)
    ]


def modules(folder: str) -> list[Path]:
    """Modules of a folder."""
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_pages_say_the_words_of_the_field(file: Path) -> None:
    problems = uses(file, texts_of_document(file))
    assert problems == [], "\n".join(problems)


@pytest.mark.parametrize("folder", FOLDERS)
def test_code_says_the_words_of_the_field(folder: str) -> None:
    problems = [use for file in modules(folder) for use in uses(file, texts_of_code(file))]
    assert problems == [], "\n".join(problems)


def test_files_that_may_keep_a_word_are_there_and_use_it() -> None:
    for row in avoided():
        for name in row.may_stay:
            file = ROOT / name
            assert file.exists(), name
            texts = texts_of_code(file) if file.suffix == ".py" else texts_of_document(file)
            assert any(row.pattern.search(text.text) for text in texts if text.kind in row.where), (name, row.word)


def test_terms_are_in_order_and_each_has_one_sentence() -> None:
    table = GLOSSARY.read_text(encoding="utf-8").partition(AVOIDED)[0]
    terms = dict(re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", table, re.MULTILINE))
    assert len(terms) > 40
    assert list(terms) == sorted(terms, key=str.lower)
    for term, meaning in terms.items():
        assert re.fullmatch(r"[A-Z][^|]*\.", meaning), term
        assert not re.search(r"\. [A-Z]", meaning.replace("et al. (", "et al (")), term


def test_the_scan_sees_what_it_should(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    lines = [
        '"""What a thing is, beside others.',
        "",
        "    >>> beside",
        '"""',
        "# Whoever reads `beside`.",
        "class Journey:",
        "    def mend(self, of):",
        "        found = f'{of} goods here'",
    ]
    module.write_text("\n".join(lines), encoding="utf-8")
    seen = {
        (text.kind, text.line, match[0].lower())
        for text in texts_of_code(module)
        for row in avoided()
        if text.kind in row.where
        for match in row.pattern.finditer(text.text)
    }
    assert seen == {
        ("docstrings", 1, "what"),
        ("prose", 1, "beside"),
        ("prose", 5, "whoever"),
        ("names", 6, "journey"),
        ("names", 7, "mend"),
        ("parameters", 7, "of"),
        ("names", 8, "found"),
        ("prose", 8, "goods"),
    }
