"""Walls, floors, ceilings, skirting, pipes and rugs of a plan as triangles."""

from typing import NamedTuple

import numpy as np

from gspn_tf.synthetic.homes.furniture.textures import (
    fabric_material,
    floor_material,
    furniture_material,
    wall_material,
)
from gspn_tf.synthetic.homes.layout.floors import neighbours, trapezoids
from gspn_tf.synthetic.homes.layout.outlines import FloorPlan, Wall
from gspn_tf.synthetic.homes.layout.placing import Rng
from gspn_tf.synthetic.homes.meshes import Builder, Material, Mesh

_BELOW = 0.004
_RUG = 0.01


class Finish(NamedTuple):
    """Materials of one room."""

    wall: Material
    floor: Material
    skirting: Material


class _Hole(NamedTuple):
    """An opening as a wall sees it: from `left` to `right` along it, metres."""

    left: float
    right: float
    low: float
    high: float


def build_shell(rng: Rng, plan: FloorPlan, ceiling: bool) -> Mesh:
    """Return the triangles of a plan; walls have holes where its openings are.

    Args:
        rng: draws materials, skirting, pipes and rugs.
        plan: rooms, walls and openings.
        ceiling: whether there is one.
    """
    finishes = _finishes(rng, len(plan.spaces))
    b, skirting = Builder(), float(rng.choice([0.0, 0.06, 0.1]))
    ends = np.array([end for wall in plan.walls for end in (wall.start, wall.end)])
    outlines = np.concatenate([space.outline for space in plan.spaces])
    ends = np.concatenate([ends, outlines])
    low, (wide, deep) = ends.min(axis=0) - 0.2, np.ptp(ends, axis=0) + 0.4
    b.quad((*low, -_BELOW), (wide, 0, 0), (0, deep, 0), finishes[0].floor)
    if ceiling:
        white = Material((float(rng.uniform(215, 245)),) * 3)
        b.quad((*low, plan.height), (wide, 0, 0), (0, deep, 0), white)
    for space, finish in zip(plan.spaces, finishes, strict=True):
        for x0, x1, x2, x3, y0, y1 in trapezoids(space.outline):
            points = np.array([(x0, y0, 0), (x1, y0, 0), (x3, y1, 0), (x2, y1, 0)])
            faces = np.array([[0, 1, 2], [0, 2, 3]])
            b.add(points, faces, points[:, :2], finish.floor)
    for wall in plan.walls:
        _build_wall(b, plan, wall, finishes, skirting)
    _lay_rugs(b, rng, plan)
    _run_pipes(b, rng, plan)
    return b.mesh()


def _finishes(rng: Rng, rooms: int) -> list[Finish]:
    """Draw materials for each room; neighbours often share them."""
    out: list[Finish] = []
    for _ in range(rooms):
        wall, floor = wall_material(rng), floor_material(rng)
        skirting = furniture_material(rng)
        if out and rng.random() < 0.5:
            wall, skirting = out[-1].wall, out[-1].skirting
        if out and rng.random() < 0.4:
            floor = out[-1].floor
        out.append(Finish(wall, floor, skirting))
    return out


def _build_wall(
    b: Builder, plan: FloorPlan, wall: Wall, finishes: list[Finish], skirting: float
) -> None:
    """Add both faces of a wall, its ends and the insides of its holes."""
    length = float(np.linalg.norm(wall.end - wall.start))
    if length < 0.02:
        return
    along = (wall.end - wall.start) / length
    across = np.array([-along[1], along[0]])
    holes = _holes(plan, wall, along, length)
    stops = [0.0, length] + [x for hole in holes for x in hole[:2]]
    corners = np.concatenate([space.outline for space in plan.spaces]) - wall.start
    near = np.abs(corners @ across) < wall.thickness / 2 + 0.1
    stops += [float(x) for x in corners[near] @ along]
    xs = np.unique(np.clip(np.array(stops), 0, length).round(4))
    zs = {0.0, wall.height, *(z for hole in holes for z in hole[2:])}
    ys = np.array(sorted(min(z, wall.height) for z in zs))
    for side in (-1.0, 1.0):
        face = wall.start + side * wall.thickness / 2 * across
        middles = (xs[:-1] + xs[1:])[:, None] / 2 * along + face + side * 0.1 * across
        rooms = plan.space_at(middles)
        for (x0, x1), room in zip(neighbours(xs), rooms, strict=True):
            finish = finishes[int(room)] if room >= 0 else finishes[0]
            for z0, z1 in neighbours(ys):
                if _covered(holes, x0, x1, z0, z1):
                    continue
                edge = (x1 - x0) * along
                b.quad(
                    (*(face + x0 * along), z0), (*edge, 0), (0, 0, z1 - z0), finish.wall
                )
                if z0 == 0 and skirting and room >= 0:
                    start = face + x0 * along + side * 0.012 * across
                    b.quad((*start, 0), (*edge, 0), (0, 0, skirting), finish.skirting)
                    lip = -side * 0.012 * across
                    b.quad((*start, skirting), (*edge, 0), (*lip, 0), finish.skirting)
    _close_wall(b, wall, along, across, length, holes, finishes[0])


def _close_wall(
    b: Builder,
    wall: Wall,
    along: np.ndarray,
    across: np.ndarray,
    length: float,
    holes: list[_Hole],
    finish: Finish,
) -> None:
    """Add the ends and the top of a wall, and what can be seen inside its holes."""
    thick = (*(wall.thickness * across), 0.0)
    base = wall.start - wall.thickness / 2 * across
    for x in (0.0, length):
        b.quad((*(base + x * along), 0), thick, (0, 0, wall.height), finish.wall)
    b.quad((*base, wall.height), thick, (*(length * along), 0), finish.wall)
    for left, right, low, high in holes:
        for x in (left, right):
            corner = (*(base + x * along), low)
            b.quad(corner, thick, (0, 0, high - low), finish.skirting)
        for z in (low, high):
            if 0.02 < z < wall.height:
                corner = (*(base + left * along), z)
                b.quad(corner, thick, (*((right - left) * along), 0), finish.skirting)


def _holes(
    plan: FloorPlan, wall: Wall, along: np.ndarray, length: float
) -> list[_Hole]:
    """Return the openings that lie in a wall."""
    holes = []
    for opening in plan.openings:
        apart = np.array(opening.at) - wall.start
        off, at = abs(along[0] * apart[1] - along[1] * apart[0]), float(apart @ along)
        direction = np.array([np.cos(opening.angle), np.sin(opening.angle)])
        parallel = abs(along[0] * direction[1] - along[1] * direction[0]) < 0.3
        left, right = at - opening.width / 2, at + opening.width / 2
        near = off < wall.thickness / 2 + 0.15 and right > 0 and left < length
        if near and parallel:
            left, right = round(max(left, 0), 4), round(min(right, length), 4)
            high = min(opening.high, wall.height)
            holes.append(_Hole(left, right, max(opening.low, 0.0), high))
    return holes


def _covered(holes: list[_Hole], x0: float, x1: float, z0: float, z1: float) -> bool:
    x, z = (x0 + x1) / 2, (z0 + z1) / 2
    return any(h.left < x < h.right and h.low < z < h.high for h in holes)


def _lay_rugs(b: Builder, rng: Rng, plan: FloorPlan) -> None:
    """Lay rugs on the floors."""
    for space in plan.spaces:
        low, high = space.outline.min(axis=0), space.outline.max(axis=0)
        for _ in range(rng.integers(0, 3)):
            size = np.minimum(rng.uniform(0.7, (3.0, 2.2)), 0.8 * (high - low))
            corner = rng.uniform(low, high - size)
            ends = corner + np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * size
            if (plan.space_at(ends) >= 0).all():
                u, v = (size[0], 0, 0), (0, size[1], 0)
                b.quad((*corner, _RUG), u, v, fabric_material(rng))


def _run_pipes(b: Builder, rng: Rng, plan: FloorPlan) -> None:
    """Run upright pipes in some corners of the rooms."""
    for space in plan.spaces:
        corner = space.outline[int(rng.integers(len(space.outline)))]
        if rng.random() < 0.25:
            radius = float(rng.uniform(0.015, 0.06))
            inward = np.sign(space.outline.mean(axis=0) - corner) * (radius + 0.02)
            foot, radii = corner + inward, (radius, radius)
            rings = [((*foot, 0.0), radii), ((*foot, plan.height), radii)]
            if (plan.space_at(foot[None]) < 0).any():
                continue
            b.tube(rings, furniture_material(rng), sides=8)
