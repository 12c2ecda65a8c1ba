"""Parts that chairs, tables and storage furniture have in common."""

import numpy as np

from gspn_tf.synthetic.furniture.pieces import darker
from gspn_tf.synthetic.furniture.surfaces import Surfaces, Vector

Rng = np.random.Generator


class Shape:
    """A shape under construction: its parts, each a label and its surfaces."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, Surfaces]] = []

    def part(self, label: str) -> Surfaces:
        """A new part, still without surfaces."""
        surfaces = Surfaces()
        self.parts.append((label, surfaces))
        return surfaces

    def box(self, label: str, low: Vector, high: Vector, color: Vector) -> None:
        """A part that is an axis-aligned box."""
        self.part(label).box(low, high, color, hidden="")

    def legs(self, rng: Rng, corner: Vector, size: float, color: Vector) -> None:
        """Four legs, square, round or splayed, under a corner."""
        x, y, top = corner
        style, splay = rng.random(), rng.uniform(0.02, 0.1)
        for side in (-1, 1):
            for end in (-1, 1):
                leg = self.part("leg")
                left, front = side * (x - size / 2), end * (y - size / 2)
                if style < 0.4:
                    low = (left - size / 2, front - size / 2, 0)
                    high = (left + size / 2, front + size / 2, top)
                    leg.box(low, high, color)
                elif style < 0.7:
                    leg.tube(
                        (left, front, 0), size / 2, top, color, rng.uniform(1.0, 1.6)
                    )
                else:
                    foot = (left + side * splay - size / 2, front + end * splay, 0)
                    up = (-side * splay, -end * splay, top)
                    leg.slab(foot, ((size, 0, 0), (0, size, 0), up), color)

    def stretchers(self, rng: Rng, corner: Vector, size: float, color: Vector) -> None:
        """Two level bars between the front and back legs under a corner."""
        x, y, top = corner
        height, inner = rng.uniform(0.2, 0.5) * top, size * 0.6
        for middle in (-x + size / 2, x - size / 2):
            low = (middle - inner / 2, -y + size, height)
            self.box("bar", low, (middle + inner / 2, y - size, height + inner), color)

    def drawer(self, rng: Rng, low: Vector, high: Vector, color: Vector) -> None:
        """An open box with a front, pulled out at times, and its handle."""
        out = rng.uniform(0.05, 0.15) if rng.random() < 0.25 else 0.0
        (x, y, z), (right, end, top) = low, high
        end += out
        drawer = self.part("drawer")
        drawer.box((x, y + out, z), (right, end, top - 0.02), darker(color), "YZ")
        drawer.box((x, end, z), (right, end + 0.015, top), color, "")
        middle, wide = (x + right) / 2, min(0.06, (right - x) / 5)
        handle = (middle - wide, end + 0.015, (z + top) / 2 - 0.01)
        far = (middle + wide, end + 0.045, (z + top) / 2 + 0.01)
        self.box("handle", handle, far, darker(color, 0.4))
