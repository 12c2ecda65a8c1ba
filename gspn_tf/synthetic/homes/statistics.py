"""Numbers that tell virtual scans from real ones.

    python -m gspn_tf.synthetic.homes.statistics DATA_FOLDER SPLIT [SCENES]
    python -m gspn_tf.synthetic.homes.statistics MESH.ply ...

prints the mean and the range of each over the scenes of a data folder, or the density
of meshes.
"""

import itertools
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from gspn_tf.data.scene import Scene

_REACH = 0.15  # metres around a point
_FLAT = 0.03  # smallest through second axis of a flat place
_PLACES = 1500  # where a scan is looked at
_FEWEST = 12  # points around a place


class ScanStatistics(NamedTuple):
    """Numbers of one scan, of all its vertices or a random share of them.

    flat         share of places whose surroundings are flat
    roughness    median smallest standard deviation there, millimetres
    spread       standard deviation of the colours, levels
    grain        median standard deviation of colours within 15 cm, levels
    saturation   median of the largest less the smallest channel, levels
    background   share of vertices of no class
    instances    number of objects
    vertices     median vertices of an object, of each 50,000 of the scan
    extent       longest side on the floor, metres
    seen         median share of an object's box floor plan that has vertices
    """

    flat: float
    roughness: float
    spread: float
    grain: float
    saturation: float
    background: float
    instances: int
    vertices: float
    extent: float
    seen: float


def scan_statistics(scene: Scene, seed: int = 0) -> ScanStatistics:
    """Measure a scan at random places; the same numbers for the same seed."""
    rng = np.random.default_rng(seed)
    tree = cKDTree(scene.points)
    places = rng.choice(len(scene.points), min(_PLACES, len(scene.points)), False)
    around = tree.query_ball_point(scene.points[places], _REACH)
    around = [np.array(rows) for rows in around if len(rows) >= _FEWEST]
    axes = np.array([_variances(scene.points[rows]) for rows in around])
    flat = axes[:, 0] < _FLAT * axes[:, 1]
    colors = scene.colors.astype(np.float32)
    grain = [colors[rows].std(axis=0).mean() for rows in around]
    sizes = np.bincount(scene.instance[scene.instance >= 0])
    sides = np.ptp(scene.points, axis=0)
    return ScanStatistics(
        flat=float(flat.mean()),
        roughness=float(1000 * np.median(np.sqrt(axes[flat, 0]))),
        spread=float(colors.std(axis=0).mean()),
        grain=float(np.median(grain)),
        saturation=float(np.median(np.ptp(colors, axis=1))),
        background=float((scene.semantic == 0).mean()),
        instances=scene.num_instances,
        vertices=float(np.median(sizes) * 50_000 / len(scene.points)),
        extent=float(sides[:2].max()),
        seen=_seen(scene),
    )


def _variances(points: np.ndarray) -> np.ndarray:
    """Variances [3] along the main axes of some points, the smallest first."""
    return np.maximum(np.linalg.eigvalsh(np.cov(points.T)), 0)


def _seen(scene: Scene) -> float:
    """Median share of the six sides' cells of an object's box that are seen.

    Each object's box is looked at from its six sides on a grid of 10 cm: a cell counts
    where a vertex lies in the nearest half of the box.
    """
    shares = []
    for row in range(scene.num_instances):
        points = scene.points[scene.instance == row]
        low, size = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 0.1)
        filled = total = 0
        for axis in range(3):
            others = [other for other in range(3) if other != axis]
            shape = np.ceil(size[others] / 0.1).astype(int)
            for side in (0, 1):
                near = ((points[:, axis] - low[axis]) * 2 >= size[axis]) == bool(side)
                cell = ((points[near][:, others] - low[others]) / 0.1).astype(int)
                cell = np.minimum(cell, shape - 1)
                filled += len(np.unique(cell, axis=0))
                total += int(shape.prod())
        shares.append(filled / total)
    return float(np.median(shares)) if shares else 0.0


def mesh_density(path: str | Path) -> float:
    """Return the vertices of a mesh for each square metre of its surface."""
    import trimesh

    mesh = trimesh.load_mesh(path, process=False)
    return len(mesh.vertices) / float(mesh.area)


def statistics_table(scenes: Iterable[Scene]) -> str:
    """Return mean, least and most of each number as a Markdown table."""
    rows = np.array([scan_statistics(scene) for scene in scenes])
    lines = ["| | mean | least | most |", "|---|---|---|---|"]
    found = zip(rows.mean(axis=0), rows.min(axis=0), rows.max(axis=0), strict=True)
    for name, values in zip(ScanStatistics._fields, found, strict=True):
        lines.append(f"| {name} | {' | '.join(f'{value:.3g}' for value in values)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1].endswith(".ply"):
        for mesh in sys.argv[1:]:
            print(f"{mesh}: {mesh_density(mesh):.0f} vertices a square metre")
    else:
        from gspn_tf.data import read_scenes

        folder, split, *count = sys.argv[1:]
        some = itertools.islice(read_scenes(folder, split), *map(int, count or ["50"]))
        print(statistics_table(some))
