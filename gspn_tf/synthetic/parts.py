"""Generated shapes with exact part labels: PartNet's task without PartNet.

`generate_shape(seed)` is a pure function of its seed: a chair, a table, a lamp or a
piece of storage furniture of 2 to 60 part instances (see `part_shapes`), and points
sampled on the surfaces of its parts with noise.

Units and frame are PartNet's as this project reads it: no metres, but the middle of the
shape's box at the origin and the farthest point one unit away; z up, facing +y.
"""

import numpy as np

from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import Scene
from gspn_tf.synthetic.furniture.part_shapes import KINDS, MAX_PARTS
from gspn_tf.synthetic.furniture.shape import Shape
from gspn_tf.synthetic.furniture.surfaces import Samples, areas, sample

_NAMES = (
    *("seat", "back", "bar", "arm", "leg", "wheel", "top", "panel", "drawer", "door"),
    *("handle", "shelf", "base", "pole", "shade", "bulb"),
)
PARTS = ClassList(tuple(range(1, len(_NAMES) + 1)), _NAMES)
"""The classes of the generated parts; all kinds of shapes share them."""
NAME = "shape_{:010d}"  # of a seed
MIN_PART_POINTS = 130
MIN_POINTS = MAX_PARTS * MIN_PART_POINTS


def generate_shape(seed: int, num_points: int = 12_000) -> Scene:
    """Draws a shape: the same bytes for the same seed, `num_points` points.

    Every part has at least `MIN_PART_POINTS`; the others are spread by area. Labels
    are rows of `PARTS`; no point is background.

    Raises:
      ValueError: negative seed, or too few points for the parts.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    if num_points < MIN_POINTS:
        raise ValueError(f"num_points must be at least {MIN_POINTS}, got {num_points}")
    rng = np.random.default_rng(seed)
    shape = KINDS[_draw_kind(rng)](rng)
    samples, owner = sample_parts(rng, shape, num_points)
    points = normalized(samples.points)
    noise = rng.normal(0, rng.uniform(0.001, 0.004), (num_points, 1))
    points += noise * samples.normals
    shade = rng.uniform(0.85, 1.1) + rng.normal(0, 0.03, (num_points, 1))
    rows = [PARTS.names.index(label) + 1 for label, _ in shape.parts]
    return Scene(
        name=NAME.format(seed),
        points=points.astype(np.float32),
        colors=np.clip(samples.colors * shade, 0, 255).astype(np.uint8),
        semantic=np.asarray(rows, np.int32)[owner],
        instance=owner.astype(np.int32),
    )


def _draw_kind(rng: np.random.Generator) -> str:
    return tuple(KINDS)[rng.integers(len(KINDS))]


def category_of(name: str) -> str:
    """Chair, Table, Lamp or Storage: what the shape of a name is."""
    rng = np.random.default_rng(int(name.removeprefix("shape_")))
    return _draw_kind(rng)


def sample_parts(
    rng: np.random.Generator, shape: Shape, count: int
) -> tuple[Samples, np.ndarray]:
    """`count` points on a shape, in random order, and the part [count] of each."""
    arrays = [surfaces.array() for _, surfaces in shape.parts]
    size = np.array([areas(array).sum() for array in arrays])
    spare = count - MIN_PART_POINTS * len(arrays)
    counts = MIN_PART_POINTS + rng.multinomial(spare, size / size.sum())
    drawn = [
        sample(rng, array, np.ones(len(array)), number)
        for array, number in zip(arrays, counts, strict=True)
    ]
    order = rng.permutation(count)
    mixed = (np.concatenate(values)[order] for values in zip(*drawn, strict=True))
    return Samples(*mixed), np.repeat(np.arange(len(arrays)), counts)[order]


def normalized(points: np.ndarray) -> np.ndarray:
    """Points [V, 3] with their box's middle at the origin, the farthest at 1."""
    points = points - (points.min(axis=0) + points.max(axis=0)) / 2
    return points / np.linalg.norm(points, axis=1).max()
