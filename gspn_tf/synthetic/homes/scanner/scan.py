"""Scans a furnished room virtually, as ScanNet's rooms were scanned."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from gspn_tf.synthetic.homes.scanner.camera import Camera, drifted, walk
from gspn_tf.synthetic.homes.scanner.fusion import Volume
from gspn_tf.synthetic.homes.scanner.sensor import measured_depth
from gspn_tf.synthetic.homes.scanner.view import turned, view_room
from gspn_tf.synthetic.homes.scanner.world import World
from gspn_tf.synthetic.homes.things import FurnishedRoom

DRIFT = 0.006, 0.003  # metres and radians that the tracker is off by
FARTHEST = 3.5, 5.0  # metres: the range of a camera is drawn from these
FRAMES_PER_SQUARE_METRE = 8.0
FRAMES = 140, 420  # of a scan, at least and at most
SPREAD = 58, 80  # levels: the standard deviation of colours in ScanNet's rooms
SATURATION = 17, 36  # levels: the median of the largest less the smallest channel
_TOGETHER = 25  # frames that are rendered and fused at a time
_WITNESSES = 5  # pixels that a vertex takes its colour from
_NEAR = 0.1  # metres: vertices with no pixel so near are background


class Exposure(NamedTuple):
    """Camera settings of a scan, by which light becomes levels.

    balance   [3] factors of red, green and blue
    mean      light that becomes `level`
    contrast  levels for each unit of light
    vivid     factor of what tells colours from grey
    """

    balance: np.ndarray
    mean: float
    contrast: float
    level: float
    vivid: float

    def levels(self, light: np.ndarray) -> np.ndarray:
        """Return levels [..., 3] float, not yet clipped to 0..255."""
        light = light * self.balance
        grey = light.mean(axis=-1, keepdims=True)
        light = grey + (light - grey) * self.vivid
        return (light - self.mean) * self.contrast + self.level


class VirtualScan(NamedTuple):
    """A fused, coloured and labelled mesh of a room, and how it was taken.

    points    [V, 3] float32 metres, in the room's frame
    colors    [V, 3] uint8
    faces     [F, 3] int32
    owner     [V] int32 row of the room's things that a vertex is on, -1 = none
    true      [N, 4, 4] float64 poses of the frames, world from camera
    believed  [N, 4, 4] the same as the tracker reports them
    exposure  of the colours
    """

    points: np.ndarray
    colors: np.ndarray
    faces: np.ndarray
    owner: np.ndarray
    true: np.ndarray
    believed: np.ndarray
    exposure: Exposure


class _Pixels(NamedTuple):
    """Pixels that had a depth, of all frames.

    at      [P, 3] float32 where the tracker believes their surface to be, metres
    face    [P] int32    inside  [P, 2] float32    see `world.RayHits`
    true    [P, 3] float32 where the surface is    frame  [P] int32
    """

    at: np.ndarray
    face: np.ndarray
    inside: np.ndarray
    true: np.ndarray
    frame: np.ndarray


def scan_room(
    rng: np.random.Generator, room: FurnishedRoom, world: World
) -> VirtualScan:
    """Walk a depth camera through a room, fuse its frames, colour and label the mesh.

    Args:
        rng: draws the walk, the errors of sensor and tracker, and the exposure.
        room: furnished.
        world: of that room.
    """
    camera = Camera()
    sides = room.floor[:, 2:] - room.floor[:, :2]
    frames = int(np.clip(FRAMES_PER_SQUARE_METRE * sides.prod(axis=1).sum(), *FRAMES))
    poses = walk(rng, room, frames)
    told = drifted(rng, poses, *DRIFT)
    low = np.append(room.floor[:, :2].min(axis=0) - 0.5, -0.3)
    high = np.append(room.floor[:, 2:].max(axis=0) + 0.5, room.height + 0.3)
    volume, farthest = Volume(low, high), rng.uniform(*FARTHEST)
    seen = []
    for first in range(0, frames, _TOGETHER):
        rows = np.arange(first, min(first + _TOGETHER, frames))
        seen.append(_fuse(rng, world, camera, poses, told, rows, farthest, volume))
    pixels = _Pixels(*map(np.concatenate, zip(*seen, strict=True)))
    points, faces = volume.mesh()
    colors, owner, exposure = _paint(rng, world, pixels, points)
    return VirtualScan(points, colors, faces, owner, poses, told, exposure)


def _fuse(
    rng: np.random.Generator,
    world: World,
    camera: Camera,
    poses: np.ndarray,
    told: np.ndarray,
    rows: np.ndarray,
    farthest: float,
    volume: Volume,
) -> _Pixels:
    """Render some frames, add them to the volume, and return every fourth pixel."""
    reach, view = camera.reach(), view_room(world, camera, poses[rows])
    noisy = measured_depth(rng, view.depth, view.cosine, view.loses, farthest)
    good = np.flatnonzero(noisy.ravel() > 0)
    frame = np.repeat(rows, reach.size)[good]
    length = (noisy * reach).ravel()[good]
    believed = turned(told[rows], camera)[good]
    volume.add(told[frame, :3, 3], believed, length.astype(np.float32))
    few = slice(int(rng.integers(4)), None, 4)
    good, frame, believed = good[few], frame[few], believed[few]
    distance = view.hits.distance[good][:, None]
    return _Pixels(
        at=(told[frame, :3, 3] + believed * distance).astype(np.float32),
        face=view.hits.face[good],
        inside=view.hits.inside[good],
        true=(poses[frame, :3, 3] + view.along[good] * distance).astype(np.float32),
        frame=frame.astype(np.int32),
    )


def _paint(
    rng: np.random.Generator, world: World, pixels: _Pixels, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Exposure]:
    """Colours [V, 3] uint8 and things [V] of vertices, from the pixels nearest to them.

    Labels come from the nearest pixel alone. Exposure and white balance are drawn for
    the scan; each frame is off by some percent, as automatic exposure makes it.
    """
    away, rows = cKDTree(pixels.at).query(points, k=_WITNESSES)
    nearest = rows[:, 0]
    owner = np.where(away[:, 0] < _NEAR, world.owner[pixels.face[nearest]], -1)
    used, back = np.unique(rows, return_inverse=True)
    light = world.colors(pixels.face[used], pixels.inside[used], pixels.true[used])
    gains = rng.normal(1, 0.05, (pixels.frame.max() + 1, 1))
    light *= gains[pixels.frame[used]]
    light = light[back.reshape(rows.shape)].mean(axis=1)
    exposure = _exposure(rng, light)
    levels = exposure.levels(light) + rng.normal(0, 2.5, light.shape)
    colors = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return colors, owner.astype(np.int32), exposure


def _exposure(rng: np.random.Generator, light: np.ndarray) -> Exposure:
    """Expose light [N, 3] automatically, to levels spread and coloured as real ones."""
    balance = np.clip(rng.normal(1, 0.05, 3), 0.85, 1.15)
    balanced = light * balance
    contrast = rng.uniform(*SPREAD) / max(float(balanced.std()), 1.0)
    contrast = float(np.clip(contrast, 0.8, 2.5))
    vivid = rng.uniform(*SATURATION) / (
        contrast * max(float(np.median(np.ptp(balanced, axis=1))), 1.0)
    )
    level = rng.uniform(95, 140)
    return Exposure(
        balance,
        float(balanced.mean()),
        contrast,
        level,
        float(np.clip(vivid, 0.2, 1.3)),
    )
