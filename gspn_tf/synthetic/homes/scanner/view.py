"""A room as cameras of some poses would see it, before any error."""

from typing import NamedTuple

import numpy as np

from gspn_tf.synthetic.homes.scanner.camera import Camera
from gspn_tf.synthetic.homes.scanner.world import RayHits, World


class View(NamedTuple):
    """Frames of N poses, their P = N * H * W pixels in order.

    along   [P, 3] float32 unit directions in the room
    hits    of the pixels' rays
    met     [P] bool, whether there is a surface
    depth   [N, H, W] along the optical axis, metres; inf = nothing
    cosine  [N, H, W] of the angle between ray and normal, 0 where there is nothing
    loses   [N, H, W] chance that the surface gives no answer, 1 where there is none
    """

    along: np.ndarray
    hits: RayHits
    met: np.ndarray
    depth: np.ndarray
    cosine: np.ndarray
    loses: np.ndarray


def view_room(world: World, camera: Camera, poses: np.ndarray) -> View:
    """Cast a ray for every pixel of the frames of poses [N, 4, 4]."""
    reach = camera.reach()
    shape = (len(poses), *reach.shape)
    along = turned(poses, camera)
    hits = world.cast(np.repeat(poses[:, :3, 3], reach.size, axis=0), along)
    met = hits.face >= 0
    cosine = np.abs((world.normal[hits.face] * along).sum(axis=1)) * met
    loses = np.where(met, world.loses[hits.face], 1.0)
    depth = hits.distance.reshape(shape) / reach
    return View(along, hits, met, depth, cosine.reshape(shape), loses.reshape(shape))


def turned(poses: np.ndarray, camera: Camera) -> np.ndarray:
    """Return unit directions [N * H * W, 3] float32 of the pixels of each pose."""
    unit = (camera.rays() / camera.reach()[..., None]).reshape(-1, 3)
    turns = poses[:, :3, :3].astype(np.float32).transpose(0, 2, 1)
    return (unit.astype(np.float32) @ turns).reshape(-1, 3)
