"""Replacing a file so that, at every instant, its name stands for the old content or the new one, whole.

The new content goes into a hidden sibling (same folder, hence same file system), is forced to the disk, and takes the name by one
`rename`, which POSIX makes atomic; then the folder entry itself is forced to the disk. A process killed in between leaves the old file and,
at worst, a sibling `.NAME.….part` that nothing reads.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from cornu.errors import SavingError

__all__ = ["atomic_write"]


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path to write to; what stands there when the block ends well becomes `path`.

    If the block raises, `path` is as it was and the temporary file is gone. A symbolic link at `path` is followed: the file that it
    points to is replaced. An existing file's permissions are kept.

    Args:
        path: the file to make or to replace; its folder must exist.

    Raises:
        SavingError: the operating system refused (folder missing or read-only, disk full, `path` is a folder, …); it names `path`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(f"{folder}/note.txt") as temporary:
    ...         _ = temporary.write_text("whole")
    ...     print(os.listdir(folder), (Path(folder) / "note.txt").read_text())
    ['note.txt'] whole
    """
    target = Path(os.path.realpath(path))
    try:
        temporary = _create_sibling(target)
        try:
            yield temporary
            _force_to_disk(temporary)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _force_to_disk(target.parent)
    except SavingError:
        raise
    except OSError as error:
        failure = SavingError(f"Could not write {str(target)!r}: {error.strerror or error}. {_mend(target)}")
        failure.errno = error.errno
        raise failure from error


def _create_sibling(target: Path) -> Path:
    """An empty, exclusively made, hidden file beside the target, with the permissions that the target has or would get."""
    if target.is_dir():
        raise SavingError(f"A file must be written to a file's path, but {str(target)!r} is a folder. Name a file inside it.")
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    if mode is not None and not os.access(target, os.W_OK):
        raise SavingError(f"Could not write {str(target)!r}: the file is read-only. Make it writable or choose another path.")
    short = os.fsdecode(os.fsencode(target.name)[:100])  # file names end at 255 bytes, and this one grows
    temporary = target.with_name(f".{short}.{secrets.token_hex(6)}.part")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # the process's umask applies, as to any new file
    if mode is not None:
        os.chmod(temporary, mode)
    return temporary


def _force_to_disk(path: Path) -> None:
    """Fsync of a file or, where the system can open one, of a folder."""
    if path.is_dir() and os.name == "nt":
        return  # Windows has no handle on a folder to flush; NTFS journals the rename itself
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mend(target: Path) -> str:
    if not target.parent.is_dir():
        return f"The folder {str(target.parent)!r} does not exist; make it first."
    if target.exists():
        return "The earlier file is untouched."
    return "Nothing was left behind."
