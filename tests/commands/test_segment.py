"""`gspn segment`: one scan and many, what it writes and what it says."""

import functools
import json
import os
import shutil
from unittest import mock

import numpy as np
import pytest
import toy_depth
from command_line import error_of, gspn
from scan_files import write_mesh

from gspn_tf import files
from gspn_tf.data import read_scenes
from gspn_tf.files.ply import write_ply
from gspn_tf.files.scans import not_upright, read_scan
from gspn_tf.inference import tiling
from gspn_tf.inference.segmenter import Segmenter
from gspn_tf.masks import read_masks


def test_segment_leaves_whole_files(work, capsys):
    points = np.random.default_rng(1).uniform(0, 4000, (700, 3))  # millimetres
    points[5] = np.nan
    write_ply(work / "mine.ply", points, np.zeros((700, 3), np.uint8))
    arguments = ("--model", work / "run", "--output", work / "out", "--scale=0.001")
    assert gspn("segment", work / "mine.ply", *arguments) == 0
    said = capsys.readouterr().out
    assert "700 points, 3.99 x 3.99 x 3.99 m" in said or "700 points, 4 x" in said
    assert "note: not finite, and left out: 1 of 700 points, the first is" in said
    names = {path.name for path in (work / "out").iterdir()}
    kinds = {f"instances.{kind}" for kind in ("ply", "npz", "json")}
    assert names == {*kinds, "masks.npz", "index.html"}
    found = json.loads((work / "out" / "instances.json").read_text())
    masks = read_masks(work / "out" / "masks.npz")
    assert found["num_points"] == masks.shape[1] == 700
    assert not masks[:, 5].any()
    assert [row["num_points"] for row in found["instances"]] == masks.sum(1).tolist()
    for row, mask in zip(found["instances"], masks, strict=True):
        # A mask lies inside its box, in the file's own unit and frame.
        distance = np.abs(points[mask] - row["box"]["center"])
        assert (distance <= np.array(row["box"]["size"]) / 2 + 1).all()


def test_a_scan_is_turned_and_its_results_are_not(work, capsys):
    pytest.importorskip("laspy")
    with np.load(work / "scans" / "scan_0.npz") as scan:
        points, colors = scan["points"], scan["colors"]
    write_mesh(work / "phone.glb", not_upright(points, "y"), colors)
    common = ("segment", "--model", work / "run", "--formats=las,json")
    scan, picture = work / "scans" / "scan_0.npz", work / "seen.png"
    assert gspn(*common, scan, "--output", work / "z", "--picture", picture) == 0
    assert gspn(*common, work / "phone.glb", "--output", work / "y") == 0
    assert "y is up: " in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    z, y = (
        json.loads((work / up / "instances.json").read_text())["instances"]
        for up in "zy"
    )
    assert len(z) == len(y) > 0
    for one, other in zip(z, y, strict=True):
        assert one["class"] == other["class"] and one["score"] == other["score"]
        center = not_upright(np.array(one["box"]["center"]), "y")
        np.testing.assert_allclose(other["box"]["center"], center, atol=2e-4)
        size = np.abs(not_upright(np.array(one["box"]["size"]), "y"))
        np.testing.assert_allclose(other["box"]["size"], size, atol=2e-4)
    found = read_scan(work / "y" / "instances.las")
    np.testing.assert_allclose(found.points, not_upright(points, "y"), atol=1e-5)
    output = ("--output", work / "x")
    assert gspn(*common[:3], scan, *output, "--formats=doc") == 1
    assert "--formats must be of ply, json, las, laz, got 'doc'" in error_of(capsys)


def test_names_that_are_in_no_encoding(work, tmp_path, capfd):
    """Each command in a process of its own would take half a minute."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    scan = folder / os.fsdecode(b"r\xe9.npz")
    shutil.copy(work / "scans" / "scan_0.npz", scan)
    shutil.copy(work / "scans" / "classes.txt", folder)
    assert gspn("segment", scan, "--model", work / "run", "--output", folder / "x") == 0
    said = capfd.readouterr().out
    assert r"r\xe9.npz: " in said and "caf" in said
    listed = json.loads((folder / "x" / "instances.json").read_text(encoding="utf-8"))
    assert listed["scan"] == r"r\xe9.npz"
    assert r"r\xe9.npz" in (folder / "x" / "index.html").read_text(encoding="utf-8")
    made = folder / "data"
    source = ("--source", folder, "--classes", folder / "classes.txt")
    assert gspn("prepare", "own", *source, "--output", made, "--jobs=1") == 0
    (scene,) = read_scenes(made, "train")
    assert scene.name == r"r\xe9"
    assert (made / "sources.sha256").read_bytes().endswith(b"  r\xe9.npz\n")
    capfd.readouterr()
    assert gspn("export", "--model", work / "run", "--output", folder / "e") == 1
    assert (
        "--output: TensorFlow writes to names in UTF-8, got " in capfd.readouterr().err
    )
    assert not (folder / "e").exists()


def test_several_scans_are_resumed_and_shared(work, capsys, monkeypatch):
    untraced = functools.partial(Segmenter.from_config, graph=False)
    monkeypatch.setattr(
        Segmenter, "from_config", lambda model, data, _: untraced(model, data)
    )
    scans = sorted((work / "scans").glob("*.npz"))[:3]
    (work / "some").mkdir()
    for scan in scans:
        shutil.copy(scan, work / "some")
    (work / "some" / "bad.ply").write_bytes(b"ply\n")
    base = ("segment", work / "some", "--model", work / "run")
    arguments = (*base, "--output", work / "many")
    assert gspn(*arguments) == 1  # bad.ply is the first
    assert "bad.ply" in error_of(capsys)
    assert gspn(*arguments, "--keep_going") == 1
    assert "1 of 4 scans failed: " in error_of(capsys)
    (work / "some" / "bad.ply").unlink()
    assert gspn(*arguments) == 0
    assert capsys.readouterr().out.count("done before") == 3
    for part in ("1/2", "2/2"):
        assert gspn(*base, "--output", work / "parts", "--shard", part) == 0
    for scan in scans:
        one, other = (
            (work / folder / scan.stem / "instances.json").read_bytes()
            for folder in ("many", "parts")
        )
        assert one == other
    assert gspn(*base, "--output", work / "parts", "--seed=1") == 1
    assert "has results with seed = 0, now it is 1" in error_of(capsys)
    assert gspn(*base, "--output", work / "parts", "--shard=3/2") == 1
    assert "--shard must be a part such as 1/3" in error_of(capsys)


def test_two_processes_do_not_write_one_output(work, capsys):
    scans, output = sorted((work / "scans").glob("*.npz"))[:2], work / "shared"
    arguments = ("segment", *scans, "--model", work / "run", "--output", output)
    output.mkdir()
    with files.locked(output, "held by the test"):
        assert gspn(*arguments) == 1
    assert "another process writes to" in error_of(capsys)
    assert list(output.iterdir()) == []


def test_a_large_scan_is_done_in_tiles(work, capsys):
    rng = np.random.default_rng(2)
    points = rng.uniform(0, [18, 5, 2], (3000, 3))
    write_ply(work / "hall.ply", points, np.zeros((3000, 3), np.uint8))
    arguments = ("segment", work / "hall.ply", "--model", work / "run")
    with mock.patch.object(
        tiling, "segment_tiles", wraps=tiling.segment_tiles
    ) as tiled:
        assert gspn(*arguments, "--output", work / "tiled") == 0
    assert tiled.call_args.kwargs["side"] == 8
    found = json.loads((work / "tiled" / "instances.json").read_text())
    assert found["num_points"] == 3000
    assert gspn(*arguments, "--output", work / "x", "--tile=many") == 2
    assert "must be auto, off or metres from 1 on, got 'many'" in error_of(capsys)


def test_a_depth_image_needs_its_camera(work, capsys):
    metres, shades = toy_depth.view(toy_depth.pose_at((0, 0, 1.2), 0.4))
    image, color = work / "d.png", work / "c.jpg"
    toy_depth.save_frame(image, color, None, metres, shades, 5000)
    common = ("segment", image, "--model", work / "run", "--output", work / "depth")
    assert gspn(*common) == 1
    assert "d.png: the camera of a depth image must be given: --int" in error_of(capsys)
    camera = ("--intrinsics", "50,52,31.5,23", "--depth_scale=5000", "--color", color)
    assert gspn(*common, *camera) == 0
    assert "d.png: 3,072 points" in capsys.readouterr().out
    scan = read_scan(work / "depth" / "instances.ply")
    x, y, z = scan.points.T  # right, forward, up
    camera = np.stack([x, -z, y], axis=1)
    pose = toy_depth.pose_at((0, 0, 1.2), 0.4)
    world = camera @ pose[:3, :3].T + pose[:3, 3]
    assert toy_depth.distance_to_walls(world).max() < 0.003


def test_a_folder_of_frames_is_one_scan(work, capsys):
    toy_depth.write_frames(work / "frames", np.linspace(0, 5, 5))
    common = ("segment", work / "frames", "--model", work / "run")
    assert gspn(*common, "--output", work / "fused") == 0
    said = capsys.readouterr().out
    assert "note: 5 frames with 15,360 measured pixels are fused to " in said
    found = json.loads((work / "fused" / "instances.json").read_text())
    assert found["up"] == "z" and found["has_colors"] and found["scan"] == "frames"
    np.testing.assert_allclose(found["size"], [4, 3, 2.5], atol=0.6)
