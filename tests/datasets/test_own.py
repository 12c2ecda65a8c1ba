"""Scans that users label themselves."""

import os

import numpy as np
import pytest
from scan_files import needed
from toy_ply import ply_of_elements

from gspn_tf.commands import main as cli
from gspn_tf.data.classes import SCANNET
from gspn_tf.data.manifest import read_manifest
from gspn_tf.data.scene import GREY
from gspn_tf.datasets import own
from gspn_tf.files.errors import ScanError
from gspn_tf.files.las import write_las


def labelled(path, **change):
    arrays = {
        "points": np.arange(36, dtype=np.float32).reshape(12, 3),
        "colors": np.full((12, 3), 9, np.uint8),
        "semantic": np.array([5, 5, 5, 1, 1, 1, 5, 7, 7, 0, 99, 5], np.int32),
        "instance": np.array([8, 8, 8, 2, 2, 2, 2, 30, 30, 0, 30, 0], np.int32),
    }
    np.savez(path, **{k: v for k, v in (arrays | change).items() if v is not None})
    return path


def read_own(path, **options):
    (source,) = own.find_scans(path)
    return own.read_labelled_scan(source, SCANNET, **options)


def test_a_scan_follows_the_class_list(tmp_path):
    scene = read_own(labelled(tmp_path / "flat.npz", colors=None), instances="scene")
    chair, table = SCANNET.names.index("chair") + 1, SCANNET.names.index("table") + 1
    assert scene.name == "flat" and (scene.colors == GREY).all()
    expected = [chair] * 3 + [0] * 3 + [chair, table, table, 0, 0, chair]
    assert scene.semantic.tolist() == expected
    # Object 2 is mostly wall (1, not in the list): dropped. 8 -> 0, 30 -> 1.
    assert scene.instance.tolist() == [0] * 3 + [-1] * 4 + [1, 1, -1, 1, -1]


def test_surveys_and_pcd_have_labels_too(tmp_path):
    needed("laspy")
    with np.load(labelled(tmp_path / "a.npz")) as arrays:
        points, colors = arrays["points"], arrays["colors"]
        labels = {name: arrays[name] for name in ("semantic", "instance")}
    (tmp_path / "las").mkdir()
    write_las(tmp_path / "las" / "b.laz", points, colors, labels)
    expected, scene = read_own(tmp_path / "a.npz"), read_own(tmp_path / "las")
    assert scene.name == "b"
    for field in ("semantic", "instance", "colors"):
        np.testing.assert_array_equal(getattr(scene, field), getattr(expected, field))
    np.testing.assert_allclose(scene.points, expected.points, atol=1e-5)
    (tmp_path / "las" / "b.laz").rename(tmp_path / "las" / "b.PCD")
    assert [source.name for source in own.find_scans(tmp_path / "las")] == ["b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": np.diag([np.nan, 1, np.inf]).repeat(4, 0)}, "and 8 such"),
        (
            {"instance": None},
            "expected instance of each point, have points, colors, semantic; "
            "--instance_field may name",
        ),
    ],
)
def test_a_scan_must_be_labelled_and_finite(tmp_path, change, message):
    with pytest.raises(ScanError, match=rf"a\.npz: .*{message}"):
        read_own(labelled(tmp_path / "a.npz", **change))


def test_scans_of_a_folder_are_found_in_order(tmp_path):
    for name in ("b.PLY", "a.npz", "c.ply", "notes.txt"):
        (tmp_path / name).touch()
    found = [source.files[0].name for source in own.find_scans(tmp_path)]
    assert found == ["a.npz", "b.PLY", "c.ply"]
    assert own.find_scans(tmp_path / "a.npz")[0].files == (tmp_path / "a.npz",)
    with pytest.raises(ScanError, match="got none"):
        own.find_scans(tmp_path / "empty")


def test_what_is_named_like_a_scan_and_is_none(tmp_path):
    labelled(tmp_path / "a.npz")
    (tmp_path / "b.ply").mkdir()
    os.mkfifo(tmp_path / "c.ply")
    (tmp_path / "d.ply").symlink_to("gone.ply")
    (tmp_path / "e.ply").symlink_to("e.ply")
    sources = own.find_scans(tmp_path)
    assert [source.name for source in sources] == ["a", "d", "e"]
    for source in sources[1:]:  # named, where they would be missing in silence
        with pytest.raises(ScanError, match=f"{source.name}.ply cannot be read"):
            own.read_labelled_scan(source, SCANNET)


def test_stray_points_are_left_out(tmp_path, caplog):
    labels = rows((CHAIR, 1, 30), (TABLE, 2, 1))
    labels["points"] = np.random.default_rng(0).uniform(0, 3, (31, 3))
    labels["points"][30] = [1e30, 0, 0]
    scene = read_own(labelled(tmp_path / "a.npz", **labels))
    assert scene.instance.tolist() == [0] * 30 and len(scene.colors) == 30
    assert np.abs(scene.points).max() < 3
    assert "stray, far from all others: 1 of 31 points" in caplog.text


def test_no_zero_is_no_object(tmp_path, caplog):
    scene = read_own(
        labelled(tmp_path / "a.npz", **rows((CHAIR, 1, 3), (CHAIR, -1, 2)))
    )
    assert scene.instance.tolist() == [0] * 3 + [-1] * 2
    assert "0 is the number of an object" not in caplog.text


def rows(*groups):
    """Points of groups (class id, number, count): a scan's labels."""
    semantic, instance, counts = zip(*groups, strict=True)
    return {
        "points": np.zeros((sum(counts), 3)),
        "colors": None,
        "semantic": np.repeat(semantic, counts),
        "instance": np.repeat(instance, counts),
    }


CHAIR, TABLE, WALL = 5, 7, 1
ANEW = rows((CHAIR, 1, 50), (TABLE, 1, 45), (CHAIR, 2, 30), (TABLE, 2, 5), (0, 0, 9))
SLIPS = rows((CHAIR, 1, 95), (TABLE, 1, 5), (TABLE, 2, 30), (CHAIR, 2, 2), (0, 0, 9))
MIXED = rows((CHAIR, 1, 50), (TABLE, 1, 50), (TABLE, 2, 9), (CHAIR, 3, 9), (0, 0, 9))
WITH_WALLS = rows((WALL, 1, 90), (CHAIR, 1, 20), (WALL, 2, 9), (CHAIR, 2, 9))
MANY = rows(*((label, 1, 5) for label in SCANNET.raw_ids))


@pytest.mark.parametrize(
    ("labels", "by_scene", "by_class", "anew"),
    [
        (ANEW, [5, 5], [5, 7, 5, 7], True),
        (SLIPS, [5, 7], [5, 7, 5, 7], False),
        (MIXED, [5, 7, 5], [5, 7, 7, 5], False),
        (WITH_WALLS, [], [5, 5], True),
        (MANY, [3], list(SCANNET.raw_ids), True),
    ],
)
def test_numbers_of_objects_are_of_the_scene_or_of_a_class(
    tmp_path, caplog, labels, by_scene, by_class, anew
):
    path = labelled(tmp_path / "a.npz", **labels)
    expected = {"scene": by_scene, "class": by_class}
    expected["auto"] = expected["class" if anew else "scene"]
    for instances, ids in expected.items():
        caplog.clear()
        scene = read_own(path, instances=instances)
        assert SCANNET.to_raw(scene.instance_classes()).tolist() == ids
        told = "object numbers begin anew in each class" in caplog.text
        assert told == (instances == "auto" and anew)


def test_labels_of_cloudcompare(tmp_path, caplog):
    properties = [("float", name) for name in ("x", "y", "z", "scalar_Label", "Object")]
    rows = [(0, 0, 0, 5, 0), (1, 0, 0, 5, 0), (2, 0, 0, "nan", "nan"), (3, 0, 0, 7, 1)]
    content = ply_of_elements("ascii", [("vertex", properties, rows)])
    (tmp_path / "a.ply").write_bytes(content)
    scene = read_own(tmp_path / "a.ply", fields={"instance": "Object"})
    assert scene.instance.tolist() == [0, 0, -1, 1]
    assert "0 is the number of an object" in caplog.text
    assert "no colours are understood among x, y, z, scalar_Label" in caplog.text
    message = (
        r"a\.ply: expected instance of each point, have .*Object; --instance_field"
    )
    with pytest.raises(ScanError, match=message):
        read_own(tmp_path / "a.ply")


def test_a_scan_of_other_classes_is_named(tmp_path, caplog):
    labels = rows((77, 1, 9), (0, 0, 5))
    assert (read_own(labelled(tmp_path / "a.npz", **labels)).instance == -1).all()
    assert "no point is of a class of the list; ids are [0, 77]" in caplog.text


def test_numbers_below_none_leave_background_alone(tmp_path):
    labels = rows((CHAIR, 1, 9), (0, 0, 5), (CHAIR, 0, 5), (TABLE, -1, 5))
    scene = read_own(labelled(tmp_path / "a.npz", **labels))
    assert scene.instance.tolist() == [0] * 9 + [-1] * 15


def test_a_class_of_id_0_is_shifted(tmp_path, capsys):
    scans = tmp_path / "scans"
    scans.mkdir()
    labels = rows((0, 1, 6), (1, 2, 5), (2**32 - 1, 0, 3), (9, 0, 3))
    labelled(scans / "a.npz", **labels)
    (tmp_path / "classes.txt").write_text("0 chair\n1 table\n")
    command = f"prepare own --source {scans} --classes {tmp_path}/classes.txt --jobs 1"
    assert cli.main([*command.split(), f"--output={tmp_path}/data"]) == 0
    assert "has the id 0, which is no class here: 1 is added" in capsys.readouterr().out
    manifest = read_manifest(tmp_path / "data")
    assert manifest["classes"] == [[1, "chair"], [2, "table"]]
    assert manifest["splits"]["train"]["instances"] == {"chair": 1, "table": 1}
    assert manifest["options"]["instances"] == "auto"
