"""Generated rooms: reproducible, varied, well formed and not trivial."""

import numpy as np
import pytest
from generating import assert_generated

from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import Scene
from gspn_tf.synthetic.furniture.surfaces import Surfaces, areas, sample
from gspn_tf.synthetic.rooms import (
    generate_room,
    oracle_components,
)
from gspn_tf.synthetic.scanner import MIN_INSTANCE_POINTS

SEEDS = range(300, 310)


@pytest.fixture(scope="module")
def rooms():
    return [generate_room(seed) for seed in SEEDS]


def test_rooms_are_well_formed(rooms):
    assert_generated(generate_room, SEEDS, rooms, SCANNET, MIN_INSTANCE_POINTS)
    for room in rooms:
        assert 8 <= room.num_instances <= 30
        assert 30_000 < len(room.points) <= 40_000
        assert ((room.semantic == 0) == (room.instance == -1)).all()
        for i in range(room.num_instances):
            extent = np.ptp(room.points[room.instance == i], axis=0)
            assert 0.2 < np.linalg.norm(extent) < 4.0 and extent.min() > 0.015
    present = set(np.concatenate([room.semantic for room in rooms]).tolist())
    absent = {name for row, name in enumerate(SCANNET.names, 1) if row not in present}
    assert absent == {"curtain", "shower curtain", "sink", "otherfurniture"}
    with pytest.raises(ValueError, match="num_points must be at least"):
        generate_room(0, 100)


def test_components_join_equal_labels_within_the_radius():
    points = np.array([[0, 0, 0], [0.08, 0, 0], [0.16, 0, 0], [1, 0, 0], [0, 0, 0.05],
                       [0, 0.01, 0]], np.float32)  # fmt: skip
    semantic = np.array([5, 5, 5, 5, 6, 0], np.int32)
    none = np.full(6, -1, np.int32)
    scene = Scene("x", points, np.zeros((6, 3), np.uint8), semantic, none)
    found = oracle_components(scene, 0.1)
    assert found[0] == found[1] == found[2]
    assert len({found[0], found[3], found[4]}) == 3
    assert found[5] == -1


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
