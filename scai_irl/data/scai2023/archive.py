"""Search for the epoch files of SCAI (2023) in a folder or an archive; nothing is unpacked to disk.

Layout: ``<experiment>/20runs/<condition…>/<run>/id_<run>_run_<epoch>.json``. Names of archive members are labels
only, never paths to write to.
"""

from __future__ import annotations

import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path, PurePosixPath

from scai_irl.io.errors import InputError

_EPOCH_FILE = re.compile(r"id_(\d{1,9})_run_(\d{1,9})\.json")
_LARGEST = 16 * 2**20  # bytes; recorded epoch files have some 40 kB, so a larger one is something else
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # with files in it, and empty
_HINT = "give the folder that holds the experiments, or its archive (.tar, .tar.gz, .tar.xz, .tgz, .zip)"
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    RuntimeError,  # a zip that is locked by a password or packed in a way that zipfile does not know
)


@dataclass(frozen=True)
class Unread:
    """A file, or a part of one, that could not be read.

    Attributes:
        file: Name of the file, relative to the given folder or the archive's root.
        where: JSON key, interaction or column in it; empty for the whole file.
        reason: Reason.
    """

    file: str
    where: str
    reason: str


@dataclass(frozen=True)
class EpochFile:
    """One epoch file.

    Attributes:
        name: Name relative to the given folder or the archive's root.
        experiment: Folders above the condition, from the last folder called "experiments" down.
        condition: The folder above the run's.
        run: Number of the run.
        epoch: Number of the epoch, counted from 1 (the file's name counts from 0).
        content: The JSON text.
    """

    name: str
    experiment: str
    condition: str
    run: int
    epoch: int
    content: bytes


def find_epoch_files(path: Path) -> tuple[list[EpochFile], list[Unread]]:
    """Return all epoch files below a folder or in an archive, in order of experiment, condition, run and epoch.

    Files with other names (configurations, notes) and links in an archive are ignored.

    Args:
        path: Folder, or tar or zip archive.

    Returns:
        The files, and those that have the name of an epoch file but cannot be one.

    Raises:
        InputError: If the path does not exist, is not an archive, is damaged, or has no epoch file.
    """
    if not path.exists():
        raise InputError(str(path), "there is no such file or folder", _HINT)
    files: dict[tuple[str, str, int, int], EpochFile] = {}
    unread: list[Unread] = []
    try:
        for name, content in sorted(_named_contents(path), key=itemgetter(0)):
            # A name that is not valid UTF-8 has surrogates, which a table cannot hold.
            item = _epoch_file(name.encode(errors="backslashreplace").decode(), content)
            if isinstance(item, Unread):
                unread.append(item)
                continue
            index = (item.experiment, item.condition, item.run, item.epoch)
            if index in files:
                unread.append(Unread(item.name, "", f"the same run and epoch as {files[index].name}"))
            else:
                files[index] = item
    except _DAMAGED as error:
        problem = f"the archive is damaged, cut short or of another kind ({error})"
        raise InputError(str(path), problem, _HINT) from error
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error})", _HINT) from error
    if not files and not unread:
        raise InputError(str(path), "it holds no epoch file id_<run>_run_<epoch>.json", _HINT)
    return [files[index] for index in sorted(files)], unread


def _epoch_file(name: str, content: bytes | None) -> EpochFile | Unread:
    parts = PurePosixPath(name).parts
    run, epoch = re.findall(r"\d+", parts[-1])
    if content is None:
        return Unread(name, "", f"larger than {_LARGEST // 2**20} MiB, so no epoch file")
    if "/" in parts or ".." in parts:
        return Unread(name, "", "its name points outside the archive")
    if len(parts) < 3:
        return Unread(name, "", "it lies in no <condition>/<run> folder")
    *experiment, condition, run_folder = parts[:-1]
    if run_folder != run:
        return Unread(name, "", f"its folder is {run_folder!r}, not the run's number {run}")
    if "experiments" in experiment:
        experiment = experiment[len(experiment) - experiment[::-1].index("experiments") :]
    return EpochFile(name, "/".join(experiment), condition, int(run), int(epoch) + 1, content)


def _is_epoch_file(name: str) -> bool:
    return _EPOCH_FILE.fullmatch(PurePosixPath(name).name) is not None


def _named_contents(path: Path) -> Iterator[tuple[str, bytes | None]]:
    """Yield names and contents of all files named like an epoch file; the content is None if it is too large."""
    if path.is_dir():
        return _in_folder(path)
    with path.open("rb") as file:
        is_zip = file.read(4) in _ZIP_STARTS
    return _in_zip(path) if is_zip else _in_tar(path)


def _in_folder(folder: Path) -> Iterator[tuple[str, bytes | None]]:
    # The folder's own name counts, so that the experiment has the same name if the user gives the folder "experiments"
    # or one above it.
    root = PurePosixPath(folder.resolve().name)
    for file in folder.rglob("*.json"):
        if _is_epoch_file(file.name) and file.is_file():
            name = root / PurePosixPath(file.relative_to(folder).as_posix())
            yield str(name), file.read_bytes() if file.stat().st_size <= _LARGEST else None


def _in_zip(path: Path) -> Iterator[tuple[str, bytes | None]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if _is_epoch_file(member.filename) and not member.is_dir():
                large = member.file_size > _LARGEST
                yield member.filename, None if large else archive.read(member)


def _in_tar(path: Path) -> Iterator[tuple[str, bytes | None]]:
    with tarfile.open(path) as archive:
        for member in archive:
            if _is_epoch_file(member.name) and member.isfile():
                data = archive.extractfile(member)
                assert data is not None  # noqa: S101 - it is a regular file
                yield member.name, None if member.size > _LARGEST else data.read()
        # tarfile takes a damaged or missing header for the end of the archive; the true end is a block of zeros.
        stream = archive.fileobj
        assert stream is not None  # noqa: S101 - opened for reading
        stream.seek(archive.offset)
        if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("its end mark is missing")
