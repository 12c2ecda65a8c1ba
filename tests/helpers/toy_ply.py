"""PLY files of every kind."""

import struct

_CODES = {
    "float": "f", "double": "d", "char": "b", "uchar": "B", "short": "h",
    "ushort": "H", "int": "i", "uint": "I",
}  # fmt: skip
FACES = ("face", [("list uchar int", "vertex_indices")])


def ply_bytes(kind, properties, rows, num_faces=0):
    """A PLY file with one row of values a vertex, and triangles after them."""
    faces = [(*FACES, [((0, 1, 2),)] * num_faces)] if num_faces else []
    return ply_of_elements(kind, [("vertex", properties, rows), *faces])


def ply_of_elements(kind, elements):
    """A PLY file of elements (name, properties, rows).

    A property is (type, name); of a type "list uchar int" rows hold tuples.
    """
    lines = ["ply", f"format {kind} 1.0", "comment made for a test"]
    body = b""
    for name, properties, rows in elements:
        lines += [f"element {name} {len(rows)}"]
        lines += [f"property {scalar} {word}" for scalar, word in properties]
        scalars = [scalar for scalar, _ in properties]
        body += b"".join(_row_bytes(kind, scalars, row) for row in rows)
    return "\n".join([*lines, "end_header", ""]).encode() + body


def _row_bytes(kind, scalars, row):
    pairs = []
    for scalar, value in zip(scalars, row, strict=True):
        if scalar.startswith("list"):
            _, length, item = scalar.split()
            pairs += [(length, len(value)), *((item, each) for each in value)]
        else:
            pairs.append((scalar, value))
    if kind == "ascii":
        return (" ".join(str(value) for _, value in pairs) + "\n").encode()
    order = "<" if "little" in kind else ">"
    layout = order + "".join(_CODES[scalar] for scalar, _ in pairs)
    return struct.pack(layout, *(value for _, value in pairs))
