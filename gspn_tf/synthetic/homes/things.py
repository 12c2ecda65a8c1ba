"""Models of furniture, and things: models that stand somewhere in a room."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from gspn_tf.synthetic.homes.meshes import Mesh

Size = tuple[float, float, float]
Role = Literal["object", "unscored", "clutter"]


@dataclass(frozen=True)
class Model:
    """A piece of furniture that can be had.

    name       unique, such as "Scopia#table3" or "family#bathtub-17"
    role       "object" is labelled, "unscored" furniture and "clutter" are not
    kind       one of ScanNet's 18 classes for objects, else any word ("night stand")
    size       (w, d, h) metres in the model's own frame, see `meshes`
    elevation  metres of its foot above the floor where it usually hangs, 0 = it stands
    build      makes the mesh, of that size
    """

    name: str
    role: Role
    kind: str
    size: Size
    elevation: float
    build: Callable[[], Mesh]

    @cached_property
    def mesh(self) -> Mesh:
        """The mesh, made when it is first needed."""
        return self.build()


@dataclass(frozen=True)
class Thing:
    """A model in a room.

    at     (x, y, z) metres of the middle of its foot
    angle  radians that it is turned by, counter-clockwise seen from above
    size   (w, d, h) metres that it is stretched to
    tint   factors of red, green and blue of its colours
    """

    model: Model
    at: tuple[float, float, float]
    angle: float
    size: Size
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    mirrored: bool = False

    @property
    def label(self) -> str:
        """ScanNet class, "" for what is not labelled."""
        return self.model.kind if self.model.role == "object" else ""

    def mesh(self) -> Mesh:
        """Return the triangles where they stand in the room; colours untinted."""
        factors = np.asarray(self.size) / np.maximum(self.model.mesh.size, 1e-6)
        factors[0] *= -1 if self.mirrored else 1
        return self.model.mesh.stretched(factors).placed(self.angle, self.at)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and highest corner [3] of its upright box, metres."""
        cos, sin = abs(np.cos(self.angle)), abs(np.sin(self.angle))
        w, d, h = self.size
        half = np.array([w * cos + d * sin, w * sin + d * cos]) / 2
        x, y, z = self.at
        return np.array([x - half[0], y - half[1], z]), np.array(
            [x + half[0], y + half[1], z + h]
        )

    def moved(self, angle: float, offset: Sequence[float]) -> "Thing":
        """Return the thing after its whole group is turned about z, then moved."""
        (x, y, z), cos, sin = self.at, np.cos(angle), np.sin(angle)
        at = (
            float(cos * x - sin * y + offset[0]),
            float(sin * x + cos * y + offset[1]),
            float(z + offset[2]),
        )
        return replace(self, at=at, angle=self.angle + angle)


@dataclass
class FurnishedRoom:
    """A furnished room, or several joined by doors, ready to be scanned.

    shell    walls, floors, ceilings, skirting, radiators, pipes: all background
    things   furniture and clutter
    floor    [N, 4] rectangles (x low, y low, x high, y high), metres, where one can
             walk where nothing stands
    height   of the ceiling, metres
    """

    kind: str
    shell: Mesh
    things: list[Thing]
    floor: np.ndarray
    height: float
