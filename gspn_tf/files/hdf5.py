"""HDF5 files, which have no checksums: damage shows as one of many errors of h5py."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import h5py

_ERRORS = (OSError, RuntimeError, KeyError, TypeError, AttributeError)


@contextlib.contextmanager
def opened(path: str | Path, kind: type[ValueError]) -> Iterator[h5py.File]:
    """The file at `path`; an error of `kind` names it where it cannot be read."""
    try:
        with h5py.File(path) as file:
            yield file
    except _ERRORS as error:
        raise kind(f"{path} is no readable HDF5 file: {error}") from error
