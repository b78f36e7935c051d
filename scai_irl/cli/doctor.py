"""``scai-irl doctor``: checks of the installation and of language-model servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from rich.console import Console
from rich.table import Table
from rich.text import Text
from tyro.conf import arg

from scai_irl.io.errors import printable
from scai_irl.lm.settings import LmSettings

if TYPE_CHECKING:
    from scai_irl.backends.vllm.checkup import CheckResult

_MARKS = {True: ("✓", "yes", "green"), False: ("✗", "NO", "red"), None: ("–", "-", "dim")}
_PATIENCE = LmSettings(timeout=60.0, attempts=2, pause=0.2, concurrency=16)


@dataclass
class Doctor:
    """Options of ``scai-irl doctor``."""

    url: Annotated[tuple[str, ...], arg(help="Servers to check; their key is in SCAI_IRL_API_KEY.")] = _PATIENCE.urls
    model: Annotated[str, arg(help="Name of the model; not needed if a server has only one.")] = ""


def doctor(command: Doctor) -> None:
    """Check the installation and the servers, and print a table of the results.

    Raises:
        InputError: If an address is invalid.
        SystemExit: With code 1 if something is missing that experiments with these servers need.
    """
    from scai_irl.backends.vllm.checkup import check_server, installed  # noqa: PLC0415 - its client takes a second to import

    settings = replace(_PATIENCE, model=command.model)
    findings = {"installed": installed()} | {url: check_server(url, settings) for url in command.url}
    print_findings(findings)
    if any(finding.needed and not finding.works for some in findings.values() for finding in some):
        raise SystemExit(1)


def print_findings(findings: Mapping[str, Sequence[CheckResult]]) -> None:
    """Print findings to the terminal, grouped by the place of the check."""
    console = Console()
    table = Table(box=None, pad_edge=False)
    for heading in ("", "check", "result", "hint"):
        table.add_column(heading, overflow="fold")
    for where, some in findings.items():
        table.add_row("", Text(printable(where), style="bold"))
        for finding in some:
            mark, plain, style = _MARKS[finding.works]
            words = (finding.what, finding.detail, finding.hint)  # parts of it are from a server
            table.add_row(
                Text(plain if console.options.ascii_only else mark, style), *(Text(printable(w)) for w in words)
            )
    console.print(table)


OPTIONS, execute = Doctor, doctor
