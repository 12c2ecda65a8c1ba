"""Arrays of numbers in a MAT file of version 5, as MATLAB saves them by default.

A small reader of its own: that of scipy ends the whole process on some damaged files,
as it believes what they say of their sizes.

A file has a header of 128 bytes, then elements: a type and a number of bytes (uint32
each), and those bytes, filled up to a multiple of 8. Where the upper half of the type
is not zero, it is the number of bytes, and the four bytes that follow are the content.
A matrix is an element of elements: flags, dimensions, name, numbers.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gspn_tf.files.columns import check_count
from gspn_tf.files.errors import naming_file

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_KINDS = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8",
    12: "i8", 13: "u8",
}  # fmt: skip
_NUMBERS = range(6, 16)  # classes of matrices that are full and of numbers
_COMPLEX = 0x0800
_LARGEST = 1 << 28  # bytes of an element that is compressed


class _Element(NamedTuple):
    kind: int
    content: memoryview


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the full arrays of real numbers; others are passed over.

    Raises:
        ScanError: missing, cut or damaged file, or one of another version.
    """
    with naming_file(path, "MAT", zlib.error):
        data = Path(path).read_bytes()
        order = {b"IM": "<", b"MI": ">"}.get(data[126:_HEADER])
        if order is None or data[124:126] not in (b"\0\1", b"\1\0"):
            raise ValueError("expected a MAT file of version 5")
        found: dict[str, np.ndarray] = {}
        for element in _elements(memoryview(data)[_HEADER:], order):
            if element.kind == _COMPRESSED:
                (element,) = _elements(_unpacked(element.content), order)
            if element.kind == _MATRIX:
                found |= _array(element.content, order)
        return found


def _elements(data: memoryview, order: str) -> Iterator[_Element]:
    """Go through the elements of some bytes; ValueError where one is cut."""
    while len(data):
        check_count(8, len(data), "bytes")
        kind, size = np.frombuffer(data[:8], f"{order}u4").tolist()
        if kind >> 16:
            kind, size = kind & 0xFFFF, kind >> 16
            check_count(size, 4, "bytes")
            yield _Element(kind, data[4 : 4 + size])
            data = data[8:]
            continue
        check_count(size, len(data) - 8, "bytes")
        yield _Element(kind, data[8 : 8 + size])
        # What is compressed is not filled up.
        data = data[8 + size + (0 if kind == _COMPRESSED else -size % 8) :]


def _unpacked(data: memoryview) -> memoryview:
    stream = zlib.decompressobj()
    plain = stream.decompress(data, _LARGEST)
    if not stream.eof:
        raise ValueError(f"truncated, or more than {_LARGEST:,} bytes in an array")
    return memoryview(plain)


def _array(data: memoryview, order: str) -> dict[str, np.ndarray]:
    """The array that a matrix is by its name; nothing where it is not of numbers."""
    flags, *rest = _elements(data, order)
    if len(flags.content) != 8:
        raise ValueError(
            f"the flags of an array have {len(flags.content)} bytes, not 8"
        )
    word = np.frombuffer(flags.content, f"{order}u4")[0]
    if word & 0xFF not in _NUMBERS or word & _COMPLEX:
        return {}
    if len(rest) != 3 or rest[0].kind != 5 or rest[2].kind not in _KINDS:
        raise ValueError(f"an array has the parts {[part.kind for part in rest]}")
    shape, name, numbers = (part.content for part in rest)
    sides = np.frombuffer(shape, f"{order}i4").tolist()
    if len(sides) < 2 or min(sides) < 0:
        raise ValueError(f"an array has the shape {sides}")
    values = np.frombuffer(numbers, order + _KINDS[rest[2].kind])
    return {bytes(name).decode("ascii"): values.reshape(sides, order="F")}
