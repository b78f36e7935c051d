"""Locks of folders by ``flock``, which the system releases when a process ends, for any reason."""

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
    """Hold a lock of a folder during the block.

    Args:
        folder: The folder.
        name: Name of the lock file in it.
        by: Process that may hold the lock instead, for the message.
        shared: Whether other processes may hold a shared lock at the same time.

    Raises:
        InputError: If another process holds the lock, the disk has no locks, or the folder is read-only.
    """
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with telling_disk_errors(folder):
        lock = (folder / name).open("w")
    with lock:
        try:
            fcntl.flock(lock, mode | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            hint = "wait for it, or give another folder with --out"
            raise InputError(str(folder), f"{by} is writing to it", hint) from taken
        except OSError as refused:
            if refused.errno not in _NO_LOCKS:
                with telling_disk_errors(folder):
                    raise
            hint = "mount it with flock, or give another folder with --out"
            raise InputError(str(folder), f"this disk has no locks ({refused.strerror})", hint) from refused
        yield
