"""Checks of a LAZ file before it is decompressed.

lazrs allocates what a file says of its sizes and ends the whole process where that is
too much, so all that it allocates by is checked against the size of the file here.

A file says in a record of its header how points are packed: chunks of some number of
points, each of items such as Point14 or RGB14. The points begin with the place of a
table of the chunks (int64); it has a version, the number of chunks (uint32 each) and
their packed sizes. A chunk begins with a point as it is. Where items are in layers (of
point formats from 6 on), the number of points follows and the size of each layer
(uint32 each), then the layers.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from gspn_tf.files.columns import check_count

_POINTWISE, _LAYERED = 2, 3  # the compressors that lazrs knows
_VARIABLE = 2**32 - 1  # as points of a chunk: the table has them too
_MOST_CHUNK = 1 << 24  # points of a chunk; writers take 50,000
_MOST_RATIO = 1000  # bytes of points for a byte of the file
_HEAD, _ITEM = struct.Struct("<HHBBHIIqqH"), struct.Struct("<HHH")
_SIZES = {6: 20, 7: 8, 8: 6, 9: 29, 10: 30, 11: 6, 12: 8, 13: 29}
_BYTES, _BYTES14 = 0, 14  # items of any size
_LAYERS = {10: 9, 11: 1, 12: 2, 13: 1}


class _Packing(NamedTuple):
    """The content of the record that says how points are packed."""

    compressor: int
    chunk_points: int
    items: Sequence[tuple[int, int]]  # kind and bytes of each

    @property
    def point_size(self) -> int:
        return sum(size for _, size in self.items)

    @property
    def layers(self) -> int:
        """Number of the layers of a chunk."""
        return sum(_LAYERS.get(kind, size) for kind, size in self.items)


def check_packed_points(lazrs: Any, path: Path, header: Any) -> None:
    """Check what lazrs is going to allocate for.

    Args:
        lazrs: the library.
        path: the file.
        header: laspy's header of it.

    Raises:
        ValueError: something does not fit the file, or is not known.
    """
    records = header.vlrs.get("LasZipVlr")
    if len(records) != 1:
        raise ValueError(f"expected a record of its packing, got {len(records)}")
    packing = _packing(bytes(records[0].record_data))
    if packing.point_size != header.point_format.size:
        raise ValueError(
            f"a point has {header.point_format.size} bytes, its items "
            f"{packing.point_size}"
        )
    size = path.stat().st_size
    if header.point_count * packing.point_size > _MOST_RATIO * size:
        raise ValueError(f"{header.point_count:,} points in {size:,} bytes")
    with open(path, "rb") as file:
        start = header.offset_to_point_data
        end = _place_of_table(file, start, size)
        chunks = _chunk_sizes(lazrs, file, packing, header, end)
        if sum(chunks) != end - start - 8:
            raise ValueError(
                f"chunks have {sum(chunks):,} bytes, {end - start - 8:,} are there"
            )
        if packing.compressor == _LAYERED:
            _check_layers(file, start + 8, chunks, packing)


def _packing(record: bytes) -> _Packing:
    check_count(_HEAD.size, len(record), "bytes of a record")
    compressor, _, _, _, _, _, chunk_points, _, _, count = _HEAD.unpack_from(record)
    check_count(_HEAD.size + count * _ITEM.size, len(record), "bytes of a record")
    places = range(_HEAD.size, _HEAD.size + count * _ITEM.size, _ITEM.size)
    items = [_ITEM.unpack_from(record, place)[:2] for place in places]
    for kind, size in items:
        layered = kind in _LAYERS or kind == _BYTES14
        wanted = _SIZES.get(kind, size if kind in (_BYTES, _BYTES14) else -1)
        if size != wanted or layered != (compressor == _LAYERED):
            raise ValueError(f"an item of kind {kind} and {size} bytes is not known")
    known = chunk_points == _VARIABLE or 0 < chunk_points <= _MOST_CHUNK
    if compressor not in (_POINTWISE, _LAYERED) or not known:
        raise ValueError(f"compressor {compressor}, {chunk_points} points a chunk")
    return _Packing(compressor, chunk_points, items)


def _place_of_table(file: BinaryIO, start: int, size: int) -> int:
    """The place of the table of chunks; of a stream the end of the file tells it."""
    check_count(start + 24, size, "bytes")
    for place in (start, size - 8):
        file.seek(place)
        (table,) = struct.unpack("<q", file.read(8))
        if table != -1:
            break
    if not start + 8 <= table <= size - 8:
        raise ValueError(f"the table of chunks lies at {table:,} of {size:,} bytes")
    return table


def _chunk_sizes(
    lazrs: Any, file: BinaryIO, packing: _Packing, header: Any, table: int
) -> list[int]:
    """Bytes of each chunk; ValueError where there are not as many points as said."""
    start, total = header.offset_to_point_data, header.point_count
    file.seek(table)
    _, count = struct.unpack("<2I", file.read(8))
    check_count(count, (table - start - 8) // packing.point_size, "chunks")
    wanted = -(-total // packing.chunk_points)
    if packing.chunk_points != _VARIABLE and count != wanted:
        raise ValueError(f"expected {wanted:,} chunks of {total:,} points, got {count}")
    file.seek(start)
    record = bytes(header.vlrs.get("LasZipVlr")[0].record_data)
    chunks = lazrs.read_chunk_table(file, lazrs.LazVlr(record))
    points, sizes = zip(*chunks, strict=True) if chunks else ((), ())
    if packing.chunk_points == _VARIABLE and sum(points) != total:
        raise ValueError(f"expected {total:,} points in chunks, got {sum(points):,}")
    if min(sizes, default=0) < 0:
        raise ValueError("a chunk has fewer than no bytes")
    return list(sizes)


def _check_layers(
    file: BinaryIO, start: int, chunks: Sequence[int], packing: _Packing
) -> None:
    """ValueError where the layers of a chunk are not as large as the chunk."""
    head = struct.Struct(f"<{1 + packing.layers}I")
    for size in chunks:
        file.seek(start + packing.point_size)
        check_count(packing.point_size + head.size, size, "bytes of a chunk")
        _, *layers = head.unpack(file.read(head.size))
        if packing.point_size + head.size + sum(layers) != size:
            raise ValueError(f"layers of {sum(layers):,} bytes in a chunk of {size:,}")
        start += size
