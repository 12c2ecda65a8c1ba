"""Generated single views: what one depth camera sees of a room."""

import numpy as np
import pytest
from generating import assert_generated, assert_prepared

from gspn_tf.data.classes import SCANNET
from gspn_tf.files import depth
from gspn_tf.synthetic import raycast, views
from gspn_tf.synthetic.furniture.surfaces import Surfaces
from gspn_tf.synthetic.scanner import MIN_INSTANCE_POINTS

SEEDS = range(40, 43)
GREY = (127, 127, 127)
CAMERA = depth.Intrinsics((50.0, 50.0), (31.0, 23.0))
SIZE = (47, 63)  # its middle pixel looks straight ahead
MIDDLE = (23, 31)
HERE = np.zeros(3)


@pytest.fixture(scope="module")
def scenes():
    return [views.generate_view(seed) for seed in SEEDS]


def see(build) -> raycast.Hits:
    """What a camera at the origin that looks along y sees of surfaces."""
    surfaces = Surfaces()
    build(surfaces)
    rays = depth.lift(np.ones(SIZE), np.ones(SIZE, bool), CAMERA).reshape(*SIZE, 3)
    return raycast.cast(surfaces.array(), HERE, depth.ROOM_FROM_CAMERA, rays)


def test_the_nearer_of_two_walls_is_seen():
    def build(surfaces):
        surfaces.quad((-9, 4, -9), (18, 0, 0), (0, 0, 18), GREY)
        surfaces.quad((-0.5, 2, -0.5), (1, 0, 0), (0, 0, 1), GREY)

    view = see(build)
    rows, columns = np.indices(SIZE) - np.array(MIDDLE)[:, None, None]
    inside = (abs(rows) <= 12) & (abs(columns) <= 12)  # 0.5 m at 2 m: 12.5 pixels
    np.testing.assert_array_equal(view.surface, np.where(inside, 1, 0))
    np.testing.assert_allclose(view.depth, np.where(inside, 2, 4))
    np.testing.assert_allclose(view.factors[MIDDLE], [0.5, 0.5, 0], atol=1e-9)


@pytest.mark.parametrize(
    "kind, arguments, expected",
    [
        ("dome", ((0, 3, 0), (0.5, 1, 0.5), GREY), 2.0),
        ("tube", ((0, 3, -1), 0.5, 2, GREY), 2.5),
        ("tube", ((0, 3, -1), 0.5, 2, GREY, 0.5), 2.625),  # a cone: 0.375 half way up
        ("box", ((-1, 1.5, -1), (1, 3, 1), GREY), 1.5),
        ("oval", ((0, 3, 0), (1, 1), GREY), np.inf),  # seen along its plane
    ],
)
def test_round_things_are_hit_where_they_are(kind, arguments, expected):
    view = see(lambda surfaces: getattr(surfaces, kind)(*arguments))
    assert view.depth[MIDDLE] == pytest.approx(expected)
    assert (view.surface[MIDDLE] < 0) == np.isinf(expected)


def test_nothing_behind_the_camera_is_seen():
    view = see(lambda s: s.quad((-9, -2, -9), (18, 0, 0), (0, 0, 18), GREY))
    assert (view.surface == -1).all() and np.isinf(view.depth).all()


def test_views_are_well_formed(scenes):
    assert_generated(views.generate_view, SEEDS, scenes, SCANNET, MIN_INSTANCE_POINTS)
    for scene in scenes:
        assert 20_000 < len(scene.points) < 240 * 320  # some pixels are missing
        assert scene.num_instances >= views.MIN_INSTANCES
        assert (scene.points[:, 1] > 0).mean() > 0.999
        assert np.linalg.norm(scene.points, axis=1).max() < 12
        assert abs(np.quantile(scene.points[:, 2], 0.001)) < 0.3


def test_the_command_makes_other_views_for_every_split(tmp_path, capsys):
    assert_prepared("views", SCANNET, tmp_path, capsys)
