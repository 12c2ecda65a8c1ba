"""Generated rooms: reproducible, varied, well formed and not trivial."""

import numpy as np
import pytest

from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import check_scene
from gspn_tf.data.shards import serialize
from gspn_tf.metrics import InstancePredictions, average_precision
from gspn_tf.synthetic.furniture.surfaces import Surfaces, areas, place, sample
from gspn_tf.synthetic.rooms import (
    generate_room,
    oracle_components,
)
from gspn_tf.synthetic.scanner import MIN_INSTANCE_POINTS

SEEDS = range(300, 310)


@pytest.fixture(scope="module")
def rooms():
    return [generate_room(seed) for seed in SEEDS]


def test_a_seed_gives_the_same_bytes_and_others_differ(rooms):
    again = [serialize(generate_room(seed)) for seed in SEEDS[:2]]
    assert again == [serialize(room) for room in rooms[:2]]
    assert again[0] != again[1]


def test_rooms_are_well_formed(rooms):
    for room in rooms:
        check_scene(room, len(SCANNET))
        assert 8 <= room.num_instances <= 30
        assert 30_000 < len(room.points) <= 40_000
        sizes = np.bincount(room.instance[room.instance >= 0])
        assert sizes.min() >= MIN_INSTANCE_POINTS
        assert ((room.semantic == 0) == (room.instance == -1)).all()
        for i in range(room.num_instances):
            assert len(np.unique(room.semantic[room.instance == i])) == 1


def test_all_classes_appear(rooms):
    present = np.unique(np.concatenate([room.semantic for room in rooms]))
    names = {SCANNET.names[row - 1] for row in present if row}
    assert names == {
        *("cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf"),
        *("picture", "counter", "desk", "refrigerator", "toilet", "bathtub"),
    }


def test_instances_have_the_size_of_furniture(rooms):
    for room in rooms:
        for i in range(room.num_instances):
            extent = np.ptp(room.points[room.instance == i], axis=0)
            assert 0.2 < np.linalg.norm(extent) < 4.0
            assert extent.min() > 0.015
        size = np.ptp(room.points, axis=0)
        assert 3.0 < size[:2].max() < 10.0 and 1.5 < size[2] < 3.0


def test_walls_are_at_any_angle(rooms):
    """In half of the rooms at least, the axes' bounds are far from the tightest."""
    angles = np.deg2rad(np.arange(0, 90, 3))
    along = np.stack([np.cos(angles), np.sin(angles)])
    across = np.stack([-np.sin(angles), np.cos(angles)])
    excess = []
    for room in rooms:
        flat = room.points[room.semantic == 0][:, :2]
        bounds = np.ptp(flat @ along, axis=0) * np.ptp(flat @ across, axis=0)
        excess.append(bounds[0] / bounds.min())
    assert np.median(excess) > 1.1


def test_scans_have_uneven_density(rooms):
    """Points per occupied 25 cm cell vary more than a uniform sample's would."""
    for room in rooms[:4]:
        cells = np.floor(room.points / 0.25).astype(int)
        _, counts = np.unique(cells, axis=0, return_counts=True)
        assert counts.std() > 1.5 * np.sqrt(counts.mean())


@pytest.mark.slow
def test_components_of_true_labels_are_not_the_instances(rooms):
    for radius in (0.08, 0.12):
        found = average_precision(
            (component_masks(room, radius) for room in rooms), SCANNET.names
        )
        assert 0.4 < found.ap50 < 0.8


def component_masks(room, radius):
    owner = oracle_components(room, radius)
    ids, sizes = np.unique(owner[owner >= 0], return_counts=True)
    masks = [np.flatnonzero(owner == i) for i in ids[sizes >= 100]]
    classes = np.array([room.semantic[mask[0]] for mask in masks])
    predictions = InstancePredictions(masks, classes, np.ones(len(masks)))
    return predictions, room.semantic, room.instance


def test_components_join_equal_labels_within_the_radius():
    room = generate_room(1, 20_000)
    keep = np.arange(6)
    points = np.array([[0, 0, 0], [0.08, 0, 0], [0.16, 0, 0], [1, 0, 0], [0, 0, 0.05],
                       [0, 0.01, 0]], np.float32)  # fmt: skip
    semantic = np.array([5, 5, 5, 5, 6, 0], np.int32)
    scene = type(room)("x", points, room.colors[keep], semantic, room.instance[keep])
    found = oracle_components(scene, 0.1)
    assert found[0] == found[1] == found[2]
    assert len({found[0], found[3], found[4]}) == 3
    assert found[5] == -1


@pytest.mark.parametrize(("seed", "points"), [(-1, 40_000), (0, 100)])
def test_bad_arguments_are_refused(seed, points):
    with pytest.raises(ValueError, match="must"):
        generate_room(seed, points)


def test_surface_samples_lie_on_their_surfaces():
    parts = Surfaces()
    parts.box((0, 0, 0), (1, 2, 3), (9, 9, 9), hidden="z")
    parts.tube((5, 0, 0), 0.5, 2.0, (9, 9, 9), taper=0.5)
    parts.oval((9, 0, 1), (1.0, 0.5), (9, 9, 9), hole=0.5)
    parts.dome((14, 0, 0), (1.0, 1.0, 1.0), (9, 9, 9), lowest=0.0)
    array = parts.array()
    found = sample(np.random.default_rng(0), array, np.ones(len(array)), 20_000)
    x, y, z = found.points.T
    box, tube, oval = found.surface < 5, found.surface == 5, found.surface == 6
    dome = found.surface == 7
    on_face = np.isclose(found.points, 0) | np.isclose(found.points, (1, 2, 3))
    assert on_face[box].any(axis=1).all()
    assert not np.isclose(z[box], 0).all()
    np.testing.assert_allclose(np.hypot(x - 5, y)[tube], (0.5 - z / 8)[tube])
    radius = np.hypot(x - 9, 2 * y)[oval]
    assert (radius > 0.5 - 1e-9).all() and (radius < 1 + 1e-9).all()
    np.testing.assert_allclose(np.hypot(np.hypot(x - 14, y), z)[dome], 1.0)
    assert z[dome].min() >= 0
    np.testing.assert_allclose(np.linalg.norm(found.normals, axis=1), 1.0)
    share = np.bincount(found.surface) / 20_000
    np.testing.assert_allclose(share, areas(array) / areas(array).sum(), atol=0.015)


def test_placing_turns_then_moves():
    parts = Surfaces()
    parts.quad((1, 0, 0), (1, 0, 0), (0, 0, 1), (0, 0, 0))
    moved = place(parts.array(), np.pi / 2, (10, 0, 2))[0]
    np.testing.assert_allclose(moved[1:7], [10, 1, 2, 0, 1, 0], atol=1e-12)
