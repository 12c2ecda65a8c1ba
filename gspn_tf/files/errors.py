"""The error of a file that is no usable scan, and how readers come to raise it."""

import codecs
import contextlib
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class ScanError(ValueError):
    """A file that cannot be used: names the file, what was expected, what came."""


_WIDE = {  # the marks of UTF-32 begin with those of UTF-16
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_UNREADABLE = {
    b"version https://git-lfs": (
        "it is a pointer of git-lfs; `git lfs pull` brings the file itself"
    ),
    b"<!doctype html": "it is a web page",
    b"<html": "it is a web page",
}


@contextlib.contextmanager
def naming_file(
    path: str | Path, kind: str, *more: type[Exception], decodes: bool = False
) -> Iterator[None]:
    """Turns whatever a reader of a file says into one line that names the file.

    Args:
        path: the file that the block reads.
        kind: its format, such as "PLY".
        more: exceptions that a library raises for damaged files, besides OSError and
            ValueError.
        decodes: whether the block reads text in UTF-16 too, by its mark.

    Raises:
        ScanError: the block raised one of them; a ScanError passes as it is.
    """
    known: tuple[type[Exception], ...] = (OSError, ValueError, *more)
    try:
        yield
    except ScanError:
        raise
    except known as error:
        if isinstance(error, OSError) and error.strerror:
            raise ScanError(f"{path} cannot be read: {error.strerror}") from error
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        what = contents(path, decodes) or what
        raise ScanError(f"{path} is not a readable {kind} file: {what}") from error


def contents(path: str | Path, decodes: bool = False) -> str:
    """Say of a file what makes it unreadable whatever it should be, or "".

    Args:
        path: the file.
        decodes: whether its reader knows UTF-16 by its mark.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except OSError:
        return ""
    if encoding := _wide_encoding(start, decodes):
        return (
            f"it is text in {encoding}; save it in UTF-8, as by "
            f"`iconv -f {encoding} -t UTF-8 OLD > NEW`"
        )
    for beginning, meaning in _UNREADABLE.items():
        if start.lstrip().lower().startswith(beginning):
            return meaning
    return "" if start else "it is empty"


def _wide_encoding(start: bytes, decodes: bool) -> str:
    """The encoding of text of several bytes a letter, by its first bytes, or ""."""
    marked = [name for mark, name in _WIDE.items() if start.startswith(mark)]
    if marked:
        return "" if decodes else marked[0]
    for order, letters, zeros in (
        ("LE", start[::2], start[1::2]),
        ("BE", start[1::2], start[::2]),
    ):
        if zeros and not any(zeros) and letters.isascii() and all(letters):
            return f"UTF-16{order}"
    return ""


def library_of_extra(name: str, extra: str, path: str | Path) -> Any:
    """Import the library `name`, which an extra of the package brings, for a file.

    Raises:
        ScanError: it is not installed; says the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ScanError(
            f"{path} needs {name}: pip install 'gspn-tf[{extra}]'"
        ) from error


def check_shape(where: str, array: Any, shape: tuple[int | str, ...]) -> None:
    """ScanError that says `where` an array has another shape; "V" is any length."""
    pairs = zip(shape, array.shape, strict=False)
    fits = all(isinstance(wanted, str) or wanted == there for wanted, there in pairs)
    if not fits or array.ndim != len(shape):
        wanted = ", ".join(map(str, shape))
        raise ScanError(f"{where} must be [{wanted}], got {list(array.shape)}")


def load_list(path: Path, key: str | None = None) -> list[Any]:
    """The list that is a JSON file's content, or that its content has as `key`.

    Raises:
        ScanError: it is missing or malformed, or there is no such list.
    """
    found = load_json(path)
    if key:
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list):
        wanted = f"an object with a list {key!r}" if key else "a list"
        raise ScanError(f"{path}: expected {wanted}, got {str(found)[:80]}")
    return found


def load_json(path: str | Path) -> Any:
    """The content of a JSON file.

    Raises:
        ScanError: it is missing or malformed.
    """
    with naming_file(path, "JSON", RecursionError, decodes=True):
        return json.loads(Path(path).read_bytes())


def checked_pairs(found: Any) -> list[tuple[int, str]]:
    """The ids and names that a `classes.json` holds; ValueError where it has others."""
    pairs = []
    for entry in found if isinstance(found, list) else [found]:
        match entry:
            case [int(raw_id), str(name)]:
                pairs.append((raw_id, name))
            case _:
                got = f"got {str(entry)[:80]}"
                raise ValueError(f'expected pairs such as [5, "chair"], {got}')
    return pairs
