"""PLY files of every kind."""

import numpy as np

_NUMPY = {"float": "f4", "double": "f8", "uchar": "u1", "ushort": "u2", "int": "i4"}


def ply_bytes(kind, properties, rows, num_faces=0):
    """A PLY file with one row of values a vertex, and triangles after them."""
    lines = ["ply", f"format {kind} 1.0", "comment made for a test"]
    lines += [f"element vertex {len(rows)}"]
    lines += [f"property {scalar} {name}" for scalar, name in properties]
    if num_faces:
        lines += [f"element face {num_faces}"]
        lines += ["property list uchar int vertex_indices"]
    header = "\n".join([*lines, "end_header", ""]).encode()
    if kind == "ascii":
        body = "".join(" ".join(map(str, row)) + "\n" for row in rows)
        return header + (body + "3 0 1 2\n" * num_faces).encode()
    order = "<" if "little" in kind else ">"
    record = [(name, order + _NUMPY[scalar]) for scalar, name in properties]
    faces = np.zeros(num_faces, [("count", "u1"), ("rows", order + "i4", 3)])
    faces["count"] = 3
    return header + np.array([tuple(r) for r in rows], record).tobytes() + bytes(faces)
