"""The gallery shows every figure after the command that makes it."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

GALLERY = ROOT / "docs" / "gallery.md"
FIGURES = ROOT / "docs" / "figures"


def test_every_figure_is_shown_once() -> None:
    shown = re.findall(r"\]\(figures/([^)]+)\)", GALLERY.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(figure.name for figure in FIGURES.iterdir())


def test_a_command_and_a_description_stand_by_every_figure() -> None:
    for section in GALLERY.read_text(encoding="utf-8").split("\n## ")[1:]:
        command, _, figures = section.partition("\n![")
        assert re.search(r"^ {4}\$ (scai-irl (run|calibrate)|python) ", command, re.MULTILINE), section
        assert all(len(words) > 20 for words in re.findall(r"^!\[([^\]]*)\]", "![" + figures, re.MULTILINE)), section


def test_figures_of_an_organism_are_made_by_asking_it() -> None:
    for section in GALLERY.read_text(encoding="utf-8").split("\n## ")[1:]:
        for name in re.findall(r"organism\s+`([^`]+)`", section):
            assert f"--backend embedded --model {name}" in section, section


def test_no_figure_is_large() -> None:
    assert sum(figure.stat().st_size for figure in FIGURES.iterdir()) < 1_000_000
