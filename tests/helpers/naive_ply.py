"""A PLY reader that goes through a file value by value, to compare with."""

import io
import struct

CODES = {
    "char": "b", "uchar": "B", "short": "h", "ushort": "H", "int": "i", "uint": "I",
    "float": "f", "double": "d",
    "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i",
    "uint32": "I", "float32": "f", "float64": "d",
}  # fmt: skip


def naive_vertices(content: bytes) -> dict[str, list[float]]:
    """The scalars of the vertices by name, as the header says.

    A file that is shorter is an error of any kind.
    """
    file = io.BytesIO(content)
    order, elements = _read_header(file)
    found: dict[str, list[float]] = {}
    for name, count, properties in elements:
        for _ in range(count):
            take = _line_taker(file) if order == "ascii" else _byte_taker(file, order)
            for word, kinds in properties:
                if kinds[0] == "list":
                    for _ in range(int(take(kinds[1]))):
                        take(kinds[2])
                    continue
                value = take(kinds[0])
                if name == "vertex":
                    found.setdefault(word, []).append(value)
    return found


def _read_header(file):
    """The order, and name, count and properties of each element."""
    order, elements = "", []
    for line in iter(file.readline, b""):
        match line.decode("latin-1").split():
            case ["format", kind, _]:
                order = kind
            case ["element", name, count]:
                elements.append((name, int(count), []))
            case ["property", *kinds, name]:
                elements[-1][2].append((name, kinds))
            case ["end_header", *_]:
                break
    return order, elements


def _line_taker(file):
    """Takes values of the next line that is not empty."""
    words = iter(
        next(line for line in iter(file.readline, b"") if line.strip()).split()
    )
    return lambda kind: float(next(words))


def _byte_taker(file, order):
    """Takes values of the next bytes."""
    sign = "<" if order == "binary_little_endian" else ">"

    def take(kind):
        layout = sign + CODES[kind]
        return struct.unpack(layout, file.read(struct.calcsize(layout)))[0]

    return take
