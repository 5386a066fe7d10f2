"""One process at a time: a lock on a file's name, which ends with the process that holds it."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["locked"]

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock on the name `path` (of this process's threads and of other processes) until the block ends.

    The lock is a hidden file beside `path`. The system lets go of it when its holder dies, so none is ever left behind locked.
    On a file system without locks, the block runs unguarded.
    """
    name = path.with_name(f".{path.name}.lock")
    descriptor = _acquire(name)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file; it stays, and harms nobody
            os.unlink(name)
        os.close(descriptor)


def _acquire(name: Path) -> int:
    """A descriptor that holds the lock on the file that has the name now; a holder that leaves removes the file from under those who wait."""
    while True:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _wait(descriptor)
            if _same(descriptor, name):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _same(descriptor: int, name: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(name))
    except FileNotFoundError:
        return False


if sys.platform == "win32":

    def _wait(descriptor: int) -> None:
        import msvcrt

        while True:
            try:
                return msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
            except OSError as error:  # it gives up after ten seconds
                if error.errno != errno.EDEADLK:
                    raise

else:

    def _wait(descriptor: int) -> None:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
