"""Locks of folders: the system's (``flock``), which lets them go when a process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
from collections.abc import Iterator
from pathlib import Path

from scai_irl.io.errors import InputError
from scai_irl.io.files import telling_disk_errors

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}


@contextlib.contextmanager
def locked(folder: Path, name: str, by: str, shared: bool = False) -> Iterator[None]:
    """Hold a lock of a folder, which is a file in it.

    Args:
        folder: The folder.
        name: Name of the file.
        by: Who may have it else, for the message.
        shared: Whether others may hold it beside this process, shared as well.

    Raises:
        InputError: If somebody else has it, the disk has no locks, or it cannot be written to.
    """
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with telling_disk_errors(folder):
        lock = (folder / name).open("w")
    with lock:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            mend = "wait for it, or give another folder with --out"
            raise InputError(str(folder), f"{by} is writing to it", mend) from taken
        except OSError as refused:
            if refused.errno not in _NO_LOCKS:
                with telling_disk_errors(folder):
                    raise
            mend = "mount it with flock, or give another folder with --out"
            raise InputError(str(folder), f"this disk has no locks ({refused.strerror})", mend) from refused
        yield
