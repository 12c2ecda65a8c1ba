"""Draws homes by their seeds: furnish, scan, label."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import Scene, number_instances
from gspn_tf.synthetic.homes.layout.example_homes import HomePlan
from gspn_tf.synthetic.homes.layout.furnished import furnish_home
from gspn_tf.synthetic.homes.scanner.scan import VirtualScan, scan_room
from gspn_tf.synthetic.homes.scanner.world import World
from gspn_tf.synthetic.homes.things import FurnishedRoom, Model

MIN_VERTICES = 40  # of an instance, see `label_vertices`
MIN_INSTANCES = 4  # of a scan that is kept
_STREAM = 16  # keeps the random numbers apart from those of other data sets


def home_name(seed: int) -> str:
    """Name of the virtual scan of a seed."""
    return f"home_{seed:010d}"


def label_vertices(
    room: FurnishedRoom, owner: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Semantic and instance [V] of the vertices of a scan, see `Scene`.

    Objects that have fewer than `MIN_VERTICES` vertices are background, since ScanNet's
    evaluation leaves such small ones out as well (100 vertices there).

    Args:
        room: its things are the objects.
        owner: [V] row of the things that a vertex is on, -1 = none.
    """
    rows = [SCANNET.names.index(t.label) + 1 if t.label else 0 for t in room.things]
    counts = np.bincount(owner + 1, minlength=len(rows) + 1)[1:]
    row_of = np.append(np.where(counts >= MIN_VERTICES, rows, 0), 0)
    semantic = row_of[owner].astype(np.int32)
    return semantic, number_instances(owner + 1, semantic)


class Home(NamedTuple):
    """A virtual scan, and the room that it is of.

    turn    radians about z that the scan is turned by against the room
    offset  [3] metres that it is moved by then
    """

    room: FurnishedRoom
    world: World
    scan: VirtualScan
    turn: float
    offset: np.ndarray

    def placed(self, points: np.ndarray) -> np.ndarray:
        """Bring points [N, 3] from the room's frame into that of the scan."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        matrix = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
        return (points @ matrix + self.offset).astype(np.float32)


def draw_home(
    seed: int, models: Sequence[Model], homes: Sequence[HomePlan] = ()
) -> Home:
    """Furnish and scan a room: the same bytes for the same seed and furniture.

    Rooms that end with fewer than `MIN_INSTANCES` instances are drawn again.
    """
    for attempt in range(20):
        rng = np.random.default_rng([seed, attempt, _STREAM])
        room = furnish_home(rng, models, homes)
        world = World(rng, room)
        scan = scan_room(rng, room, world)
        _, instance = label_vertices(room, scan.owner)
        if instance.max(initial=-1) + 1 >= MIN_INSTANCES:
            turn, shift = rng.uniform(0, 2 * np.pi), rng.normal(0, (0.5, 0.5, 0.03))
            home = Home(room, world, scan, turn, np.zeros(3))
            middle = home.placed(np.append(scan.points[:, :2].mean(axis=0), 0.0))
            return home._replace(offset=shift - middle)
    raise RuntimeError(f"no acceptable home for seed {seed} in 20 attempts")


def scene_of(home: Home, name: str) -> Scene:
    """Return the vertices of a scan; labels are rows of `classes.SCANNET`."""
    labels = label_vertices(home.room, home.scan.owner)
    return Scene(name, home.placed(home.scan.points), home.scan.colors, *labels)
