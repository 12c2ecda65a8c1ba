"""Depth images become points, and frames with poses become one cloud with z up."""

import numpy as np
import pytest
import toy_depth
from PIL import Image

from gspn_tf.files.errors import ScanError
from gspn_tf.files.frame_files import FrameOptions, read_intrinsics
from gspn_tf.files.frames import VOXEL
from gspn_tf.files.scans import read_scan
from gspn_tf.files.voxels import VoxelCloud

NUMBERS = "50,52,31.5,23"
TURNS = np.linspace(0, 2 * np.pi, 12, endpoint=False)


@pytest.fixture
def image(tmp_path):
    """A depth image and its colours, seen along y."""
    pose = toy_depth.pose_at((0, 0, 1.2), np.pi / 2)
    metres, shades = toy_depth.view(pose)
    metres[0, :5] = 0
    toy_depth.save_frame(
        tmp_path / "d.png", tmp_path / "c.png", None, metres, shades, 500
    )
    return tmp_path / "d.png"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames") / "room"
    toy_depth.write_frames(folder, TURNS)
    return folder


def test_a_depth_image_is_a_room_before_the_camera(image):
    color = str(image.with_name("c.png"))
    scan = read_scan(image, frames=FrameOptions(NUMBERS, 500, color))
    assert len(scan.points) == 48 * 64 - 5 and scan.up == "z" and not scan.notes
    world = scan.points + [0, 0, 1.2]  # it looks along y, and the room is of that frame
    assert toy_depth.distance_to_walls(world).max() < 0.003
    front = np.abs(world[:, 1] - 1.5) < 0.002
    assert front.mean() > 0.3
    assert (scan.colors[front] == toy_depth.SHADES[1]).all(axis=1).mean() > 0.99
    grey = read_scan(image, frames=FrameOptions(NUMBERS, 500))
    np.testing.assert_array_equal(grey.points, scan.points)
    assert grey.colors is None


def test_colors_of_another_size_are_those_of_the_same_place(image):
    with Image.open(image.with_name("c.png")) as color:
        wide = color.resize((128, 96), Image.Resampling.NEAREST)
    wide.save(image.with_name("wide.png"))
    small, large = (
        read_scan(image, frames=FrameOptions(NUMBERS, 500, str(image.with_name(name))))
        for name in ("c.png", "wide.png")
    )
    np.testing.assert_array_equal(small.colors, large.colors)


def test_what_is_not_measured_is_left_out(tmp_path):
    steps = np.full((8, 8), 1000, np.uint16)
    steps[2:4], steps[6] = 0, 65535
    Image.fromarray(steps).save(tmp_path / "d.png")
    scan = read_scan(tmp_path / "d.png", frames=FrameOptions("9,9,4,4"))
    assert len(scan.points) == 8 * 5 and (scan.points[:, 1] == 1).all()


def test_frames_of_a_folder_are_fused(folder):
    scan = read_scan(folder)
    assert toy_depth.distance_to_walls(scan.points).max() < VOXEL
    cells = np.floor(scan.points / VOXEL + 1e-4)
    assert len(np.unique(cells, axis=0)) > 0.95 * len(scan.points)
    assert 5_000 < len(scan.points) < 12 * 48 * 64
    sides = np.ptp(scan.points, axis=0)
    np.testing.assert_allclose(sides, np.ptp(toy_depth.ROOM, axis=0), atol=0.6)
    for axis in range(2):
        wall = np.abs(scan.points[:, axis] - toy_depth.ROOM[1, axis]) < 0.005
        right = (scan.colors[wall] == toy_depth.SHADES[axis]).all(axis=1)
        assert wall.sum() > 500 and right.mean() > 0.9
    (note,) = scan.notes
    assert note.startswith("12 frames with 36,864 measured pixels are fused to ")
    assert note.endswith(f"{len(scan.points):,} points, one in each 2 cm")


def test_a_list_of_frames_gives_the_same(folder):
    lines = [f"depth/{i}.png color/{i}.png pose/{i}.txt" for i in range(len(TURNS))]
    (folder / "frames.txt").write_text("# all\n" + "\n".join(lines))
    expected, scan = read_scan(folder), read_scan(folder / "frames.txt")
    assert sorted(scan.points.tolist()) == sorted(expected.points.tolist())


def test_lost_cameras_and_the_camera_of_the_colors(tmp_path):
    toy_depth.write_frames(tmp_path / "a", TURNS[:3])
    expected = read_scan(tmp_path / "a")
    toy_depth.write_frames(tmp_path / "b", TURNS[:4])
    np.savetxt(tmp_path / "b" / "pose" / "3.txt", np.full((4, 4), -np.inf))
    inside = np.loadtxt(tmp_path / "b" / "intrinsic" / "intrinsic_depth.txt")
    np.savetxt(tmp_path / "b" / "intrinsics_color.txt", inside[:3, :3])
    scan = read_scan(tmp_path / "b")
    np.testing.assert_array_equal(scan.points, expected.points)
    np.testing.assert_array_equal(scan.colors, expected.colors)
    assert "; 1 frames without a pose are left out" in scan.notes[0]
    inside[0, 2] = 5000  # of colours that see nothing
    np.savetxt(tmp_path / "b" / "intrinsics_color.txt", inside)
    assert (read_scan(tmp_path / "b").colors == 128).all()


@pytest.mark.parametrize(
    "damage, message",
    [
        ("pose/1.txt 1 0 0 0", "pose/1.txt is not a readable pose file: .*4 x 4 numbe"),
        ("pose/1.txt " + "2 " * 16, "pose/1.txt .* a rotation, got one of determinan"),
        ("pose/1.txt -", "pose/1.txt cannot be read: No such file"),
        ("color/1.png -", "color: no image 1$"),
        ("color/1.png no", "color/1.png is not a readable image file: cannot identify"),
        ("depth/1.png no", "depth/1.png is not a readable image file: cannot identify"),
        ("intrinsic/intrinsic_depth.txt -", "camera of a depth image must be given: -"),
        (
            "intrinsic/intrinsic_depth.txt 1 2",
            "expected fx,fy,cx,cy or a m.* got '1 2'",
        ),
        ("intrinsic/intrinsic_depth.txt 9 9 99 9", "centre must .* 64 x 48 .* 99, 9"),
    ],
)
def test_frames_that_do_not_fit_are_one_line(damage, message, tmp_path):
    folder = tmp_path / "room"
    toy_depth.write_frames(folder, TURNS[:2])
    name, _, text = damage.partition(" ")
    if text == "-":
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    with pytest.raises(ScanError, match=message) as error:
        read_scan(folder)
    assert "\n" not in str(error.value)


def test_options_that_do_not_fit(image, folder):
    with pytest.raises(ScanError, match="d.png: the camera of a depth image must be"):
        read_scan(image)
    with pytest.raises(ScanError, match="--color is for a single depth image"):
        read_scan(folder, frames=FrameOptions(color="c.png"))
    with pytest.raises(ScanError, match="got '1 0 3 4'"):
        read_intrinsics("1,0,3,4")
    with pytest.raises(ScanError, match="none.txt cannot be read"):
        read_intrinsics("none.txt")
    color = image.with_name("c.png")
    with pytest.raises(ScanError, match="must be an image of mode I;16 or .* got RGB"):
        read_scan(color, frames=FrameOptions(NUMBERS))


@pytest.mark.parametrize("shape", [(4,), (3, 3), (4, 4)])
def test_intrinsics_of_a_file(shape, tmp_path):
    values = np.eye(4)
    values[[0, 1], [0, 1]], values[:2, 2] = (500, 501), (320, 240)
    values = np.array([500, 501, 320, 240]) if shape == (4,) else values[:3, : shape[1]]
    if shape == (4, 4):
        values = np.vstack([values, [0, 0, 0, 1]])
    np.savetxt(tmp_path / "k.txt", values)
    assert read_intrinsics(str(tmp_path / "k.txt")) == ((500, 501), (320, 240))


def test_voxels_keep_the_mean_of_their_points(monkeypatch):
    monkeypatch.setattr("gspn_tf.files.voxels._MOST_ROWS", 50)
    rng = np.random.default_rng(0)
    points, colors = rng.uniform(-3, 9, (900, 3)), rng.integers(0, 256, (900, 3))
    points += [4e5, -7e6, 0]
    whole, parts = VoxelCloud(2.0), VoxelCloud(2.0)
    whole.add(points, colors)
    for i in range(0, 900, 30):
        parts.add(points[i : i + 30], colors[i : i + 30])
    places, shades = whole.means()
    assert len(places) < 343 and shades.dtype == np.uint8
    corner = np.floor(points - np.floor(np.median(points, axis=0)))
    first = (np.floor(corner / 2) == np.floor(corner[0] / 2)).all(axis=1)
    mean = points[first].mean(axis=0)
    assert np.abs(places - mean).max(axis=1).min() < 1e-6
    assert parts.means()[0].shape[1] == 3
    with pytest.raises(ValueError, match="is the depth in another unit"):
        whole.add(points + 1e8, colors)
    assert VoxelCloud(1.0).means()[1] is None
