"""Archives of NumPy's arrays; damage shows as one of many errors of its libraries."""

import contextlib
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gspn_tf.files.errors import naming_file

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    RuntimeError,
    EOFError,
    KeyError,
    SyntaxError,
    tokenize.TokenError,
    MemoryError,
    OverflowError,
)
"""Exceptions of damaged arrays, besides OSError and ValueError."""


@contextlib.contextmanager
def open_archive(path: str | Path) -> Iterator[np.lib.npyio.NpzFile]:
    """The archive at `path`; a ScanError names it where it cannot be read."""
    # NumPy leaves a file of its own open where it is damaged.
    with naming_file(path, "npz", *DAMAGE), open(path, "rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError("expected an archive of arrays")
        with np.load(file, allow_pickle=False) as archive:
            yield archive
