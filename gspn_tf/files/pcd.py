"""The columns of a PCD 0.7 file (Point Cloud Library): ascii, binary or compressed.

`binary_compressed` holds two little-endian uint32, the sizes of the compressed and of
the plain bytes, then one LZF stream of the fields, column after column.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

_KINDS = {"I": "i", "U": "u", "F": "f"}
_SIZES = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (4, 8)}
_ENCODINGS = ("ascii", "binary", "binary_compressed")
_MAX_HEADER_LINES = 100


class PcdError(ValueError):
    """A file that is no usable PCD cloud: names the file, what was expected, got."""


class Header(NamedTuple):
    """What the header of a PCD file says."""

    fields: list[tuple[str, np.dtype, int]]  # name, type, values a point
    num_points: int
    encoding: str

    def record(self) -> np.dtype:
        """The binary layout of a point; padding (`_`) may occur more than once."""
        columns = enumerate(self.fields)
        return np.dtype([(str(i), kind, (n,)) for i, (_, kind, n) in columns])


def read_pcd(path: str | Path) -> dict[str, np.ndarray]:
    """The fields of a file, each [V] (or [V, n] where COUNT is n), in file order.

    Raises:
      PcdError: missing, truncated or corrupt file, or a header that is not understood.
    """
    try:
        data = Path(path).read_bytes()
        header, start = _read_header(data)
        read = {
            "ascii": _read_ascii,
            "binary": _read_binary,
            "binary_compressed": _read_compressed,
        }[header.encoding]
        columns = read(data[start:], header)
    except OSError as error:
        raise PcdError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise PcdError(f"{path} is not a readable PCD file: {error}") from error
    named = zip(header.fields, columns, strict=True)
    return {
        name: column[:, 0] if count == 1 else column
        for (name, _, count), column in named
        if name != "_"
    }


def _read_header(data: bytes) -> tuple[Header, int]:
    """The header, and where the data begins."""
    values, start = {}, 0
    for _ in range(_MAX_HEADER_LINES):
        end = data.find(b"\n", start)
        if end < 0:
            raise ValueError("the file ends inside the header")
        words = data[start:end].decode("latin-1").split()
        start = end + 1
        if words and not words[0].startswith("#"):
            values[words[0]] = words[1:]
        if "DATA" in values:
            return _header(values), start
    raise ValueError(f"no line 'DATA' in the first {_MAX_HEADER_LINES}")


def _header(values: dict[str, list[str]]) -> Header:
    for key in ("FIELDS", "SIZE", "TYPE", "WIDTH", "HEIGHT"):
        if not values.get(key):
            raise ValueError(f"expected a line {key!r} in the header, got none")
    names = values["FIELDS"]
    counts = values.get("COUNT", ["1"] * len(names))
    if not len(names) == len(values["SIZE"]) == len(values["TYPE"]) == len(counts):
        raise ValueError("FIELDS, SIZE, TYPE and COUNT must have as many values")
    rows = zip(names, values["TYPE"], values["SIZE"], counts, strict=True)
    fields = [(name, _kind(*kind), _number(count)) for name, *kind, count in rows]
    real = [name for name in names if name != "_"]
    if len(set(real)) != len(real):
        raise ValueError(f"FIELDS must be distinct, got {real}")
    num_points = _number(values["WIDTH"][0]) * _number(values["HEIGHT"][0])
    announced = values.get("POINTS", [str(num_points)])
    if announced != [str(num_points)]:
        raise ValueError(f"WIDTH * HEIGHT is {num_points}, POINTS is {announced}")
    encoding = " ".join(values["DATA"])
    if encoding not in _ENCODINGS:
        raise ValueError(f"DATA must be one of {list(_ENCODINGS)}, got {encoding!r}")
    return Header(fields, num_points, encoding)


def _kind(letter: str, size: str) -> np.dtype:
    kind = _KINDS.get(letter)
    if kind is None or _number(size) not in _SIZES[kind]:
        raise ValueError(f"no type {letter!r} of {size!r} bytes")
    return np.dtype(f"<{kind}{size}")


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit() and int(word) > 0):
        raise ValueError(f"expected a positive number in the header, got {word!r}")
    return int(word)


def _read_ascii(data: bytes, header: Header) -> list[np.ndarray]:
    lines = data.decode("latin-1").split("\n")[: header.num_points]
    lines = [line for line in lines if line.strip()]
    if len(lines) < header.num_points:
        raise ValueError(
            f"truncated: {header.num_points} points announced, {len(lines)} there"
        )
    table = np.loadtxt(lines, ndmin=2, comments=None, dtype=np.float64)
    width = sum(count for _, _, count in header.fields)
    if table.shape[1] != width:
        raise ValueError(f"a point has {width} values, a line {table.shape[1]}")
    ends = np.cumsum([count for _, _, count in header.fields])[:-1]
    parts = zip(header.fields, np.split(table, ends, axis=1), strict=True)
    return [part.astype(kind) for (_, kind, _), part in parts]


def _read_binary(data: bytes, header: Header) -> list[np.ndarray]:
    record = header.record()
    _check_length(len(data), header.num_points * record.itemsize)
    rows = np.frombuffer(data, record, header.num_points)
    return [rows[name] for name in record.names]


def _read_compressed(data: bytes, header: Header) -> list[np.ndarray]:
    _check_length(len(data), 8)
    packed, plain = (int(n) for n in np.frombuffer(data, "<u4", 2))
    expected = header.num_points * header.record().itemsize
    if plain != expected:
        raise ValueError(f"the points have {expected} bytes, the data says {plain}")
    _check_length(len(data) - 8, packed)
    body, start, columns = decompress(data[8 : 8 + packed], plain), 0, []
    for _, kind, count in header.fields:
        column = np.frombuffer(body, kind, header.num_points * count, start)
        columns.append(column.reshape(header.num_points, count))
        start += column.nbytes
    return columns


def _check_length(got: int, expected: int) -> None:
    if got < expected:
        raise ValueError(f"truncated: {expected} bytes announced, {got} there")


def decompress(data: bytes, size: int) -> bytes:
    """The `size` bytes of an LZF stream.

    A stream is a row of runs. A first byte below 32 is followed by that many bytes and
    one more, to be copied. Of any other first byte the upper 3 bits are the length
    less two (7: the next byte is added) and the lower 5 bits, with the following byte,
    the distance less one back to bytes that are repeated.

    Raises:
      ValueError: a run reaches beyond the data, or the size is another.
    """
    out, at = bytearray(), 0
    try:
        while at < len(data):
            head = data[at]
            if head < 32:
                out += data[at + 1 : at + head + 2]
                at += head + 2
                continue
            length = head >> 5
            if length == 7:
                at += 1
                length += data[at]
            distance = ((head & 31) << 8) + data[at + 1] + 1
            at += 2
            _repeat(out, distance, length + 2)
    except IndexError:
        at = len(data) + 1
    if at != len(data) or len(out) != size:
        raise ValueError(
            f"corrupt LZF data: expected {size} bytes, got {len(out)} of "
            f"{'incomplete' if at != len(data) else 'whole'} runs"
        )
    return bytes(out)


def _repeat(out: bytearray, distance: int, length: int) -> None:
    """Appends `length` bytes, each equal to the one `distance` before it."""
    start = len(out) - distance
    if start < 0:
        raise ValueError(
            f"corrupt LZF data: byte {len(out)} repeats one {distance} before it"
        )
    piece = out[start : start + length]
    if distance < length:  # it repeats what it writes
        piece = (piece * (length // distance + 1))[:length]
    out += piece
