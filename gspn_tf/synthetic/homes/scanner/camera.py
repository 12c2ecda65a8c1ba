"""A hand-held depth camera that is walked through a room."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from gspn_tf.synthetic.homes.things import FurnishedRoom

_CELL = 0.1  # metres of the plan on which the way is found
_KNEE, _HEAD = 0.25, 1.9  # metres: what lies lower or higher is no obstacle


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; its field of view is that of ScanNet's depth sensor.

    focal  pixels; ScanNet has 577.87 for 640 columns
    """

    width: int = 128
    height: int = 96

    @property
    def focal(self) -> float:
        """Focal length, pixels."""
        return 577.87 * self.width / 640

    def rays(self) -> np.ndarray:
        """Return a ray [H, W, 3] for each pixel: x right, y down, z forward = 1."""
        u = (np.arange(self.width) - (self.width - 1) / 2) / self.focal
        v = (np.arange(self.height) - (self.height - 1) / 2) / self.focal
        x, y = np.meshgrid(u, v)
        return np.stack([x, y, np.ones_like(x)], axis=-1).astype(np.float32)

    def reach(self) -> np.ndarray:
        """Return the length [H, W] of each pixel's ray: distance by depth."""
        return np.linalg.norm(self.rays(), axis=-1)


def walk(rng: np.random.Generator, room: FurnishedRoom, frames: int) -> np.ndarray:
    """Draw a walk that looks around from places all over the room.

    Returns:
        Poses [frames, 4, 4] float64, world from camera, x right, y down, z forward:
        heads at 1.2 to 1.7 metres, 22 degrees down with a spread of 10.
    """
    xy = _way(rng, _free(room), frames) + room.floor[:, :2].min(axis=0)
    steps = np.arange(frames)
    turns = rng.choice([-1, 1]) * rng.uniform(0.9, 1.3) * frames / 28
    wobble = ndimage.gaussian_filter1d(rng.normal(0, 1, frames), 6) * 1.5
    yaw = rng.uniform(0, 2 * np.pi) + 2 * np.pi * turns * steps / frames + wobble
    dips = np.sin(steps * rng.uniform(0.13, 0.23) + rng.uniform(0, 6))
    pitch = -0.38 + 0.24 * dips + rng.normal(0, 0.03, frames)
    height = 1.45 + 0.2 * np.sin(steps * rng.uniform(0.02, 0.06) + rng.uniform(0, 6))
    height = np.minimum(height, room.height - 0.3)
    ahead = np.stack(
        [np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)], 1
    )
    right = np.stack([np.sin(yaw), -np.cos(yaw), np.zeros(frames)], axis=1)
    poses = np.tile(np.eye(4), (frames, 1, 1))
    poses[:, :3, 0], poses[:, :3, 1] = right, np.cross(ahead, right)
    poses[:, :3, 2], poses[:, :2, 3], poses[:, 2, 3] = ahead, xy, height
    return poses


def drifted(
    rng: np.random.Generator, poses: np.ndarray, metres: float, radians: float
) -> np.ndarray:
    """Return poses as a tracker reports them: off by smooth random errors of a size."""
    count = len(poses)
    knots = max(3, count // 25)
    at = np.linspace(0, knots - 1, count)
    draws = rng.normal(0, 1, (6, knots))
    curves = np.array([np.interp(at, np.arange(knots), draw) for draw in draws])
    shift, turn = curves[:3].T * metres, curves[3:].T * radians
    x, y, z = turn.T
    zero = np.zeros(count)
    skew = np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]).transpose(2, 0, 1)
    left, _, right = np.linalg.svd((np.eye(3) + skew) @ poses[:, :3, :3])
    told = poses.copy()
    told[:, :3, :3] = left @ right
    told[:, :3, 3] += shift
    return told


def _free(room: FurnishedRoom) -> np.ndarray:
    """Mark the cells [X, Y] of the floor where a person can stand."""
    low = room.floor[:, :2].min(axis=0)
    high = room.floor[:, 2:].max(axis=0)
    free = np.zeros(np.ceil((high - low) / _CELL).astype(int) + 1, bool)
    for rectangle in room.floor:
        free[_cells(rectangle[:2] - low, rectangle[2:] - low, 0.0)] = True
    free = ndimage.binary_erosion(free, iterations=2)
    for thing in room.things:
        near, far = thing.bounds()
        if near[2] < _HEAD and far[2] > _KNEE:
            free[_cells(near[:2] - low, far[:2] - low, 0.2)] = False
    regions, count = ndimage.label(free)
    if not count:
        return np.ones_like(free)
    sizes = np.bincount(regions.ravel())[1:]
    return regions == 1 + sizes.argmax()


def _cells(low: np.ndarray, high: np.ndarray, margin: float) -> tuple[slice, ...]:
    first = np.maximum(np.floor((low - margin) / _CELL), 0).astype(int)
    last = np.maximum(np.ceil((high + margin) / _CELL), 0).astype(int)
    return slice(first[0], last[0]), slice(first[1], last[1])


def _way(rng: np.random.Generator, free: np.ndarray, frames: int) -> np.ndarray:
    """Draw a way [frames, 2] through free cells, by stops that are far apart."""
    cells = np.argwhere(free)
    pairs = cKDTree(cells).sparse_distance_matrix(cKDTree(cells), 1.5)
    stops = [int(rng.integers(len(cells)))]
    away = np.full(len(cells), np.inf)
    for _ in range(max(3, frames // 28)):
        away = np.minimum(away, np.linalg.norm(cells - cells[stops[-1]], axis=1))
        chance = away**2 if away.any() else np.ones(len(cells))
        stops.append(int(rng.choice(len(cells), p=chance / chance.sum())))
    order = [stops.pop(0)]
    while stops:  # to the nearest next
        gaps = np.linalg.norm(cells[stops] - cells[order[-1]], axis=1)
        order.append(stops.pop(int(gaps.argmin())))
    graph = pairs.tocsr()
    _, before = csgraph.dijkstra(graph, indices=order[:-1], return_predecessors=True)
    way: list[int] = []
    for row, end in enumerate(order[1:]):
        leg = [end]
        while leg[-1] != order[row] and before[row, leg[-1]] >= 0:
            leg.append(int(before[row, leg[-1]]))
        way += leg[::-1]
    # Legs share their stops: 2 cm for each step keep the lengths rising there too.
    track = cells[way] * _CELL + rng.uniform(0, _CELL, 2)
    steps = np.linalg.norm(np.diff(track, axis=0), axis=1) + 0.02
    length = np.append(0, np.cumsum(steps))
    places = np.linspace(0, length[-1], frames)
    xy = np.stack([np.interp(places, length, along) for along in track.T], axis=1)
    return ndimage.gaussian_filter1d(xy, 2, axis=0, mode="nearest")
