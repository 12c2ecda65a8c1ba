"""HHA is the published one: by its formulas, and by a plain program of them."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gspn_tf.files.depth import NYUV2_CAMERA, Intrinsics
from gspn_tf.files.errors import ScanError
from gspn_tf.image.hha import hha

DATA = Path(os.environ.get("GSPN_TF_DATA", "../shared/data")) / "nyuv2"
CAMERA = Intrinsics((90.0, 91.0), (80.5, 60.5))
SIZE = (120, 160)


def room(height: float, tilt: float, distance: float = 4.0):
    """Depth [H, W] of a floor and a wall, and whether a pixel is of the floor.

    The camera is `height` metres up and looks `tilt` degrees down.
    """
    tilt = math.radians(tilt)
    down = np.array([0, math.cos(tilt), math.sin(tilt)])
    forward = np.array([0, -math.sin(tilt), math.cos(tilt)])
    v, u = np.mgrid[1 : SIZE[0] + 1, 1 : SIZE[1] + 1]
    rays = [(u - CAMERA.center[0]) / CAMERA.focal[0],
            (v - CAMERA.center[1]) / CAMERA.focal[1], np.ones(SIZE)]  # fmt: skip
    rays = np.stack(rays, -1)
    with np.errstate(divide="ignore"):
        floor = np.where(rays @ down > 0, height / (rays @ down), np.inf)
    wall = distance / (rays @ forward)
    return np.minimum(floor, wall), floor < wall, rays @ down


@pytest.mark.parametrize("tilt", [0, 8])
@pytest.mark.parametrize("height", [1.4, 0.5])
def test_a_floor_and_a_wall_have_the_values_of_the_formulas(height, tilt):
    depth, floor, down = room(height, tilt)
    found = hha(depth, CAMERA).astype(int)
    inside = np.zeros(SIZE, bool)
    inside[10:-10, 10:-10] = True
    # Windows across the edge of floor and wall have normals of both.
    edge = np.abs(np.diff(floor.astype(int), axis=0, prepend=floor[:1])) > 0
    rows = np.nonzero(edge.any(1))[0]
    inside[rows.min() - 4 : rows.max() + 4] = False
    disparity = np.clip(np.rint(31000 / np.maximum(100 * depth, 100)), 0, 255)
    np.testing.assert_array_equal(found[..., 0], disparity)
    # A floor that is not 90 cm under the camera is taken to be 130 cm under it.
    base = 100 * height if height > 0.9 else 130
    above = np.clip(base - 100 * depth * down, 0, 255)
    # Such windows turn gravity too, by up to half a degree where there are many.
    np.testing.assert_allclose(found[..., 1], above, atol=1 if height > 1 else 4)
    np.testing.assert_allclose(found[..., 2][inside & floor], 38, atol=1)
    np.testing.assert_allclose(found[..., 2][inside & ~floor], 128, atol=1)
    assert (inside & floor).sum() > 800 and (inside & ~floor).sum() > 800


def plain_normal(points, there, row, column, radius):
    """Normal of one window, or None."""
    rows = slice(max(0, row - radius), row + radius + 1)
    columns = slice(max(0, column - radius), column + radius + 1)
    near = points[rows, columns][there[rows, columns]]
    rays = near / near[:, 2:]
    matrix, right = rays.T @ rays, (rays / near[:, 2:]).sum(0)
    if np.linalg.matrix_rank(matrix, tol=1e-9) < 3:
        return None
    normal = np.linalg.solve(matrix, right)
    normal /= math.sqrt(normal @ normal)
    if normal[2] < 0:
        normal = -normal
    return -normal if normal @ points[row, column] < 0 else normal


def plain_hha(depth, camera):
    """HHA pixel by pixel, as the published programs describe it."""
    height, width = depth.shape
    points = np.zeros((height, width, 3))
    for v in range(height):
        for u in range(width):
            z = 100 * float(depth[v, u])
            points[v, u] = (
                (u + 1 - camera.center[0]) * z / camera.focal[0],
                (v + 1 - camera.center[1]) * z / camera.focal[1],
                z,
            )
    there = depth > 0
    where = list(np.ndindex(depth.shape))
    wide = [plain_normal(points, there, v, u, 10) for v, u in where]
    wide = [normal for normal in wide if normal is not None]
    y = np.array([0.0, 1.0, 0.0])
    for degrees in (45, 15):
        for _ in range(5):
            matrix = np.zeros((3, 3))
            for normal in wide:
                cosine = abs(normal @ y)
                if cosine < math.sin(math.radians(degrees)):
                    matrix += np.outer(normal, normal)
                if cosine > math.cos(math.radians(degrees)):
                    matrix -= np.outer(normal, normal)
            values, vectors = np.linalg.eig(matrix)
            new = np.real(vectors[:, np.argmin(np.real(values))])
            y = new * np.sign(y @ new)
    axis = np.cross([0.0, 1.0, 0.0], y)
    turn = math.acos(min(1.0, y[1]))
    rotation = np.eye(3)
    if math.degrees(turn) > 0.1:
        a, b, c = axis / np.linalg.norm(axis)
        cross = np.array([[0, -c, b], [c, 0, -a], [-b, a, 0]])
        rotation += math.sin(turn) * cross + (1 - math.cos(turn)) * cross @ cross
    above = np.array([-(rotation.T @ points[v, u])[1] for v, u in where])
    least = -130.0 if above.min() > -90 else above.min()
    image = np.zeros((height, width, 3), np.uint8)
    for (v, u), up in zip(where, above, strict=True):
        normal = plain_normal(points, there, v, u, 3)
        angle = 180.0
        if normal is not None:
            angle = math.degrees(math.acos(max(-1.0, min(1.0, normal @ y))))
        values = 31000 / max(points[v, u, 2], 100), up - least, angle + 38
        image[v, u] = [min(255, max(0, round(value))) for value in values]
    return image


def test_a_plain_program_gives_the_same():
    depth, *_ = room(1.2, 25.0)
    rng = np.random.default_rng(0)
    depth = depth[::4, ::4] * rng.normal(1, 0.002, (30, 40))
    depth[3:9, 5:30] = 0  # a hole
    depth[20, 1:-1] = 0
    camera = Intrinsics((22.5, 22.75), (20.5, 15.5))
    found, expected = hha(depth, camera), plain_hha(depth, camera)
    assert len(np.unique(expected[..., 2])) > 30
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("number", ["0001", "0002"])
@pytest.mark.parametrize(
    "step",
    [8, pytest.param(1, marks=pytest.mark.long)],
)
def test_frames_of_nyuv2_are_as_a_plain_program_has_them(step, number):
    path = DATA / "depth" / f"{number}.png"
    if not path.exists():
        pytest.skip(f"no {path}: set GSPN_TF_DATA")
    depth = np.array(Image.open(path))[::step, ::step] / 1000.0
    camera = Intrinsics(*(tuple(x / step for x in pair) for pair in NYUV2_CAMERA))
    found, expected = hha(depth, camera), plain_hha(depth, camera)
    assert len(np.unique(expected[..., 2])) > 60
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_pixels_that_were_not_measured_are_in_no_normal():
    depth, *_ = room(1.4, 0)
    raw, filled = depth.copy(), depth.copy()
    raw[40:60, 40:90] = 0
    filled[40:60, 40:90] += np.random.default_rng(0).uniform(0, 1, (20, 50))
    found, expected = hha(filled, CAMERA, raw)[..., 2], hha(depth, CAMERA)[..., 2]
    np.testing.assert_array_equal(found[raw > 0], expected[raw > 0])
    assert set(found[45:55, 45:85].flat) == {218}  # no normal: 180 degrees


def test_no_depth_at_all_is_no_error():
    found = hha(np.zeros((8, 9)), CAMERA)
    assert set(found[..., 2].flat) == {218} and found.shape == (8, 9, 3)


def test_arrays_of_other_shapes_are_errors():
    with pytest.raises(ScanError, match=r"depth must be \[H, W\], got \[4, 5, 1\]"):
        hha(np.ones((4, 5, 1)))
    with pytest.raises(ScanError, match=r"raw must be \[4, 5\], got \[5, 4\]"):
        hha(np.ones((4, 5)), CAMERA, np.ones((5, 4)))
