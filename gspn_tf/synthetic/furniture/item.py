"""A piece of furniture, and the colours that furniture comes in."""

from dataclasses import dataclass, field

import numpy as np

from gspn_tf.synthetic.furniture.surfaces import Surfaces, Vector

WOOD = ((150, 106, 66), (112, 76, 50), (188, 150, 106), (213, 190, 152), (88, 64, 46))
WHITE = ((232, 230, 224), (222, 222, 216), (240, 234, 222), (205, 206, 204))
METAL = ((150, 152, 156), (95, 97, 102), (186, 188, 192), (58, 58, 62))
FABRIC = (
    (122, 62, 58), (64, 84, 122), (72, 104, 82), (150, 138, 118), (92, 90, 94),
    (176, 150, 104), (58, 60, 70), (196, 186, 170), (134, 92, 122), (60, 120, 130),
)  # fmt: skip
PAINT = ((226, 220, 206), (206, 212, 216), (216, 206, 186), (190, 202, 190))
BRIGHT = (
    (196, 60, 52), (54, 108, 178), (226, 178, 62), (78, 150, 92), (150, 80, 150),
    (240, 236, 228), (40, 42, 48), (222, 122, 60),
)  # fmt: skip


def pick(rng: np.random.Generator, *palettes: tuple, spread: float = 9.0) -> Vector:
    """One colour of the palettes, varied by `spread` levels."""
    colors = [color for palette in palettes for color in palette]
    color = np.asarray(colors[rng.integers(len(colors))], float)
    shift = rng.normal(0, spread) + rng.normal(0, spread / 2, 3)
    return tuple(np.clip(color + shift, 5, 250))


def darker(color: Vector, factor: float = 0.7) -> Vector:
    """The same colour with less (or, above one, more) light."""
    return tuple(min(channel * factor, 250.0) for channel in color)


@dataclass(slots=True)
class Item:
    """One object in its own frame: its back at y = 0, facing +y, the floor at z = 0.

    label     class name, "" for clutter and other background
    low, high bounding box, metres
    surfaces  what it is built of
    solids    closed boxes `(low, high)`: nothing of another object is seen inside
    tops      level places `(low, high)` (z of both equal) where clutter can stand
    density   how closely it is scanned, relative to large furniture
    """

    label: str
    low: Vector
    high: Vector
    surfaces: Surfaces = field(default_factory=Surfaces)
    solids: list[tuple[Vector, Vector]] = field(default_factory=list)
    tops: list[tuple[Vector, Vector]] = field(default_factory=list)
    density: float = 1.0

    @property
    def width(self) -> float:
        """Size along x, metres."""
        return self.high[0] - self.low[0]

    @property
    def depth(self) -> float:
        """Size along y, metres."""
        return self.high[1] - self.low[1]

    def body(self, low: Vector, high: Vector, color: Vector, hidden: str = "z") -> None:
        """A closed box that hides whatever is inside it."""
        self.surfaces.box(low, high, color, hidden)
        self.solids.append((low, high))

    def top(self, low: Vector, high: Vector) -> None:
        """Declares a level place for clutter, at the height of `high`."""
        self.tops.append(((low[0], low[1], high[2]), high))


def blank(label: str, width: float, depth: float, height: float) -> Item:
    """An item without parts, standing on the floor, centred in x."""
    return Item(label, (-width / 2, 0.0, 0.0), (width / 2, depth, height))
