"""HTML page of several results folders: contents, sections, and a comparison with SCAI (2023)."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from scai_irl.report.html import answers, policies
from scai_irl.report.html import belief_panels as beliefs
from scai_irl.report.html.answers import ReportQuestion, findings_of, questions_of
from scai_irl.report.html.belief_panels import Panels, beliefs_of, panels_of
from scai_irl.report.html.health import Health, health_of
from scai_irl.report.html.inline_figures import ShownFigure, figures_of
from scai_irl.report.html.inline_tables import ShownTable, shown_table, tables_of
from scai_irl.report.html.policies import PolicyPanels, policies_of
from scai_irl.report.html.scai import FolderFindings, comparison_of, model_label
from scai_irl.results.manifest import Manifest
from scai_irl.results.results import Results

GENERATOR = "scai-irl report"
"""Generator in the page's metadata."""

_JOINERS = "\u200c\u200d"  # joiners of letters in some scripts; other invisible characters could reorder or hide text


@dataclass(frozen=True)
class Section:
    """Section of one results folder.

    Attributes:
        anchor: Its id.
        name: Experiment.
        model: Model that answered, or family that was calibrated; empty if neither.
        folder: Name of the folder.
        about: Summary of the experiment; empty if unknown.
        facts: Status, seed and counts, in short.
        findings: Table of findings.
        questions: Questions with their answers.
        figures: Figures.
        panels: The posterior by epoch.
        policies: Verbal policies and posteriors.
        tables: Formatted tables.
        health: Diagnostics, failures and cost.
        manifest: Tables of the manifest.
    """

    anchor: str
    name: str
    model: str
    folder: str
    about: str
    facts: tuple[str, ...]
    findings: pd.DataFrame
    questions: tuple[ReportQuestion, ...]
    figures: tuple[ShownFigure, ...]
    panels: Panels | None
    policies: PolicyPanels | None
    tables: tuple[ShownTable, ...]
    health: Health
    manifest: tuple[ShownTable, ...]


def page(
    results: Sequence[Results],
    title: str,
    summaries: Mapping[str, str],
    failed: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Write the page; the same folders give the same text.

    Args:
        results: Results folders.
        title: Title of the page.
        summaries: Summary of each experiment, by name.
        failed: Errors of experiments without results, by name.

    Raises:
        InputError: If something in a folder cannot be read.
    """
    names = short_names([part.path for part in results])
    sections = [_section(part, f"s{n}", names[n - 1], summaries) for n, part in enumerate(results, 1)]
    by_folder = [FolderFindings(section.model, section.folder, section.findings) for section in sections]
    headings = [(section.name, section.model) for section in sections]
    sections = [
        replace(section, model=" · ".join(filter(None, (section.model, section.folder))))
        if headings.count((section.name, section.model)) > 1
        else section
        for section in sections
    ]
    style, script = (_asset(name) for name in ("style.css", "script.js"))
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=title,
            sections=sections,
            short=_in_short(sections),
            comparison=comparison_of(by_folder),
            failed=failed,
            style=style,
            script=script,
            policy=_policy(style, script),
            generator=GENERATOR,
            glance={"answers": answers.AT_A_GLANCE, "panels": beliefs.AT_A_GLANCE, "policies": policies.AT_A_GLANCE},
        )
    )


def short_names(paths: Sequence[Path]) -> list[str]:
    """Name each folder by the smallest number of last parts of its path that distinguishes it.

    Example:
        >>> short_names([Path("a/one/results"), Path("b/one/results"), Path("b/two")])
        ['a/one/results', 'b/one/results', 'two']
    """
    parts = [path.resolve().parts if path.name in {"", "..", "."} else path.parts for path in paths]
    depth = [1] * len(paths)
    while True:
        names = ["/".join(part[-n:]).replace("//", "/") for part, n in zip(parts, depth, strict=True)]
        twice = [n for n, name in enumerate(names) if names.count(name) > 1 and depth[n] < len(parts[n])]
        if not twice:
            return names
        for n in twice:
            depth[n] += 1


def _in_short(sections: Sequence[Section]) -> dict[str, list[tuple[Section, ReportQuestion]]]:
    """Group the answers of all sections by question."""
    by_question: dict[str, list[tuple[Section, ReportQuestion]]] = {}
    for section in sections:
        for question in section.questions:
            by_question.setdefault(question.text, []).append((section, question))
    return by_question


def _section(results: Results, anchor: str, folder: str, summaries: Mapping[str, str]) -> Section:
    manifest, findings, belief_table = results.manifest, findings_of(results), beliefs_of(results)
    seed = [] if manifest.seed is None else [f"seed {manifest.seed}"]
    counted = [f"{count:,} {name.replace('_', ' ')}" for name, count in manifest.counts.items() if count]
    figures = figures_of(results.path, anchor)
    return Section(
        anchor=anchor,
        name=manifest.experiment,
        model=model_label(manifest) or _method(manifest),
        folder=folder,
        about=summaries.get(manifest.experiment, ""),
        facts=(manifest.status, *seed, *counted),
        findings=findings,
        questions=questions_of(findings),
        figures=figures,
        panels=panels_of(belief_table),
        policies=policies_of(results, belief_table),
        tables=tables_of(results.path),
        health=health_of(results, figures),
        manifest=_manifest_tables(results),
    )


def _method(manifest: Manifest) -> str:
    """Name the pair of family and method that was calibrated."""
    names = [manifest.config.get(name) for name in ("family", "method")]
    return " by ".join(map(str, names)) if all(names) else ""


def _manifest_tables(results: Results) -> tuple[ShownTable, ...]:
    manifest = results.manifest.model_dump()
    plain = {name: value for name, value in manifest.items() if not isinstance(value, dict) and value is not None}
    tables: dict[str, dict[str, Any]] = {
        "Run": plain,
        "Configuration": manifest["config"],
        "Versions": manifest["versions"],
        "Instructions to language models, SHA-256": manifest["prompts"],
    }
    shown = []
    for caption, values in tables.items():
        lines = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in values.items()]
        if lines:
            shown.append(shown_table(pd.DataFrame(lines, columns=["name", "value"], dtype=object), caption))
    return tuple(shown)


@functools.cache
def _environment() -> Environment:
    """Template environment that escapes everything, from language models, tables and names of files."""
    return Environment(
        loader=PackageLoader("scai_irl.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )


def _visible(value: object) -> object:
    """Replace characters that are not text or change its direction."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join(c if c.isprintable() or c == "\n" or c in _JOINERS else " " if c.isspace() else "�" for c in value)


def _asset(name: str) -> Markup:
    return Markup(files(__package__).joinpath("templates", name).read_text(encoding="utf-8"))  # noqa: S704 - ours


def _policy(style: str, script: str) -> str:
    """Content security policy that allows this style, this script and images in the page only."""
    hashes = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode("ascii") for part in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
