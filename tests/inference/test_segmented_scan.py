"""The results of a scan: in the frame, the unit and the order of its file."""

import dataclasses
import json

import numpy as np
import pytest
from pages import scene_of
from scan_files import needed

from gspn_tf.data.classes import ClassList
from gspn_tf.files.ply import read_vertices
from gspn_tf.files.scans import read_scan
from gspn_tf.inference.segmented_scan import SegmentedScan
from gspn_tf.inference.segmenter import Segmentation

CLASSES = ClassList((5, 300), ("chair", "lamp"))
PLACE = np.array([4_512_345.0, 120_000.0, 512_345.0])  # millimetres, y up


@pytest.fixture
def result(tmp_path) -> SegmentedScan:
    points = PLACE + np.random.default_rng(0).uniform(0, [5000, 2000, 4000], (60, 3))
    points[7] = np.nan
    points[8] = 0
    np.savez(tmp_path / "a.npz", points=points)
    scan = dataclasses.replace(read_scan(tmp_path / "a.npz"), up="y")
    found = Segmentation(
        boxes=np.float32([[1, 2, 3, 0.1, 0.2, 0.3], [0, 0, 0, 1, 1, 1]]),
        classes=np.int32([1, 2]),
        scores=np.float32([0.9, 0.3]),
        masks=[np.arange(10, dtype=np.int32), np.arange(10, 16, dtype=np.int32)],
        semantic=np.int32([1] * 10 + [2] * 20 + [0] * 30),
        proposals=np.zeros((0, 6), np.float32),
        proposal_scores=np.zeros(0, np.float32),
    )
    return SegmentedScan("a.npz", scan, 0.001, CLASSES, found)


def test_every_format_has_every_point_in_its_place(result, tmp_path):
    needed("laspy")
    result.write(tmp_path / "out", ("las", "laz"))
    world = result.scan.world()
    ply = read_vertices(tmp_path / "out" / "instances.ply")
    assert [*ply][6:] == ["scalar_semantic", "scalar_instance", "scalar_score"]
    for i, axis in enumerate("xyz"):
        np.testing.assert_array_equal(ply[axis], world[:, i])
    assert ply["scalar_semantic"].tolist() == [5] * 10 + [300] * 20 + [0] * 30
    assert ply["scalar_instance"].tolist() == [1] * 10 + [2] * 6 + [0] * 44
    scores = np.repeat(np.float32([0.9, 0.3, 0]), [10, 6, 44])
    np.testing.assert_array_equal(ply["scalar_score"], scores)
    known = np.delete(world, [7, 8], axis=0)
    for name in ("las", "laz"):
        las = read_scan(tmp_path / "out" / f"instances.{name}")
        found = np.delete(las.world(), [7, 8], axis=0)
        np.testing.assert_allclose(found, known, atol=1e-3)
        assert las.semantic.tolist() == ply["scalar_semantic"].tolist()
        assert las.instance.tolist() == ply["scalar_instance"].tolist()


def test_one_label_and_its_confidence_for_each_point(result, tmp_path):
    result.write(tmp_path / "out")
    with np.load(tmp_path / "out" / "instances.npz") as found:
        assert found["semantic"].tolist() == [5] * 10 + [300] * 20 + [0] * 30
        assert found["instance"].tolist() == [1] * 10 + [2] * 6 + [0] * 44
        scores = np.repeat(np.float32([0.9, 0.3, 0]), [10, 6, 44])
        np.testing.assert_array_equal(found["score"], scores)


def test_what_was_left_out_is_told(result, tmp_path):
    told = ("little was found",)
    result._replace(remarks=told).write(tmp_path / "out")
    found = json.loads((tmp_path / "out" / "instances.json").read_text())
    assert found["ignored_points"] == {"not_finite": 1, "stray": 1}
    np.testing.assert_allclose(found["size"], [5, 4, 2], atol=0.4)
    colors, stray, lost, little = found["notes"]
    assert "no colours are understood among points" in colors
    assert "1 of 60 points, the first is point 8" in stray
    told = "not finite, and left out: 1 of 60 points, the first is point 7 at "
    assert lost.startswith(told)
    assert little == "little was found" and not found["has_colors"]


def test_the_page_opens_on_the_instances(result, tmp_path):
    result.write(tmp_path / "out")
    scene = scene_of(tmp_path / "out" / "index.html")
    assert scene["opens"] == "instances"
    assert [layer["id"] for layer in scene["layers"]][2] == scene["opens"]


def test_boxes_are_in_the_frame_of_the_file(result, tmp_path):
    result.write(tmp_path / "out")
    found = json.loads((tmp_path / "out" / "instances.json").read_text())
    assert found["up"] == "y" and found["metres_per_unit"] == 0.001
    assert found["notes"] == [*result.scan.notes] and "stray" in found["notes"][1]
    box = found["instances"][0]["box"]
    center = result.scan.offset + [1000, 3000, -2000]
    np.testing.assert_allclose(box["center"], center, atol=0.01)
    np.testing.assert_allclose(box["size"], [100, 300, 200], atol=0.01)
    assert not (tmp_path / "out" / "instances.las").exists()


def test_classes_that_fit_are_the_classification(result, tmp_path):
    laspy = needed("laspy")
    small = result._replace(classes=ClassList((5, 30), ("chair", "lamp")))
    for name, each in (("small", small), ("large", result)):
        each.write(tmp_path / name, ("las",))
        cloud = laspy.read(tmp_path / name / "instances.las")
        written = np.asarray(cloud.classification)
        expected = np.asarray(cloud["semantic"]) * (name == "small")
        np.testing.assert_array_equal(written, expected)
        assert np.flatnonzero(np.asarray(cloud.withheld)).tolist() == [7, 8]
        np.testing.assert_array_equal(cloud["score"], each.labels()["score"])


def test_a_picture_shows_the_scan_and_its_instances(result, tmp_path):
    result.write_picture(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
