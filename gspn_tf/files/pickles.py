"""Pickles of named arrays, read without running anything that they name.

A pickle is a program: it may import any function and call it. The readers here let it
build numbers, text, lists and dicts, and stand-ins of their own for the few classes
that arrays need; whatever else it names ends the reading. They go by Python's own
unpickler, as that in C can be made to allocate all memory.
"""

import codecs
import io
import math
import pickle
import struct
import tokenize
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf.files.errors import naming_file

DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    MemoryError,
    OverflowError,
    RecursionError,
    struct.error,
)
"""Exceptions of damaged pickles, besides OSError and ValueError."""

_NUMBERS = "biuf"  # kinds of NumPy's dtypes that an array may have


class Restricted(pickle._Unpickler):
    """Unpickler that knows some names and nothing else.

    Args:
        file: To read from.
        known: What stands for `module.name`.
        stored: Makes a value of a persistent id; None: there are none.
        encoding: Of the text that Python 2 wrote.
    """

    def __init__(
        self,
        file: Any,
        known: dict[str, Any],
        stored: Callable[[Any], Any] | None = None,
        encoding: str = "ASCII",
    ) -> None:
        super().__init__(file, encoding=encoding)
        self.known, self.stored = known, stored

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name; UnpicklingError where nothing does."""
        if (found := self.known.get(f"{module}.{name}")) is None:
            raise pickle.UnpicklingError(
                f"it asks for {f'{module}.{name}'[:80]!r}, which no file of weights "
                "needs; nothing of it was run"
            )
        return found

    def persistent_load(self, pid: Any) -> Any:
        """Return what is stored under an id; UnpicklingError where nothing can be."""
        if self.stored is None:
            raise pickle.UnpicklingError("it refers to data that is not in it")
        return self.stored(pid)


class ArrayRecord:
    """Stands for `numpy.ndarray` and the function that makes an empty one."""

    def __init__(self, *_: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class TypeRecord:
    """Stands for `numpy.dtype`; `code` is such as "f4", `order` "<", ">" or "|"."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.code, self.order = _text(code), "="

    def __setstate__(self, state: Any) -> None:
        self.order = _text(state[1])


class Encoded(bytes):
    """Stands for `_codecs.encode`, by which Python 3 writes bytes for Python 2."""

    def __new__(cls, text: str, encoding: str = "latin1") -> "Encoded":
        """Encode text; UnpicklingError where it or its encoding is another."""
        if not isinstance(text, str) or codecs.lookup(encoding).name != "iso8859-1":
            raise pickle.UnpicklingError("bytes must be text in latin1")
        return super().__new__(cls, text.encode("latin1"))

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("bytes have no state")


_NUMPY: dict[str, Any] = {"_codecs.encode": Encoded}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _NUMPY[f"{_module}._reconstruct"] = ArrayRecord
_NUMPY |= {"numpy.ndarray": ArrayRecord, "numpy.dtype": TypeRecord}


def read_named_lists(path: str | Path) -> dict[str, list[np.ndarray]]:
    """Read a `.npy` file whose one object is a dict of lists of arrays.

    Raises:
        ScanError: Missing or damaged file, one of another content, or one that names a
            class or function which arrays do not need; nothing of it is run.
    """
    with naming_file(path, "npy", *DAMAGE, SyntaxError, tokenize.TokenError):
        file = io.BytesIO(Path(path).read_bytes())
        shape, kind = _header(file)
        if shape or kind != np.dtype(object):
            raise ValueError(f"expected one object, got {kind} of shape {list(shape)}")
        holder = Restricted(file, _NUMPY, encoding="bytes").load()
        content = holder.state[-1] if isinstance(holder, ArrayRecord) else None
        if not (isinstance(content, list) and len(content) == 1):
            raise ValueError("expected one object")
        if not isinstance(content[0], dict):
            raise ValueError("expected a dict of lists of arrays")
        found = {}
        for name, values in content[0].items():
            if not isinstance(values, list):
                raise ValueError("expected a dict of lists of arrays")
            found[_text(name)] = [_array(value) for value in values]
        return found


def _header(file: io.BytesIO) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of a `.npy` file, which is read up to its data."""
    version = np.lib.format.read_magic(file)
    reader = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if reader is None:
        raise ValueError(f"expected version 1 or 2 of the format, got {version}")
    shape, _, kind = reader(file)
    return shape, kind


def _array(record: Any) -> np.ndarray:
    """The array that a record tells of; ValueError where it tells of none."""
    if not isinstance(record, ArrayRecord) or record.state is None:
        raise ValueError("expected an array")
    _, shape, kind, by_columns, content = record.state
    if not isinstance(kind, TypeRecord) or kind.order not in (*"<>=|",):
        raise ValueError("an array has no type")
    dtype = np.dtype(kind.order + kind.code)
    if dtype.kind not in _NUMBERS:
        raise ValueError(f"an array is of {dtype}, not of numbers")
    return shaped(content, dtype, shape, "F" if by_columns else "C")


def shaped(content: Any, dtype: np.dtype, shape: Any, order: Any) -> np.ndarray:
    """Make an array of its bytes; ValueError where they are more or fewer."""
    sides = [side for side in shape if isinstance(side, int) and side >= 0]
    size = math.prod(sides) * dtype.itemsize
    if len(sides) != len(shape) or not isinstance(content, bytes):
        raise ValueError("an array is without shape or numbers")
    if len(content) != size:
        raise ValueError(f"an array of {size:,} bytes has {len(content):,}")
    return np.frombuffer(content, dtype).reshape(sides, order=order)


def _text(value: Any) -> str:
    """Text that Python 2 or 3 wrote; ValueError where it is none."""
    if isinstance(value, bytes):
        return value.decode("latin1")
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {type(value).__name__}")
    return value
