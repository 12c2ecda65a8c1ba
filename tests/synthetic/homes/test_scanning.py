"""Virtual scans of rooms whose surfaces are known."""

import numpy as np
import pytest
from box_rooms import SIDES, box_room, box_thing

from gspn_tf.synthetic.homes.meshes import Material
from gspn_tf.synthetic.homes.scanner import fusion
from gspn_tf.synthetic.homes.scanner.camera import Camera, drifted, walk
from gspn_tf.synthetic.homes.scanner.scan import VirtualScan, scan_room
from gspn_tf.synthetic.homes.scanner.sensor import measured_depth
from gspn_tf.synthetic.homes.scanner.world import World
from gspn_tf.synthetic.homes.things import FurnishedRoom

pytest.importorskip("embreex")
TABLE = (1.2, 0.8, 0.7)
CHAIR = (0.5, 0.5, 0.9)


def scanned(room: FurnishedRoom, seed: int = 0) -> VirtualScan:
    rng = np.random.default_rng(seed)
    return scan_room(rng, room, World(rng, room))


@pytest.fixture(scope="module")
def room() -> FurnishedRoom:
    return box_room(
        box_thing("table", TABLE, 2.0, 1.5), box_thing("chair", CHAIR, 0.4, 2.6)
    )


@pytest.fixture(scope="module")
def scan(room: FurnishedRoom) -> VirtualScan:
    return scanned(room)


def test_labels_are_those_of_the_nearest_surface(
    room: FurnishedRoom, scan: VirtualScan
) -> None:
    for row, thing in enumerate(room.things):
        low, high = thing.bounds()
        outside = np.maximum(low - scan.points, scan.points - high).max(axis=1)
        mine = scan.owner == row
        assert mine.sum() > 200
        assert np.quantile(outside[mine], 0.98) < 2 * fusion.VOXEL
        assert (outside[~mine] < -0.04).sum() == 0  # nothing is inside


def test_vertices_lie_on_the_walls_within_the_errors(scan: VirtualScan) -> None:
    shell = scan.points[scan.owner == -1]
    off = np.minimum(np.abs(shell), np.abs(shell - SIDES)).min(axis=1)
    assert np.median(off) < 0.01
    assert np.quantile(off, 0.95) < 0.04


def test_density_is_that_of_scannet(scan: VirtualScan) -> None:
    corners = scan.points[scan.faces]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.linalg.norm(np.cross(a, b), axis=1).sum() / 2
    assert 480 < len(scan.points) / area < 650


def test_scan_is_a_function_of_its_seed(room: FurnishedRoom, scan: VirtualScan) -> None:
    again = scanned(room)
    for name in ("points", "colors", "faces", "owner", "believed"):
        assert getattr(again, name).tobytes() == getattr(scan, name).tobytes(), name
    assert len(scanned(room, 1).points) != len(scan.points)


def test_glass_is_seen_through_and_black_gloss_is_lost() -> None:
    glass = Material((200.0, 220.0, 230.0), alpha=0.2)
    black = Material((3.0, 3.0, 3.0), gloss=1.0)
    white = box_thing("table", TABLE, 2.0, 1.5)
    room = box_room(
        box_thing("window", CHAIR, 0.4, 2.6, glass),
        box_thing("television", CHAIR, 3.6, 2.6, black),
        white,
    )
    found = np.bincount(scanned(room).owner + 1, minlength=4)
    assert found[1] == 0
    assert found[2] < 0.5 * found[3] * np.prod(CHAIR[1:]) / np.prod(TABLE[1:])


def test_sensor_noise_grows_and_depth_is_quantised() -> None:
    rng = np.random.default_rng(0)
    sure = np.ones((1, 120, 160)), np.zeros((1, 120, 160))
    spread = []
    for depth in (1.0, 2.0, 4.0):
        found = measured_depth(rng, np.full((1, 120, 160), depth), *sure, farthest=5.0)
        assert (found > 0).all()
        assert found.mean() == pytest.approx(depth, abs=0.01)
        disparities = 0.075 * 577.87 * 8 / found
        np.testing.assert_allclose(disparities, np.rint(disparities), atol=1e-3)
        spread.append(found.std())
    assert spread[0] < spread[1] < spread[2] < 0.04


@pytest.mark.parametrize(
    ("depth", "cosine", "loses"),
    [(0.3, 1.0, 0.0), (5.5, 1.0, 0.0), (np.inf, 1.0, 0.0), (2.0, 0.0, 0.0)]
    + [(2.0, 1.0, 1.0)],
)
def test_sensor_loses(depth: float, cosine: float, loses: float) -> None:
    full = np.ones((1, 20, 20))
    rng = np.random.default_rng(0)
    found = measured_depth(rng, depth * full, cosine * full, loses * full, farthest=5.0)
    assert (found == 0).all()


def test_most_pixels_on_edges_are_lost() -> None:
    depth = np.full((1, 50, 50), 1.0)
    depth[:, :, 25:] = 2.0
    full = np.ones_like(depth)
    found = measured_depth(
        np.random.default_rng(0), depth, full, 0 * full, farthest=5.0
    )
    lost = (found == 0).mean(axis=(0, 1))
    assert 0.4 < lost[24:26].mean() < 0.8
    assert lost[:24].max() == lost[26:].max() == 0


def test_walk_stays_in_the_room_and_out_of_things(room: FurnishedRoom) -> None:
    poses = walk(np.random.default_rng(1), room, 200)
    at = poses[:, :3, 3]
    assert ((at > 0.1) & (at < np.array(SIDES) - 0.1)).all()
    low, high = room.things[0].bounds()
    inside = ((at[:, :2] > low[:2]) & (at[:, :2] < high[:2])).all(axis=1)
    assert inside.mean() < 0.02
    turned = np.einsum("nij,nkj->nik", poses[:, :3, :3], poses[:, :3, :3])
    np.testing.assert_allclose(
        turned, np.broadcast_to(np.eye(3), turned.shape), atol=1e-9
    )
    assert (poses[:, 2, 1] < 0).all()  # y of the camera is down
    yaw = np.degrees(np.arctan2(poses[:, 1, 2], poses[:, 0, 2])) // 30
    assert len(np.unique(yaw)) == 12  # looks everywhere


def test_drift_has_its_size_and_keeps_rotations(room: FurnishedRoom) -> None:
    rng = np.random.default_rng(2)
    poses = walk(rng, room, 500)
    told = drifted(rng, poses, 0.006, 0.003)
    shift = told[:, :3, 3] - poses[:, :3, 3]
    assert 0.003 < shift.std() < 0.008
    assert np.abs(np.diff(shift, axis=0)).max() < 0.003  # smooth
    np.testing.assert_allclose(np.linalg.det(told[:, :3, :3]), 1, atol=1e-9)


def test_rays_on_a_plane_are_fused_to_it() -> None:
    rng = np.random.default_rng(0)
    start = rng.uniform((0, 0, 1), (1, 1, 2), (200_000, 3))
    along = rng.normal(0, 0.2, (200_000, 3)) - (0, 0, 1)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    distance = (0.313 - start[:, 2]) / along[:, 2]
    volume = fusion.Volume(np.zeros(3), np.array([1.0, 1.0, 2.0]))
    volume.add(start, along, distance)
    points, faces = volume.mesh()
    inner = ((points[:, :2] > 0.1) & (points[:, :2] < 0.9)).all(axis=1)
    np.testing.assert_allclose(points[inner, 2], 0.313, atol=0.006)
    assert faces.max() == len(points) - 1


def test_rays_to_the_border_of_the_volume_are_left_out() -> None:
    volume = fusion.Volume(np.zeros(3), np.ones(3))
    start = np.full((20_000, 3), 0.5)
    along = np.random.default_rng(0).normal(size=start.shape)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    # Until a wall of the volume, or a hair before or behind it.
    low = volume._low + 3 * fusion.VOXEL
    high = volume._low + (volume._shape - 3) * fusion.VOXEL
    away = np.where(along > 0, high - start, low - start) / along
    nudge = np.random.default_rng(1).choice([-1e-7, 0, 1e-7], len(start))
    volume.add(start, along, away.min(axis=1) + nudge)
    assert volume._weight.sum() % (2 * fusion.TRUNCATION + 1) == 0


def test_crumbs_are_dropped() -> None:
    strip = np.array([[i, i + 1, i + 2] for i in range(50)])
    points = np.random.default_rng(0).normal(size=(60, 3))
    faces = np.concatenate([strip, [[55, 56, 57]]])
    points, kept = fusion.without_crumbs(points, faces, 40)
    assert (len(points), len(kept)) == (52, 50)


def test_camera_sees_as_wide_as_scannets() -> None:
    rays = Camera().rays()
    assert rays.shape == (96, 128, 3)
    wide = 2 * np.degrees(np.arctan(rays[0, -1, 0]))
    assert wide == pytest.approx(58, abs=1)
