"""Turns a furnished room into what a hand-held scanner would leave of it.

Area-weighted points on visible surfaces, then what real scans suffer from: uneven
density, holes, shadowed strips, range noise, uneven light. Labels stay exact.
"""

from collections.abc import Callable, Sequence

import numpy as np

from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import Scene, number_instances
from gspn_tf.synthetic.furnishing import MAX_INSTANCES, Room
from gspn_tf.synthetic.furniture.pieces import pick, varied
from gspn_tf.synthetic.furniture.surfaces import Samples, Surfaces, place, sample
from gspn_tf.synthetic.layouts import Placed

Rng = np.random.Generator
MIN_INSTANCE_POINTS = 100
_SHELL_DENSITY = 0.45  # floor and walls, relative to furniture
_CONTACT = 0.012  # metres: what is nearer than this to a closed body is unseen
_OVERDRAW = 1.75  # drawn for each point kept, at first


def first_rich(
    seed: int, draw: Callable[[Rng], Scene], least: int, *stream: int
) -> Scene:
    """The first of the scenes drawn for a seed that has `least` instances.

    Args:
        seed: whose random numbers `draw` gets.
        draw: draws one scene.
        least: instances that are enough; more than `MAX_INSTANCES` are too many.
        *stream: keeps the random numbers apart from those of other data sets.

    Raises:
        ValueError: negative seed.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    for attempt in range(100):
        scene = draw(np.random.default_rng([seed, attempt, *stream]))
        if least <= scene.num_instances <= MAX_INSTANCES:
            return scene
    raise RuntimeError(f"no acceptable scene for seed {seed} in 100 attempts")


def label_things(room: Room, thing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Semantic and instance [V] of points that are on things.

    Objects of which fewer than `MIN_INSTANCE_POINTS` points are seen are background.

    Args:
        room: its placed pieces are the objects.
        thing: [V] rows of the placed pieces, then of clutter; -1 = shell.
    """
    owner = np.where(thing < len(room.placed), thing, -1)
    labels = [each.piece.label for each in room.placed]
    return label_owners(labels, owner, MIN_INSTANCE_POINTS)


def label_owners(
    labels: Sequence[str], owner: np.ndarray, least: int
) -> tuple[np.ndarray, np.ndarray]:
    """Semantic and instance [V] of points that are on things, see `Scene`.

    Args:
        labels: ScanNet's class of each thing, "" for what is background.
        owner: [V] row of the thing that a point is on, -1 = none.
        least: points of an object; one that has fewer is background.
    """
    rows = [SCANNET.names.index(label) + 1 if label else 0 for label in labels]
    counts = np.bincount(owner + 1, minlength=len(rows) + 1)[1:]
    # One entry more, so that owner -1 reads the background at the end.
    row_of = np.append(np.where(counts >= least, rows, 0), 0)
    semantic = row_of[owner].astype(np.int32)
    return semantic, number_instances(owner + 1, semantic)


def about_z(angle: float) -> np.ndarray:
    """The rotation [3, 3] about z by so many radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def scan(
    rng: Rng, room: Room, num_points: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At most `num_points` points of a room.

    Returns:
        points [V, 3] float64 in the room's frame, colours [V, 3] uint8, and the thing
        [V] that each point is on, see `label_things`.
    """
    everything = room.placed + room.clutter
    surfaces, object_of, density = assemble(rng, room, everything)
    samples = sample(rng, surfaces, density, int(num_points * _OVERDRAW))
    things = object_of[samples.surface]
    keep = _kept_by_density(rng, samples.points) & ~_hidden(samples, things, everything)
    keep &= ~_holes(rng, samples.points)
    keep = np.flatnonzero(keep)[:num_points]  # samples come in random order
    samples = Samples(*(values[keep] for values in samples))
    noise = rng.normal(0, rng.uniform(0.003, 0.007), (len(keep), 1))
    points = samples.points + noise * samples.normals
    points += rng.normal(0, 0.002, points.shape)
    return points, lit(rng, samples), things[keep]


def assemble(
    rng: Rng, room: Room, everything: list[Placed]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Surfaces [S, 17] of the shell and all things, their thing [S], density [S]."""
    arrays, owners, densities = [_shell(rng, room)], [-1], [_SHELL_DENSITY]
    for index, placed in enumerate(everything):
        array = placed.piece.surfaces.array()
        arrays.append(place(array, placed.angle, placed.offset))
        owners.append(index)
        densities.append(placed.piece.density * rng.uniform(0.8, 1.2))
    counts = [len(a) for a in arrays]
    surfaces = np.concatenate(arrays)
    return surfaces, np.repeat(owners, counts), np.repeat(densities, counts)


def _shell(rng: Rng, room: Room) -> np.ndarray:
    """Floor, four walls without a ceiling, a skirting, sometimes a rug."""
    parts, (x, y) = Surfaces(), room.size
    wall = pick(rng, "paint")
    parts.quad((0, 0, 0), (x, 0, 0), (0, y, 0), pick(rng, "wood", "paint"))
    for origin, along in (
        ((0, 0, 0), (x, 0, 0)),
        ((0, y, 0), (x, 0, 0)),
        ((0, 0, 0), (0, y, 0)),
        ((x, 0, 0), (0, y, 0)),
    ):
        parts.quad(origin, along, (0, 0, room.height), varied(rng, wall, spread=4))
    if rng.random() < 0.5:
        wide, deep = rng.uniform(1.2, 2.0, 2)
        left, near = rng.uniform(0, (x - wide, y - deep))
        rug = pick(rng, "wood", "paint")
        parts.quad((left, near, 0.01), (wide, 0, 0), (0, deep, 0), rug)
    return parts.array()


def _waves(rng: Rng, points: np.ndarray, count: int, scale: float) -> np.ndarray:
    """A smooth random field of mean 0 and variance about 1; `scale` in metres."""
    waves = rng.normal(0, 1 / scale, (count, 3))
    phases = rng.uniform(0, 2 * np.pi, count)
    field = np.zeros(len(points))
    for wave, phase in zip(waves, phases, strict=True):
        field += np.sin(points @ wave + phase)
    return field * np.sqrt(2 / count)


def _kept_by_density(rng: Rng, points: np.ndarray) -> np.ndarray:
    chance = np.clip(0.8 + 0.2 * _waves(rng, points, 5, 0.7), 0.3, 1.0)
    return rng.random(len(points)) < chance


def _hidden(
    samples: Samples, things: np.ndarray, everything: list[Placed]
) -> np.ndarray:
    """Points inside, or in contact with, a closed body of another thing."""
    order = np.argsort(samples.points[:, 0])
    x, y, z = np.ascontiguousarray(samples.points[order].T)
    mine, hidden = things[order], np.zeros(len(order), bool)
    for index, placed in enumerate(everything):
        for solid in placed.piece.solids:
            low, high = placed.bounds(*solid)
            low, high = low - _CONTACT, high + _CONTACT
            part = slice(*np.searchsorted(x, (low[0], high[0])))
            inside = (y[part] > low[1]) & (y[part] < high[1])
            inside &= (z[part] > low[2]) & (z[part] < high[2])
            hidden[part] |= inside & (mine[part] != index)
    out = np.empty_like(hidden)
    out[order] = hidden
    return out


def _holes(rng: Rng, points: np.ndarray) -> np.ndarray:
    """Holes around random points, and strips that something shadowed."""
    missing = np.zeros(len(points), bool)
    x, y, z = np.ascontiguousarray(points.T)
    for _ in range(int(rng.integers(10, 22))):
        a, b, c = points[rng.integers(len(points))]
        reach = rng.uniform(0.1, 0.3)
        missing |= (x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2 < reach**2
    for _ in range(int(rng.integers(3, 9))):
        a, b, _ = points[rng.integers(len(points))]
        angle = rng.uniform(0, np.pi)
        cos, sin = np.cos(angle), np.sin(angle)
        strip = np.abs((x - a) * cos + (y - b) * sin) < rng.uniform(0.05, 0.13)
        strip &= np.abs((y - b) * cos - (x - a) * sin) < rng.uniform(0.4, 1.2)
        missing |= strip & (z < rng.uniform(0.4, 2.5))
    return missing


def lit(rng: Rng, samples: Samples) -> np.ndarray:
    """Colours uint8 under uneven light, with texture, grain and a white balance."""
    points, normals = samples.points, samples.normals
    direction = rng.normal(0, 1, 3)
    direction /= np.linalg.norm(direction)
    light = 0.8 + 0.12 * np.abs(normals[:, 2]) + 0.1 * np.abs(normals @ direction)
    light += 0.06 * _waves(rng, points, 3, 1.0)
    grain = 5.0 * _waves(rng, points * [1, 1, 3], 3, 0.03)
    colors = samples.colors * light[:, None] + grain[:, None]
    colors *= rng.uniform(0.85, 1.1) * rng.uniform(0.95, 1.05, 3)
    colors += rng.normal(0, 5.0, colors.shape)
    return np.clip(colors, 0, 255).astype(np.uint8)
