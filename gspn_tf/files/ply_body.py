"""Reads what follows the header of a PLY file: rows of elements, text or bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from gspn_tf.files.columns import as_declared, check_count, read_text_rows


class List(NamedTuple):
    """The kinds of a list's length and of its items, such as "u1" and "i4"."""

    length: str
    item: str


@dataclass(slots=True)
class Element:
    """One "element" of a header, with the kind of each of its properties."""

    name: str
    count: int
    kinds: dict[str, str | List] = field(default_factory=dict)

    def rows(self) -> str:
        """Its rows, as an error calls them."""
        return f"rows of {self.name!r}"

    def scalars(self) -> dict[str, str]:
        """The properties that are no lists."""
        return {n: kind for n, kind in self.kinds.items() if isinstance(kind, str)}


def read_rows(
    lines: list[bytes], elements: Sequence[Element], wanted: str
) -> dict[str, np.ndarray]:
    """The scalar properties of the element `wanted`, from one line a row.

    Raises:
        ValueError: fewer or more lines than announced, or malformed ones.
    """
    columns, start = {}, 0
    for element in elements:
        check_count(element.count, len(lines) - start, element.rows())
        end = start + element.count
        mine = lines[start:end]
        if len(element.scalars()) < len(element.kinds):
            mine = [b" ".join(_scalar_words(line.split(), element)) for line in mine]
        if element.name == wanted:
            columns = _text_columns(mine, element)
        start = end
    if start < len(lines):
        raise ValueError(f"{start} lines announced, {len(lines)} there")
    return columns


def _text_columns(lines: list[bytes], element: Element) -> dict[str, np.ndarray]:
    scalars = element.scalars()
    table = read_text_rows(lines, element.count, len(scalars))
    columns = zip(scalars.items(), table.T, strict=True)
    return {name: as_declared(column, kind) for (name, kind), column in columns}


def _scalar_words(words: list[bytes], element: Element) -> list[bytes]:
    """The words of a line that are of no list."""
    kept, at = [], 0
    for kind in element.kinds.values():
        word = words[at] if at < len(words) else b""
        at += 1
        if isinstance(kind, str):
            kept.append(word)
        elif word.isdigit():
            at += int(word)
        else:
            raise ValueError(f"a list must begin with its length, got {word!r}")
    if at != len(words):
        raise ValueError(f"expected {at} values in a line with lists, got {len(words)}")
    return kept


def read_binary(
    body: memoryview, elements: Sequence[Element], order: str, wanted: str
) -> dict[str, np.ndarray]:
    """The scalar properties of the element `wanted`, from bytes of an order "<" or ">".

    Raises:
        ValueError: fewer or more bytes than announced.
    """
    columns = {}
    for element in elements:
        rows, size = _binary_rows(body, element, order)
        body = body[size:]
        if element.name == wanted:
            columns = {n: rows[n].astype(kind) for n, kind in element.scalars().items()}
    if bytes(body).strip(b"\0 \r\n"):
        raise ValueError(f"{len(body)} bytes more are there than announced")
    return columns


def _binary_rows(
    body: memoryview, element: Element, order: str
) -> tuple[np.ndarray, int]:
    """The rows that the bytes begin with, and their size.

    Rows are mostly alike, such as triangles: they are read as if the lists of all were
    as long as those of the first. Of others the scalars are gathered one by one.
    """
    _, lengths, _ = _walk(body, element, order, min(element.count, 1))
    fields: list[tuple] = []
    for name, kind in element.kinds.items():
        if isinstance(kind, str):
            fields.append((name, order + kind))
        else:
            number = lengths.get(name, 0)
            fields.append((name, order + kind.length))
            fields.append((f"{name} items", order + kind.item, (number,)))
    record = np.dtype(fields)
    size = element.count * record.itemsize
    if size and not lengths:
        check_count(element.count, len(body) // record.itemsize, element.rows())
    if size <= len(body):
        rows = np.frombuffer(body[:size], record) if size else np.empty(0, record)
        if all((rows[name] == number).all() for name, number in lengths.items()):
            return rows, size
    scalars, _, size = _walk(body, element, order, element.count)
    kinds = [(name, order + kind) for name, kind in element.scalars().items()]
    return np.frombuffer(scalars, kinds) if kinds else np.empty(0), size


def _walk(
    body: memoryview, element: Element, order: str, count: int
) -> tuple[bytearray, dict[str, int], int]:
    """The scalars of `count` rows, the lengths of the last row's lists, the size."""
    scalars, lengths, at = bytearray(), dict[str, int](), 0
    byteorder: Literal["little", "big"] = "little" if order == "<" else "big"
    for row in range(count):
        for name, kind in element.kinds.items():
            if isinstance(kind, str):
                end = at + int(kind[1])
                scalars += body[at:end]
            else:
                end = at + int(kind.length[1])
                signed = kind.length[0] == "i"
                number = int.from_bytes(body[at:end], byteorder, signed=signed)
                if number < 0:
                    raise ValueError(f"the list {name!r} has {number} items")
                lengths[name] = number
                end += number * int(kind.item[1])
            at = end
        if at > len(body):
            check_count(element.count, row, element.rows())
    return scalars, lengths, at
