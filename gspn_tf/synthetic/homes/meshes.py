"""Triangles with materials: what rooms and furniture are made of before a scan.

A model stands in its own frame: metres, z up, its foot on z = 0, its middle at x = 0,
y = 0, its front towards -y, its back (the side for a wall) towards +y.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gspn_tf.synthetic.scanner import about_z

Vector = Sequence[float] | np.ndarray


class Material(NamedTuple):
    """The look of a surface.

    color  levels 0..255 of red, green and blue
    image  [H, W, 3] uint8 that repeats over the texture coordinates, or None
    alpha  0 = invisible, 1 = opaque; a depth camera sees through less than 0.35
    gloss  0 = matt, 1 = a mirror: black glass and polished metal lose rays
    """

    color: tuple[float, float, float]
    image: np.ndarray | None = None
    alpha: float = 1.0
    gloss: float = 0.0


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles of a model or of a room.

    points     [V, 3] float32 metres    faces  [F, 3] int32 rows of points
    uv         [F, 3, 2] float32 texture coordinates of the corners of each face
    material   [F] int32 rows of materials
    """

    points: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    material: np.ndarray
    materials: tuple[Material, ...]

    @property
    def size(self) -> np.ndarray:
        """Extent [3] along x, y, z, metres."""
        return np.ptp(self.points, axis=0)

    def stretched(self, factors: Vector) -> "Mesh":
        """Return the mesh scaled by a factor for each axis."""
        points = self.points * np.asarray(factors, np.float32)
        return Mesh(points, self.faces, self.uv, self.material, self.materials)

    def placed(self, angle: float, offset: Vector) -> "Mesh":
        """Return the mesh turned by `angle` radians about z, then moved."""
        turn = about_z(angle).T.astype(np.float32)
        points = self.points @ turn + np.asarray(offset, np.float32)
        return Mesh(points, self.faces, self.uv, self.material, self.materials)


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Put meshes together; materials are not shared."""
    points, faces, materials = 0, [], []
    rows: list[Material] = []
    for mesh in meshes:
        faces.append(mesh.faces + points)
        materials.append(mesh.material + len(rows))
        points += len(mesh.points)
        rows += mesh.materials
    return Mesh(
        np.concatenate([mesh.points for mesh in meshes]),
        np.concatenate(faces).astype(np.int32),
        np.concatenate([mesh.uv for mesh in meshes]),
        np.concatenate(materials).astype(np.int32),
        tuple(rows),
    )


class Builder:
    """A growing mesh of flat and round parts; texture coordinates are metres."""

    def __init__(self) -> None:
        self._parts: list[Mesh] = []

    def mesh(self) -> Mesh:
        """Return everything that was added."""
        return joined(self._parts)

    def extend(self, mesh: Mesh) -> None:
        """Add a finished mesh."""
        self._parts.append(mesh)

    def quad(self, origin: Vector, u: Vector, v: Vector, material: Material) -> None:
        """Add a parallelogram on two edges from a corner."""
        corner, u, v = (np.asarray(x, np.float32) for x in (origin, u, v))
        points = np.stack([corner, corner + u, corner + u + v, corner + v])
        wide, high = np.linalg.norm(u), np.linalg.norm(v)
        uv = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
        self.add(points, np.array([[0, 1, 2], [0, 2, 3]]), uv, material)

    def box(self, low: Vector, high: Vector, material: Material) -> None:
        """Add an axis-aligned box between two corners."""
        low, high = np.asarray(low, float), np.asarray(high, float)
        edges = np.diag(high - low)
        for axis in range(3):
            u, v = edges[axis - 2], edges[axis - 1]
            self.quad(low, u, v, material)
            self.quad(low + edges[axis], u, v, material)

    def tube(
        self,
        rings: Sequence[tuple[Vector, Vector]],
        material: Material,
        sides: int = 16,
    ) -> None:
        """Add a surface through level ellipses, from the first to the last.

        Args:
            rings: a middle (x, y, z) and radii (x, y) for each, metres; radii of 0
                close an end.
            material: of all of it.
            sides: corners of each ellipse.
        """
        turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
        circle = np.stack([np.cos(turn), np.sin(turn), np.zeros(sides)], axis=1)
        points = [np.asarray(m) + circle * (*radii, 0.0) for m, radii in rings]
        self.sheet(np.stack(points), material, closed=True)

    def sheet(self, grid: np.ndarray, material: Material, closed: bool = False) -> None:
        """Add a surface on a grid [R, C, 3] of points; `closed` joins its columns."""
        grid = np.asarray(grid, np.float32)
        if closed:
            grid = np.concatenate([grid, grid[:, :1]], axis=1)
        rows, columns = grid.shape[:2]
        corner = np.arange(rows * columns).reshape(rows, columns)
        a, b = corner[:-1, :-1].ravel(), corner[:-1, 1:].ravel()
        c, d = corner[1:, 1:].ravel(), corner[1:, :-1].ravel()
        faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
        along = np.linalg.norm(np.diff(grid, axis=1), axis=2).mean(axis=0)
        down = np.linalg.norm(np.diff(grid, axis=0), axis=2).mean(axis=1)
        u, v = (np.append(0, np.cumsum(steps)) for steps in (along, down))
        uv = np.stack(np.broadcast_arrays(u[None, :], v[:, None]), axis=-1)
        self.add(grid.reshape(-1, 3), faces, uv.reshape(-1, 2), material)

    def add(
        self, points: np.ndarray, faces: np.ndarray, uv: np.ndarray, material: Material
    ) -> None:
        """Add triangles with texture coordinates [V, 2] of their points."""
        faces = np.asarray(faces, np.int32)
        of = np.zeros(len(faces), np.int32)
        points, uv = np.asarray(points, np.float32), np.asarray(uv, np.float32)
        self._parts.append(Mesh(points, faces, uv[faces], of, (material,)))
