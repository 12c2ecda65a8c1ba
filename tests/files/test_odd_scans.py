"""Small scans as several programs write them: each is the same room."""

import os
from pathlib import Path

import numpy as np
import pytest

from gspn_tf.datasets import own, scannet
from gspn_tf.datasets.reading import SceneSource
from gspn_tf.files.scans import read_scan

THINNED = Path(__file__).parent / "odd"
WHOLE = Path(os.environ.get("GSPN_TF_DATA", "../shared/data")) / "odd"


@pytest.fixture(params=[THINNED, WHOLE], ids=["thinned", "whole"])
def folder(request):
    if not request.param.is_dir():
        pytest.skip(f"no scans at {request.param}: set GSPN_TF_DATA")
    return request.param


@pytest.mark.parametrize(
    ("name", "odd", "note"),
    [
        ("plain.ply", None, ""),
        ("capital.ply", None, ""),
        ("packed_float.ply", None, ""),
        ("ushort_ascii.ply", None, ""),
        ("faces_first_bin.ply", None, ""),
        ("vertex_list_ascii.ply", None, ""),
        ("float_over.ply", "colors", "taken as 0..1; larger ones are cut (3, up to"),
        ("outlier.ply", "points", "stray, far from all others: 1 of "),
        ("cc/room1.ply", None, ""),
        ("perclass/room1.npz", None, ""),
    ],
)
def test_every_file_gives_the_room(folder, name, odd, note):
    expected, scan = read_scan(folder / "plain.ply"), read_scan(folder / name)
    moved = (np.abs(scan.points - expected.points) > 1e-5).any(axis=1)
    recolored = (scan.colors != expected.colors).any(axis=1)
    assert moved.sum() == (odd == "points") and recolored.sum() == (odd == "colors")
    assert note in "".join(scan.notes) and len(scan.notes) == bool(note)


def test_labels_of_other_programs_are_the_same_objects(folder, caplog):
    classes, added = own.read_class_list(folder / "classes.txt")
    found = []
    for name in ("cc/room1.ply", "perclass/room1.npz"):
        source = SceneSource("room1", (folder / name,))
        found.append(own.read_labelled_scan(source, classes, added=added))
    cloud_compare, anew = found
    assert "object numbers begin anew in each class" in caplog.text
    np.testing.assert_array_equal(cloud_compare.semantic, anew.semantic)
    # The same two objects, in another order.
    pairs = set(
        zip(cloud_compare.instance.tolist(), anew.instance.tolist(), strict=True)
    )
    assert pairs == {(-1, -1), (0, 1), (1, 0)}
    assert sorted(cloud_compare.instance_classes()) == [1, 2]


def test_a_list_with_a_byte_order_mark(folder):
    data = scannet.data_set(folder / "sn_list_bom")
    (source,) = data.splits["train"]
    scene = data.read(source)
    assert source.name == "scene0000_00" and scene.num_instances == 2
