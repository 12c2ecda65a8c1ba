"""Generated indoor rooms with exact labels: the embedded data set.

`generate_room(seed)` is a pure function of its seed. A room has floor and walls
(background), 8 to 30 instances of 14 of ScanNet's classes built of parts, clutter, and
the defects of a real scan; see `furnishing` for what stands where and `scanner` for
the defects. Neighbours of one class often touch and scans have holes, so that connected
components of the true semantic labels (`oracle_components`) are not the instances.
"""

from functools import partial

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gspn_tf.data.scene import Scene
from gspn_tf.synthetic.furnishing import furnish
from gspn_tf.synthetic.scanner import about_z, first_rich, label_things, scan

NAME = "room_{:06d}"  # of a seed
MIN_INSTANCES = 8


def generate_room(seed: int, num_points: int = 40_000) -> Scene:
    """Draws a room: the same bytes for the same seed, at most `num_points` points.

    Labels are rows of `classes.SCANNET`. Objects of which the scan holds fewer than
    `MIN_INSTANCE_POINTS` points are background. Rooms that end with fewer than
    `MIN_INSTANCES` instances are drawn again.

    Raises:
      ValueError: negative seed, or too few points for a room.
    """
    if num_points < 20_000:
        raise ValueError(f"num_points must be at least 20000, got {num_points}")
    draw = partial(_draw_room, name=NAME.format(seed), num_points=num_points)
    return first_rich(seed, draw, MIN_INSTANCES)


def _draw_room(rng: np.random.Generator, name: str, num_points: int) -> Scene:
    room = furnish(rng)
    points, colors, thing = scan(rng, room, int(num_points * rng.uniform(0.9, 1.0)))
    points = _anywhere(rng, points, room.size)
    return Scene(name, points, colors, *label_things(room, thing))


def _anywhere(
    rng: np.random.Generator, points: np.ndarray, size: tuple[float, float]
) -> np.ndarray:
    """The room at any orientation about z, its middle near the origin; float32."""
    turn = about_z(rng.uniform(0, 2 * np.pi))
    middle = np.array([size[0] / 2, size[1] / 2, 0.0])
    offset = rng.normal(0, (0.5, 0.5, 0.03))
    return ((points - middle) @ turn.T + offset).astype(np.float32)


def oracle_components(scene: Scene, radius: float = 0.1) -> np.ndarray:
    """Connected components of the points that share a true semantic label.

    Somebody would get them who knew every label but nothing of objects: two points
    are connected when their labels agree and they are at most `radius` metres apart. At
    40,000 points a room, 0.08 to 0.15 metres serve it best; below, objects fall apart.
    Returns [V] int32, -1 for the background, else 0..K-1.
    """
    found = np.full(len(scene.points), -1, np.int32)
    mine = np.flatnonzero(scene.semantic > 0)
    if not len(mine):
        return found
    pairs = cKDTree(scene.points[mine]).query_pairs(radius, output_type="ndarray")
    labels = scene.semantic[mine]
    pairs = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
    links = (np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1]))
    graph = coo_matrix(links, shape=(len(mine), len(mine)))
    found[mine] = connected_components(graph, directed=False)[1]
    return found
