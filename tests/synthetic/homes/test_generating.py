"""Homes by their seeds: reproducible scenes, meshes and frames, and their command."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image
from scipy.spatial import cKDTree
from toy_furniture import ARMCHAIR, write_library

from gspn_tf.commands.main import main
from gspn_tf.data import manifest
from gspn_tf.data.classes import SCANNET
from gspn_tf.datasets import reading, writing
from gspn_tf.files import sha256
from gspn_tf.synthetic.homes import generating, source
from gspn_tf.synthetic.homes.furniture import library
from gspn_tf.synthetic.homes.furniture.families import family_models
from gspn_tf.synthetic.homes.generating import Home, draw_home, scene_of
from gspn_tf.synthetic.homes.scanner import scan as scanning
from gspn_tf.synthetic.homes.scanner.fusion import DENSITY
from gspn_tf.synthetic.homes.statistics import mesh_density, scan_statistics

pytest.importorskip("embreex")


@pytest.fixture(scope="module", autouse=True)
def short_walks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanning, "FRAMES", (80, 120))
        yield


@pytest.fixture(scope="module")
def home(short_walks: None) -> Home:
    return draw_home(3, family_models(0))


def test_scene_is_a_function_of_its_seed(home: Home) -> None:
    first, again = scene_of(home, "a"), scene_of(draw_home(3, family_models(0)), "a")
    other = scene_of(draw_home(4, family_models(0)), "a")
    for field in ("points", "colors", "semantic", "instance"):
        assert getattr(first, field).tobytes() == getattr(again, field).tobytes()
    assert len(other.points) != len(first.points)


def test_labels_are_of_classes_and_of_enough_vertices(home: Home) -> None:
    scene = scene_of(home, "a")
    assert scene.num_instances >= generating.MIN_INSTANCES
    sizes = np.bincount(scene.instance[scene.instance >= 0])
    assert sizes.min() >= generating.MIN_VERTICES
    assert ((scene.semantic == 0) == (scene.instance == -1)).all()
    owner = home.scan.owner
    labels = np.array([thing.label for thing in home.room.things] + [""])[owner]
    names = np.array(["", *SCANNET.names])[scene.semantic]
    assert (names[scene.semantic > 0] == labels[scene.semantic > 0]).all()


def test_scene_is_the_room_turned_about_the_vertical(home: Home) -> None:
    scene = scene_of(home, "a")
    np.testing.assert_allclose(
        np.ptp(scene.points[:, 2]), np.ptp(home.scan.points[:, 2]), rtol=1e-5
    )
    pairs = np.random.default_rng(0).integers(len(scene.points), size=(2, 100))
    before, after = (
        np.linalg.norm(p[pairs[0]] - p[pairs[1]], axis=1)
        for p in (home.scan.points, scene.points)
    )
    np.testing.assert_allclose(after, before, atol=1e-4)
    assert np.abs(scene.points.mean(axis=0)[:2]).max() < 3


def test_statistics_tell_smooth_from_rough(home: Home) -> None:
    scene = scene_of(home, "a")
    found = scan_statistics(scene)
    assert found.instances == scene.num_instances
    assert found.background == pytest.approx((scene.semantic == 0).mean())
    noise = np.random.default_rng(0).normal(0, 0.01, scene.points.shape)
    rough = type(scene)(
        "b",
        (scene.points + noise).astype(np.float32),
        np.full_like(scene.colors, 90),
        scene.semantic,
        scene.instance,
    )
    worse = scan_statistics(rough)
    assert worse.roughness > found.roughness + 3
    assert (worse.spread, worse.grain, worse.saturation) == (0, 0, 0)
    assert found.spread > 30


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with a library of one armchair."""
    write_library(tmp_path / "furniture")
    row = library.read_catalogue()[ARMCHAIR]
    monkeypatch.setattr(library, "read_catalogue", lambda: {ARMCHAIR: row})
    source._load.cache_clear()
    return tmp_path


def prepare(folder: Path, name: str, *more: str) -> int:
    flags = ["--furniture", str(folder / "furniture"), "--cache", str(folder / "cache")]
    counts = ["--train", "1", "--val", "1", "--test", "0", "--jobs", "1"]
    output = ["--output", str(folder / name)]
    return main(["prepare", "homes", *flags, *counts, *output, *more])


def shards(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path) for path in sorted(folder.glob("*.tfrecord*"))}


@pytest.mark.slow
def test_command_goes_on_after_a_kill_with_the_same_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SCENES_PER_SHARD", 1)
    assert not prepare(folder, "whole")
    drawn = []

    def killed(seed: int, *furniture: object) -> Home:
        drawn.append(seed)
        if len(drawn) == 2:
            raise KeyboardInterrupt
        return draw_home(seed, *furniture)  # type: ignore[arg-type]

    monkeypatch.setattr(source, "draw_home", killed)
    assert prepare(folder, "killed")
    assert not (folder / "killed").exists()
    assert not prepare(folder, "killed")
    assert len(drawn) == 2 + 1  # the first shard was kept
    assert shards(folder / "killed") == shards(folder / "whole") != {}
    splits = manifest.read_manifest(folder / "whole")["splits"]
    assert [(k, split["scenes"]) for k, split in splits.items()] == [
        ("train", 1),
        ("val", 1),
    ]


def test_mesh_and_frames_agree(folder: Path) -> None:
    furniture = source.Furniture(folder / "furniture", folder / "cache")
    seed = reading.SceneSource("home", detail=5)
    scene = source.read_home(seed, furniture, folder / "scans", 4)
    scan = folder / "scans/home"
    mesh = trimesh.load(scan / "home.ply", process=False)
    np.testing.assert_array_equal(mesh.vertices, scene.points)
    np.testing.assert_array_equal(mesh.visual.vertex_colors[:, :3], scene.colors)
    assert len(mesh.faces) > len(mesh.vertices)
    assert mesh_density(scan / "home.ply") == pytest.approx(DENSITY, rel=0.1)
    found = mesh.metadata["_ply_raw"]["vertex"]["data"]
    np.testing.assert_array_equal(found["semantic"], SCANNET.to_raw(scene.semantic))
    np.testing.assert_array_equal(found["instance"], scene.instance + 1)
    matrix = np.loadtxt(scan / "intrinsic/intrinsic_depth.txt")
    tree = cKDTree(scene.points)
    seen = 0
    for row in range(4):
        color = np.asarray(Image.open(scan / f"color/{row}.jpg"))
        depth = np.asarray(Image.open(scan / f"depth/{row}.png")) / 1000
        labels = np.asarray(Image.open(scan / f"label-filt/{row}.png"))
        instance = np.asarray(Image.open(scan / f"instance-filt/{row}.png"))
        assert color.shape == (480, 640, 3)
        assert depth.shape == labels.shape == instance.shape == (480, 640)
        pose = np.loadtxt(scan / f"pose/{row}.txt")
        v, u = np.nonzero((depth > 0) & (depth < 2.5))
        z = depth[v, u]
        inside = np.stack([u * z, v * z, z], axis=1) @ np.linalg.inv(matrix[:3, :3]).T
        world = inside @ pose[:3, :3].T + pose[:3, 3]
        away, nearest = tree.query(world[::50])
        seen += len(away)
        assert np.median(away) < 0.03
        near = away < 0.02
        same = instance[v, u][::50][near] == scene.instance[nearest[near]] + 1
        assert same.mean() > 0.9
    assert seen > 1000


def test_bad_flags_are_one_line(folder: Path, capsys: pytest.CaptureFixture) -> None:
    for more, told in (
        (["--frames", "3"], "--frames keeps them in the folder --scans"),
        (["--train", "0", "--val", "0"], "nothing to make"),
        (["--homes", str(folder / "none.jar")], "none.jar"),
        (["--frames", "-1"], "--frames"),
    ):
        assert prepare(folder, "bad", *more)
        error = capsys.readouterr().err
        assert told in error
        assert len(error.strip().splitlines()) == 1, error
    shutil.rmtree(folder / "furniture")
    assert prepare(folder, "bad")
    assert "apt-get download sweethome3d-furniture" in capsys.readouterr().err
    assert not (folder / "bad").exists()
