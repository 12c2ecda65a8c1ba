"""Generated single views: what one depth camera sees of a generated room.

`generate_view(seed)` is a pure function of its seed. It furnishes a room (`rooms`),
puts a camera of NYUv2's field of view in it at eye level, and keeps the pixels that a
structured-light camera would measure:

* only what nothing else hides (`raycast`);
* what the projector, `_BASELINE` beside the camera, lights too: the rest is shadow;
* the less, the more a surface is seen from the side, and half of those on edges;
* with the axial noise of a Kinect, which grows with the square of the distance
  (Nguyen, Izadi, Lovell: Modeling Kinect Sensor Noise, 2012).

Labels are exact. The frame is the room's: z up, the floor at 0, x to the right of the
camera, which stands above the origin and looks along y.
"""

import copy
from functools import partial

import numpy as np
from scipy import ndimage

from gspn_tf.data.rgbd_image import RgbdImage
from gspn_tf.data.scene import Scene
from gspn_tf.files import depth as depths
from gspn_tf.synthetic import raycast
from gspn_tf.synthetic.furnishing import Room, furnish
from gspn_tf.synthetic.furniture.surfaces import Samples, normals
from gspn_tf.synthetic.scanner import about_z, assemble, first_rich, label_things, lit

Rng = np.random.Generator
SIZE = (240, 320)  # half of NYUv2's
(_FX, _FY), (_CX, _CY) = depths.NYUV2_CAMERA
CAMERA = depths.Intrinsics((_FX / 2, _FY / 2), (_CX / 2, _CY / 2))
NAME = "view_{:06d}"  # of a seed
MIN_INSTANCES = 4
_RANGE = (0.45, 8.0)  # metres that the camera can measure
_BASELINE = 0.075  # metres from the projector, at the left, to the camera
_GRAZING = 0.25  # cosine of incidence below which pixels begin to fail
_EDGE = 0.05  # step of depth, relative to it, that makes an edge
_STREAM = 1  # keeps the rooms apart from those of `synthetic`


def generate_view(seed: int) -> Scene:
    """Draws a view: the same bytes for the same seed, at most 76,800 points.

    Labels are rows of `classes.SCANNET`. Objects of which fewer than
    `MIN_INSTANCE_POINTS` pixels are seen are background. Views of fewer than
    `MIN_INSTANCES` instances are drawn again.

    Raises:
      ValueError: negative seed.
    """
    draw = partial(_draw_view, name=NAME.format(seed))
    return first_rich(seed, draw, MIN_INSTANCES, _STREAM)


def _draw_view(rng: Rng, name: str) -> Scene:
    room = furnish(rng)
    surfaces, thing_of, _ = assemble(rng, room, room.placed + room.clutter)
    position, heading, tilt = _pose(rng, room)
    level = _about_x(tilt) @ depths.ROOM_FROM_CAMERA
    rotation = about_z(heading) @ level
    everywhere = np.ones(SIZE, bool)
    rays = depths.lift(np.ones(SIZE), everywhere, CAMERA).reshape(*SIZE, 3)
    view = raycast.cast(surfaces, position, rotation, rays)

    hit = view.surface >= 0
    facing = np.zeros(rays.shape)
    facing[hit] = normals(surfaces, view.surface[hit], view.factors[hit])

    def samples(where: np.ndarray, depth: np.ndarray) -> Samples:
        points = depths.lift(depth, where, CAMERA) @ rotation.T + position
        seen = view.surface[where]
        return Samples(points, facing[where], surfaces[seen, 14:17], seen)

    where = hit & ~_unmeasured(rng, view.depth, _incidence(rays @ rotation.T, facing))
    noise = rng.normal(0, 0.0012 + 0.0019 * (view.depth[where] - 0.4) ** 2)
    depth = view.depth.copy()
    depth[where] += noise
    points = depths.lift(depth, where, CAMERA)
    points = (points @ level.T + [0, 0, position[2]]).astype(np.float32)
    labels = label_things(room, thing_of[view.surface[where]])
    color = np.zeros((*SIZE, 3), np.uint8)
    color[hit] = lit(copy.deepcopy(rng), samples(hit, view.depth))  # as below
    colors = color[where] = lit(rng, samples(where, depth))
    image = RgbdImage(color, np.where(where, depth, 0).astype(np.float32), CAMERA)
    return Scene(name, points, colors, *labels, image)


def _pose(rng: Rng, room: Room) -> tuple[np.ndarray, float, float]:
    """Where the camera is, its heading about z and its tilt; not too near an object."""
    bounds = [placed.bounds() for placed in room.placed + room.clutter]
    lows, highs = (np.array(each) for each in zip(*bounds, strict=True))
    low, high = (0.3, 0.3, 1.1), (room.size[0] - 0.3, room.size[1] - 0.3, 1.7)
    while True:
        position = rng.uniform(low, high)
        if not ((position > lows - 0.2) & (position < highs + 0.2)).all(axis=1).any():
            break
    few = rng.integers(len(room.placed), size=3)
    ahead = (lows[few] + highs[few])[:, :2] / 2 - position[:2]
    x, y = ahead[np.linalg.norm(ahead, axis=1).argmax()]
    heading = np.arctan2(-x, y) + rng.normal(0, 0.25)
    return position, heading, rng.normal(-0.35, 0.12)


def _about_x(angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


def _incidence(rays: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """Cosines [H, W] between rays and normals, 0..1."""
    along = np.einsum("hwc,hwc->hw", rays, facing)
    return np.abs(along) / np.linalg.norm(rays, axis=-1)


def _unmeasured(rng: Rng, depth: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """Pixels [H, W] that the camera fails to measure."""
    chance = np.clip(1 - cosine / _GRAZING, 0, 1)
    chance = np.maximum(chance, 0.5 * _edges(depth))
    unlucky = rng.random(depth.shape) < chance
    return unlucky | _shadow(depth) | (depth < _RANGE[0]) | (depth > _RANGE[1])


def _edges(depth: np.ndarray) -> np.ndarray:
    """Pixels beside a step of depth, on either side of it."""
    log = np.log(np.minimum(depth, 1e3))
    cross = ndimage.generate_binary_structure(2, 1)
    rise = ndimage.maximum_filter(log, footprint=cross) - log
    fall = log - ndimage.minimum_filter(log, footprint=cross)
    return np.maximum(rise, fall) > _EDGE


def _shadow(depth: np.ndarray) -> np.ndarray:
    """Pixels that something nearer hides from the projector."""
    near = 1 / depth
    rows, columns = np.indices(depth.shape)
    column_lit = np.rint(columns + CAMERA.focal[0] * _BASELINE * near).astype(int)
    nearest = np.zeros((len(depth), column_lit.max() + 1))
    np.maximum.at(nearest, (rows, column_lit), near)
    return near < (1 - _EDGE) * nearest[rows, column_lit]
