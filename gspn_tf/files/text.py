"""Text files of other programs: decoded by their mark; and the files of a folder."""

import codecs
import os
from pathlib import Path

from gspn_tf.files.errors import naming_file

# The marks of UTF-32 begin with those of UTF-16.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: str | Path, errors: str = "strict") -> str:
    """The text of a file in UTF-8, or in what its byte order mark says.

    Args:
        path: the file.
        errors: those of `bytes.decode`; "surrogateescape" for names of files, which may
            be in no encoding at all.

    Raises:
        ScanError: it cannot be read, or is no such text.
    """
    with naming_file(path, "text", decodes=True):
        return decoded(Path(path).read_bytes(), path, errors)


def decoded(data: bytes, path: str | Path, errors: str = "strict") -> str:
    """The text of bytes that a file at `path` holds, as `read_text` decodes it."""
    encodings = (name for mark, name in _MARKS.items() if data.startswith(mark))
    with naming_file(path, "text", decodes=True):
        text = data.decode(next(encodings, "utf-8"), errors)
        if "\0" in text:
            raise ValueError("it has zero bytes, like UTF-16 without a byte order mark")
        return text


def in_utf8(data: bytes) -> bytes:
    """Bytes of a text without their byte order mark, in UTF-8 where they have one.

    Others stay as they are: their comments may be in any encoding.

    Raises:
        UnicodeDecodeError: they are not what their mark says.
    """
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            return data.decode(name).encode()
    return data


def printable(name: str) -> str:
    r"""A file's name as text in UTF-8; bytes that are no such text are as \xe9.

    Python has such bytes as lone surrogates, which no file in UTF-8 can hold.
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def visible_files(folder: str | Path, pattern: str = "*") -> list[Path]:
    """The paths of a folder that fit a pattern, sorted, without hidden ones.

    macOS leaves a hidden `._name` beside each file on disks of other systems, and
    deleted files in a hidden folder. Where the folder itself is does not count.
    """
    folder = Path(folder)
    found = ((path, path.relative_to(folder).parts) for path in folder.glob(pattern))
    return sorted(path for path, parts in found if not any(p[0] == "." for p in parts))
