"""HDF5 files, which have no checksums: damage shows as one of many errors of h5py."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import h5py

from gspn_tf.files.errors import naming_file


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """The file at `path`; a ScanError names it where it cannot be read."""
    damage = (RuntimeError, KeyError, TypeError, AttributeError)
    with naming_file(path, "HDF5", *damage), h5py.File(path) as file:
        yield file


def check(path: str | Path) -> None:
    """Raise a ScanError that names a file which cannot be read."""
    with opened(path):
        pass
