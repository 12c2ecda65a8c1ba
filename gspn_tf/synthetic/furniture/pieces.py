"""A piece of furniture or clutter, and the colours that they come in."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from gspn_tf.synthetic.furniture.surfaces import Surfaces, Vector

Range = tuple[float, float]
Palette = Literal[
    "wood", "white", "metal", "dark", "fabric", "paint", "bright", "glass"
]
STEEL = (150, 152, 156)
PALETTES = {
    "wood": (
        (150, 106, 66), (112, 76, 50), (188, 150, 106), (213, 190, 152), (88, 64, 46),
    ),
    "white": ((232, 230, 224), (222, 222, 216), (240, 234, 222), (205, 206, 204)),
    "metal": (STEEL, (95, 97, 102), (186, 188, 192), (58, 58, 62)),
    "dark": ((58, 58, 62),),
    "fabric": (
        (122, 62, 58), (64, 84, 122), (72, 104, 82), (150, 138, 118), (92, 90, 94),
        (176, 150, 104), (58, 60, 70), (196, 186, 170), (134, 92, 122), (60, 120, 130),
    ),
    "paint": ((226, 220, 206), (206, 212, 216), (216, 206, 186), (190, 202, 190)),
    "bright": (
        (196, 60, 52), (54, 108, 178), (226, 178, 62), (78, 150, 92), (150, 80, 150),
        (240, 236, 228), (40, 42, 48), (222, 122, 60),
    ),
    "glass": ((176, 204, 226), (214, 226, 236)),
}  # fmt: skip
"""Levels 0..255 of red, green and blue."""


def pick(rng: np.random.Generator, *palettes: Palette) -> Vector:
    """One colour of the palettes, slightly varied."""
    colors = [color for palette in palettes for color in PALETTES[palette]]
    return varied(rng, colors[rng.integers(len(colors))])


def varied(rng: np.random.Generator, color: Vector, spread: float = 9.0) -> Vector:
    """A colour near another, by `spread` levels."""
    shift = rng.normal(0, spread) + rng.normal(0, spread / 2, 3)
    red, green, blue = np.clip(np.asarray(color, float) + shift, 5, 250)
    return red, green, blue


def darker(color: Vector, factor: float = 0.7) -> Vector:
    """A colour with less (or, above one, more) light."""
    red, green, blue = (min(channel * factor, 250.0) for channel in color)
    return red, green, blue


@dataclass(slots=True)
class Piece:
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

    @property
    def height(self) -> float:
        """Upper end, metres above the floor."""
        return self.high[2]

    def body(self, low: Vector, high: Vector, color: Vector, hidden: str = "z") -> None:
        """A closed box that hides whatever is inside it."""
        self.surfaces.box(low, high, color, hidden)
        self.solids.append((low, high))

    def top(self, low: Vector, high: Vector) -> None:
        """Declares a level place for clutter, at the height of `high`."""
        self.tops.append(((low[0], low[1], high[2]), high))


def standing(label: str, width: float, depth: float, height: float) -> Piece:
    """A piece without parts, standing on the floor, centred in x."""
    return Piece(label, (-width / 2, 0.0, 0.0), (width / 2, depth, height))


def sized(
    rng: np.random.Generator, label: str, width: Range, depth: Range, height: Range
) -> Piece:
    """A piece without parts, of a size drawn from ranges in metres."""
    return standing(label, *(rng.uniform(*each) for each in (width, depth, height)))
