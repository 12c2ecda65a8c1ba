"""Draws homes by their seeds: furnish, scan, label."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import Scene
from gspn_tf.synthetic.homes.layout.example_homes import HomePlan
from gspn_tf.synthetic.homes.layout.furnished import furnish_home
from gspn_tf.synthetic.homes.scanner.scan import VirtualScan, scan_room
from gspn_tf.synthetic.homes.scanner.world import World
from gspn_tf.synthetic.homes.things import FurnishedRoom, Model
from gspn_tf.synthetic.scanner import about_z, label_owners

NAME = "home_{:010d}"  # of a seed
MIN_VERTICES = 40  # of an instance, see `label_vertices`
MIN_INSTANCES = 4  # of a scan that is kept
_STREAM = 16  # keeps the random numbers apart from those of other data sets


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
    labels = [thing.label for thing in room.things]
    return label_owners(labels, owner, MIN_VERTICES)


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
        return (points @ about_z(self.turn).T + self.offset).astype(np.float32)


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


def labels_on_disk(scene: Scene) -> dict[str, np.ndarray]:
    """Return [V] ids of nyu40 and numbers of objects from 1, 0 = none, by column."""
    return {
        "semantic": SCANNET.to_raw(scene.semantic),
        "instance": scene.instance + 1,
    }
