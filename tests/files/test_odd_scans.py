"""Small scans as several programs write them: each is the same room."""

import os
from pathlib import Path

import numpy as np
import pytest

from gspn_tf.files.scans import read_scan

DATA = Path(os.environ.get("GSPN_TF_DATA", "../shared/data")) / "odd"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no scans at {DATA}: set GSPN_TF_DATA"
)


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
        ("outlier.ply", "points", "stray, far from all others: 1 of 9,100 points"),
        ("cc/room1.ply", None, ""),
        ("perclass/room1.npz", None, ""),
    ],
)
def test_every_file_gives_the_room(name, odd, note):
    expected, scan = read_scan(DATA / "plain.ply"), read_scan(DATA / name)
    moved = (np.abs(scan.points - expected.points) > 1e-5).any(axis=1)
    recolored = (scan.colors != expected.colors).any(axis=1)
    assert moved.sum() == (odd == "points") and recolored.sum() == (odd == "colors")
    assert note in "".join(scan.notes) and len(scan.notes) == bool(note)
