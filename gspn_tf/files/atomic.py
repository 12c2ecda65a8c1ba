"""Files appear whole or not at all: written beside, then renamed."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)

SCRATCH = ".writing-"
"""The beginning of the names of folders in which files are until they are whole."""


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path of the same suffix, renamed to `path` when the block succeeds.

    The block may make a file or a folder there. When it raises, what it made is
    deleted and whatever stood at `path` stays as it was.

    Raises:
        OSError: the disk is full or fails; names `path`.
    """
    path = Path(path)
    with _naming(path), _moving_together(path.parent, [path.name]) as scratch:
        yield scratch / path.name


@contextlib.contextmanager
def writing_together(folder: str | Path, names: Iterable[str]) -> Iterator[Path]:
    """Yield a scratch folder whose files `names` all move to `folder`, or none.

    They are moved when the block succeeds; `folder` is made where it is missing.

    Raises:
        OSError: the disk is full or fails; names `folder`.
    """
    folder = Path(folder)
    with _naming(folder), _moving_together(folder, names) as scratch:
        yield scratch


@contextlib.contextmanager
def _moving_together(folder: Path, names: Iterable[str]) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=folder) as scratch:
        yield Path(scratch)
        for name in names:
            new, old = Path(scratch, name), folder / name
            if new.is_dir() and old.is_dir():
                os.replace(old, Path(scratch, "replaced"))
            os.replace(new, old)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in errors of the disk, which each library words in its own way."""
    try:
        yield
    except Exception as error:
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            text = os.strerror(number)
            if getattr(error, "errno", None) == number or text in str(error):
                raise OSError(number, text, str(path)) from error
        raise


@contextlib.contextmanager
def locked(
    path: str | Path, other: str, wait: bool = False, shared: bool = False
) -> Iterator[None]:
    """Keep other processes from a folder, or by a file that is made, meanwhile.

    Several processes may have it where all of them have it `shared`. Where the file
    system has no locks, as some network and cloud disks, nothing keeps them away.

    Raises:
        ValueError: another process has it, and `wait` is False; `other` says so.
    """
    kind = os.O_RDONLY if os.path.isdir(path) else os.O_RDWR | os.O_CREAT
    lock = os.open(path, kind)
    try:
        try:
            mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(lock, mode | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise ValueError(other) from error
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                raise
        yield
    finally:
        os.close(lock)


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` in UTF-8, atomically; names of files keep their bytes."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", errors="surrogateescape")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2) + "\n")
