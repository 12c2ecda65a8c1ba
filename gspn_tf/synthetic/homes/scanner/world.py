"""A furnished room as light meets it: rays, colours, lamps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gspn_tf.synthetic.homes.meshes import Mesh, Vector, joined
from gspn_tf.synthetic.homes.things import FurnishedRoom

GLASS = 0.35  # opacity below which a depth camera sees through
_GRAIN = 48  # cells along each side of the noise that colours vary by


class RayHits(NamedTuple):
    """Where rays end.

    distance  [R] float32 metres, inf where a ray meets nothing
    face      [R] int32 triangle, -1 where a ray meets nothing
    inside    [R, 2] float32 weights of the triangle's second and third corner
    """

    distance: np.ndarray
    face: np.ndarray
    inside: np.ndarray


class World:
    """All triangles of a room, lit by a few lamps.

    owner   [F] int32 row of the thing that a triangle belongs to, -1 = shell
    normal  [F, 3] float32 unit normals, either side
    loses   [F] float32 chance that a structured-light camera gets no answer: black
            and glossy surfaces
    """

    def __init__(self, rng: np.random.Generator, room: FurnishedRoom) -> None:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        meshes = [room.shell, *(thing.mesh() for thing in room.things)]
        whole = joined(meshes)
        counts = [len(mesh.faces) for mesh in meshes]
        owner = np.repeat(np.arange(-1, len(room.things), dtype=np.int32), counts)
        opaque = np.array([each.alpha >= GLASS for each in whole.materials])
        kept = opaque[whole.material]
        self.owner = owner[kept]
        self._material, self._uv = whole.material[kept], whole.uv[kept]
        corners = whole.points[whole.faces[kept]]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        length = np.linalg.norm(across, axis=1, keepdims=True)
        self.normal = (across / np.maximum(length, 1e-12)).astype(np.float32)
        tints = [(1.0, 1.0, 1.0), *(thing.tint for thing in room.things)]
        of_mesh = [len(mesh.materials) for mesh in meshes]
        self._paint = _Paint(rng, whole, np.repeat(tints, of_mesh, axis=0))
        self.loses = self._paint.loses[self._material]
        self._lamps = _lamps(rng, corners.min(axis=(0, 1)), corners.max(axis=(0, 1)))
        self._scene = EmbreeScene(robust=True)
        TriangleMesh(self._scene, np.ascontiguousarray(corners, np.float32))

    def cast(self, origins: np.ndarray, directions: np.ndarray) -> RayHits:
        """Follow rays [R, 3] with unit directions [R, 3] to what they meet first."""
        found = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            output=True,
        )
        face = found["primID"]
        distance = np.where(face >= 0, found["tfar"], np.inf).astype(np.float32)
        return RayHits(distance, face, np.stack([found["u"], found["v"]], axis=1))

    def colors(
        self, face: np.ndarray, inside: np.ndarray, at: np.ndarray
    ) -> np.ndarray:
        """Return the lit colours [N, 3] of places on triangles, before any camera.

        Args:
            face: [N] triangles.
            inside: [N, 2] weights of the second and third corner.
            at: [N, 3] the places, metres.
        """
        weights = np.column_stack([1 - inside.sum(axis=1), inside])
        uv = np.einsum("nk,nkd->nd", weights, self._uv[face])
        color = self._paint.at(self._material[face], uv, at)
        return color * self._light(self.normal[face], at)[:, None]

    def _light(self, normal: np.ndarray, at: np.ndarray) -> np.ndarray:
        light = 0.62 + 0.12 * np.abs(normal[:, 2])
        for lamp, strength in self._lamps:
            towards = lamp - at
            away = np.linalg.norm(towards, axis=1)
            facing = np.abs(np.einsum("nd,nd->n", normal, towards))
            lambert = 0.3 + 0.7 * facing / np.maximum(away, 0.1)
            light += strength * lambert / (1 + (away / 1.8) ** 2)
        return light


def _lamps(
    rng: np.random.Generator, low: Vector, high: Vector
) -> list[tuple[np.ndarray, float]]:
    """Draw one to three lamps and windows: a place and a strength each."""
    lift = np.array([1, 1, 0.75])
    places = [
        rng.uniform(low, np.asarray(high) * lift) for _ in range(rng.integers(1, 4))
    ]
    return [(place.astype(np.float32), rng.uniform(0.3, 1.2)) for place in places]


class _Paint:
    """Materials as one table: a picture of at least one pixel for each, and a grain."""

    def __init__(
        self, rng: np.random.Generator, mesh: Mesh, tints: Sequence | np.ndarray
    ) -> None:
        images = [
            np.asarray([[each.color]]) if each.image is None else each.image
            for each in mesh.materials
        ]
        self._height, self._width = np.array([image.shape[:2] for image in images]).T
        sizes = self._height * self._width
        self._first = np.cumsum(sizes) - sizes
        self._pixels = np.concatenate(
            [image.astype(np.uint8, copy=False).reshape(-1, 3) for image in images]
        )
        self._tints = np.asarray(tints, np.float32)
        count = len(images)
        plain = sizes == 1
        self._grain = np.where(plain, rng.gamma(1.6, 5.0, count), 2.0)
        self._noise = rng.normal(0, 1, (_GRAIN,) * 3).astype(np.float32)
        color = np.array([image[::4, ::4].mean(axis=(0, 1)) for image in images])
        level = (color * self._tints).mean(axis=1)
        gloss = np.array([each.gloss for each in mesh.materials])
        black = np.clip(1 - level / 45, 0, 1)
        self.loses = np.clip(0.75 * black + 0.55 * gloss, 0, 0.97).astype(np.float32)

    def at(self, material: np.ndarray, uv: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return unlit colours [N, 3] at texture coordinates and places in the room."""
        u, v = (uv % 1.0).T
        high, wide = self._height[material], self._width[material]
        row = np.minimum((v * high).astype(int), high - 1)
        column = np.minimum((u * wide).astype(int), wide - 1)
        color = self._pixels[self._first[material] + row * wide + column]
        color = np.clip(color * self._tints[material], 4, 250)
        grain = self._grain[material] * sum(
            self._noise[tuple((at / cell).astype(int).T % _GRAIN)]
            for cell in (0.04, 0.17, 0.6)
        )
        return color + grain[:, None]
