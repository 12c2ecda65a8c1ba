"""LAZ files whose sizes are damaged: refused before lazrs allocates for them."""

import numpy as np
import pytest
from scan_files import needed

from gspn_tf.files.errors import ScanError
from gspn_tf.files.las import read_las

laspy = needed("laspy")
lazrs = needed("lazrs")
COUNT = 200


def write(path, point_format):
    """A small LAZ file; returns its bytes, and where its points and its table begin."""
    version = "1.4" if point_format > 5 else "1.2"
    header = laspy.LasHeader(version=version, point_format=point_format)
    header.scales = [0.001] * 3
    header.add_extra_dim(laspy.ExtraBytesParams("score", np.float32))
    cloud = laspy.LasData(header)
    cloud.xyz = np.random.default_rng(0).uniform(0, 5, (COUNT, 3))
    cloud.write(str(path))
    content = bytearray(path.read_bytes())
    start = int.from_bytes(content[96:100], "little")
    table = int.from_bytes(content[start : start + 8], "little")
    return content, start, table


@pytest.mark.parametrize("point_format", [0, 1, 2, 3, 6, 7, 8])
def test_whole_files_are_read(point_format, tmp_path):
    write(tmp_path / "a.laz", point_format)
    columns = read_las(tmp_path / "a.laz")
    expected = np.random.default_rng(0).uniform(0, 5, (COUNT, 3))
    np.testing.assert_allclose(columns["y"], expected[:, 1], atol=0.001)


def test_the_table_of_a_stream_stands_at_the_end(tmp_path):
    content, start, _ = write(tmp_path / "a.laz", 7)
    place = bytes(content[start : start + 8])
    content[start : start + 8] = b"\xff" * 8
    (tmp_path / "a.laz").write_bytes(content + place)
    assert len(read_las(tmp_path / "a.laz")["x"]) == COUNT


@pytest.mark.parametrize("point_format", [3, 7])
@pytest.mark.parametrize(
    "place, value, message",
    [
        (("table", 4), 0x7FFFFFFF, "chunks announced"),
        (("table", 4), 2, "expected 1 chunks of 200 points, got 2"),
        (("table", 8), 0x12345678, "chunks have .* are there"),
        (("start", 4), 0x7FFF, "the table of chunks lies at"),
        (("packing", 12), 0, "0 points a chunk"),
        (("packing", 12), 0xF0000000, "points a chunk"),
        (("packing", 34), 99, "an item of kind 99"),
    ],
)
def test_sizes_that_do_not_fit(point_format, place, value, message, tmp_path):
    content, start, table = write(tmp_path / "a.laz", point_format)
    name = b"laszip encoded"
    packing = content.index(name) - 2 + 54
    at = {"table": table, "start": start, "packing": packing}[place[0]] + place[1]
    size = 2 if place == ("packing", 34) else 4
    content[at : at + size] = value.to_bytes(size, "little")
    (tmp_path / "a.laz").write_bytes(content)
    with pytest.raises(
        ScanError, match=f"a.laz is not a readable LAS file: .*{message}"
    ):
        read_las(tmp_path / "a.laz")


def test_layers_that_do_not_fit_their_chunk(tmp_path):
    content, start, _ = write(tmp_path / "a.laz", 6)
    first_layer = start + 8 + 34 + 4
    content[first_layer + 3] = 0x7F
    (tmp_path / "a.laz").write_bytes(content)
    with pytest.raises(ScanError, match="layers of 2,13.* bytes in a chunk of"):
        read_las(tmp_path / "a.laz")


def test_more_points_than_a_file_can_hold(tmp_path):
    content, _, _ = write(tmp_path / "a.laz", 7)
    content[247:255] = (10**9).to_bytes(8, "little")
    (tmp_path / "a.laz").write_bytes(content)
    with pytest.raises(ScanError, match="1,000,000,000 points in [0-9,]+ bytes"):
        read_las(tmp_path / "a.laz")


def test_chunks_of_their_own_sizes_are_read(tmp_path):
    packing = lazrs.LazVlr.new_for_compression(3, 0, True)
    header = laspy.LasHeader(version="1.2", point_format=3)
    rows = laspy.ScaleAwarePointRecord.zeros(COUNT, header=header)
    rows["X"] = np.arange(COUNT)
    record = bytes(packing.record_data())
    vlr = b"\0\0" + b"laszip encoded".ljust(16, b"\0")
    vlr += (22204).to_bytes(2, "little") + len(record).to_bytes(2, "little") + bytes(32)
    with open(tmp_path / "plain.las", "wb") as file:
        laspy.LasData(header, rows).write(file)
    head = bytearray((tmp_path / "plain.las").read_bytes()[:227])
    head[96:100] = (227 + len(vlr) + len(record)).to_bytes(4, "little")
    head[100:104] = (1).to_bytes(4, "little")
    head[104] |= 0x80
    with open(tmp_path / "a.laz", "wb+") as file:
        file.write(bytes(head) + vlr + record)
        packer = lazrs.ParLasZipCompressor(file, packing)
        data = np.frombuffer(rows.array.tobytes(), np.uint8)
        parts = data[: 50 * 34], data[50 * 34 :]
        packer.compress_chunks([part.copy() for part in parts])
        packer.done()
    columns = read_las(tmp_path / "a.laz")
    np.testing.assert_allclose(columns["x"], np.arange(COUNT) * header.scales[0])
