"""Write one HTML report of several results folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from scai_irl.io.errors import InputError
from scai_irl.io.files import telling_disk_errors, write_text
from scai_irl.report.html.page import GENERATOR, page
from scai_irl.results.results import Results, load

_HEAD = 2_000  # first bytes of a page, which contain its generator
_MOST_NAMES = 3  # maximum number of experiments in a title


def write_report(
    folders: Sequence[Path],
    out: Path,
    title: str = "",
    summaries: Mapping[str, str] | None = None,
    failed: Mapping[str, str] | None = None,
) -> None:
    """Write a report; the same folders give the same bytes.

    Args:
        folders: Results folders.
        out: File to write.
        title: Title of the page; the names of the experiments if not given.
        summaries: Summary of each experiment, by name.
        failed: Errors of experiments without results, by name.

    Raises:
        InputError: If a folder is no results folder or is given twice, or the file cannot be written.
    """
    if not folders:
        raise InputError("results", "no folder was given", "give one or more folders that scai-irl wrote")
    for number, folder in enumerate(folders):
        if folder.resolve() in [earlier.resolve() for earlier in folders[:number]]:
            raise InputError(str(folder), "given twice", "give each results folder once")
    _refuse_other_file(out)
    results = [load(folder) for folder in folders]
    write_text(out, page(results, title or _title(results), summaries or {}, failed or {}))


def _refuse_other_file(out: Path) -> None:
    """Refuse to replace a file that is not a report."""
    if out.is_dir():
        raise InputError(str(out), "is a folder", "give a file with --out")
    with telling_disk_errors(out):
        if not out.exists():
            return
        with out.open("rb") as file:
            head = file.read(_HEAD)
    if f'content="{GENERATOR}"'.encode() not in head:
        raise InputError(str(out), "is not a report", "give another file with --out")


def _title(results: Sequence[Results]) -> str:
    names = list(dict.fromkeys(part.manifest.experiment for part in results))
    if len(names) > _MOST_NAMES:
        return f"{len(names)} experiments"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
