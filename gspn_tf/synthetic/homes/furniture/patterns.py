"""Repeating pictures of planks, tiles, stones, weaves and prints, drawn with NumPy.

A picture is one square metre: its first row meets its last, its first column its last.
With 128 pixels it is finer than the vertices of a scan, which are 3 cm apart.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

Rng = np.random.Generator
SIDE = 128
_ROW, _COLUMN = np.mgrid[:SIDE, :SIDE]


class Cells(NamedTuple):
    """A division of a square metre into planks, tiles or stones.

    number  [SIDE, SIDE] int, the piece of each pixel
    joint   [SIDE, SIDE] bool, pixels between pieces
    """

    number: np.ndarray
    joint: np.ndarray


def blotches(rng: Rng, down: float, across: float) -> np.ndarray:
    """Draw smooth noise [SIDE, SIDE] of mean 0 and deviation 1 that repeats.

    Args:
        rng: draws it.
        down: half the usual size of a blotch along a column, metres.
        across: the same along a row.
    """
    waves = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    # A Gaussian filter, by its transform: waves per metre against metres.
    row, column = np.fft.fftfreq(SIDE, 1 / SIDE), np.fft.rfftfreq(SIDE, 1 / SIDE)
    far = np.square(down * row)[:, None] + np.square(across * column)
    smooth = np.fft.irfft2(waves * np.exp(-2 * np.pi**2 * far), (SIDE, SIDE))
    return (smooth - smooth.mean()) / smooth.std()


def planks(rng: Rng, rows: int) -> Cells:
    """Divide into `rows` lines of boards whose ends lie anywhere."""
    line = _ROW * rows // SIDE
    start = rng.integers(SIDE, size=rows)[line]
    length = rng.integers(SIDE // 3, SIDE, size=rows)[line]
    along = (_COLUMN - start) % SIDE
    number = 2 * line + (along >= length)
    return Cells(number, _borders(number))


def tiles(rows: int, columns: int, staggered: bool = False) -> Cells:
    """Divide into a grid, every other row moved by half a tile if `staggered`."""
    line = _ROW * rows // SIDE
    shift = (line % 2) * (SIDE // columns // 2) if staggered else 0
    number = line * columns + ((_COLUMN + shift) % SIDE) * columns // SIDE
    return Cells(number, _borders(number))


def parquet(blocks: int, strips: int) -> Cells:
    """Divide into squares of strips that lie along rows and columns in turn."""
    row, column = _ROW * blocks // SIDE, _COLUMN * blocks // SIDE
    fine_row = _ROW * blocks * strips // SIDE % strips
    fine_column = _COLUMN * blocks * strips // SIDE % strips
    strip = np.where((row + column) % 2 == 0, fine_row, fine_column)
    number = (row * blocks + column) * strips + strip
    return Cells(number, _borders(number))


def stones(rng: Rng, count: int) -> Cells:
    """Divide into `count` irregular pieces, each around a random place."""
    away = np.stack([_ROW, _COLUMN], axis=-1)[None] - (
        rng.uniform(0, SIDE, (count, 1, 1, 2))
    )
    away = (away + SIDE / 2) % SIDE - SIDE / 2
    number = np.argmin(np.square(away).sum(axis=-1), axis=0)
    return Cells(number, _borders(number))


def _borders(number: np.ndarray) -> np.ndarray:
    right, below = np.roll(number, -1, axis=1), np.roll(number, -1, axis=0)
    return (number != right) | (number != below)


def laid(
    rng: Rng, cells: Cells, color: np.ndarray, joint: np.ndarray, spread: float
) -> np.ndarray:
    """Color pieces one by one.

    Args:
        rng: draws the color of each piece.
        cells: the pieces.
        color: [3] levels 0..255 of a usual piece.
        joint: [3] levels between pieces.
        spread: standard deviation of a piece's brightness, as a share.

    Returns:
        Levels [SIDE, SIDE, 3], not yet rounded; see `finished_picture`.
    """
    count = int(cells.number.max()) + 1
    tone = 1 + spread * (
        rng.standard_normal((count, 1)) + 0.15 * rng.standard_normal((count, 3))
    )
    return np.where(cells.joint[..., None], joint, (color * tone)[cells.number])


def stripes(rng: Rng, colors: np.ndarray) -> np.ndarray:
    """Draw upright stripes [SIDE, SIDE, 3] in the colors [N, 3], a period or more."""
    edges = np.sort(rng.uniform(0.1, 1, len(colors) - 1))
    place = (_COLUMN * int(rng.integers(2, 9)) / SIDE) % 1
    return colors[np.searchsorted(edges, place)]


def checks(rng: Rng, colors: np.ndarray) -> np.ndarray:
    """Draw stripes both ways over each other, as in a tartan, in the colors [N, 3]."""
    upright = stripes(rng, colors)
    return (upright + upright.transpose(1, 0, 2)) / 2


def dots(rng: Rng, colors: np.ndarray) -> np.ndarray:
    """Draw a regular print of spots: on the first color [3], in the second."""
    period = SIDE // int(rng.choice([4, 8]))
    row = (_ROW + (_COLUMN // period % 2) * (period // 2)) % period - period / 2
    column = _COLUMN % period - period / 2
    spot = np.hypot(row, column) < period * rng.uniform(0.2, 0.4)
    return np.where(spot[..., None], colors[1], colors[0])


def flowers(rng: Rng, colors: np.ndarray) -> np.ndarray:
    """Draw a print of irregular shapes in the colors [N, 3] on the first of them."""
    size = rng.uniform(0.015, 0.05)
    layers = np.broadcast_to(colors[0], (SIDE, SIDE, 3))
    for color in colors[1:]:
        shape = blotches(rng, size, size) > rng.uniform(0.5, 1.0)
        layers = np.where(shape[..., None], color, layers)
    return layers


def finished_picture(levels: np.ndarray, shade: np.ndarray) -> np.ndarray:
    """Brighten levels [H, W, 3] by shares [H, W] and round them to uint8."""
    return np.clip(levels * (1 + shade[..., None]), 0, 255).astype(np.uint8)


def painting(rng: Rng) -> np.ndarray:
    """Draw an abstract painting [SIDE, SIDE, 3] uint8 of boxes, discs and strokes."""
    levels = np.broadcast_to(rng.uniform(30, 250, 3), (SIDE, SIDE, 3))
    for _ in range(int(rng.integers(4, 14))):
        (row, column), (high, wide) = rng.uniform(0, SIDE, 2), rng.uniform(5, 50, 2)
        down, across = np.abs(_ROW - row) / high, np.abs(_COLUMN - column) / wide
        box = np.maximum(down, across) if rng.random() < 0.5 else np.hypot(down, across)
        color = rng.uniform(20, 240) + rng.uniform(-50, 50, 3)
        levels = np.where((box < 1)[..., None], color, levels)
    return finished_picture(levels, 0.06 * blotches(rng, 0.02, 0.02))


def landscape(rng: Rng) -> np.ndarray:
    """Draw a sky over hills [SIDE, SIDE, 3] uint8, lighter towards the horizon."""
    levels = rng.uniform((90, 120, 150), (180, 200, 240))[None, None] + np.zeros(
        (SIDE, SIDE, 1)
    )
    levels = levels * (0.7 + 0.5 * _ROW[..., None] / SIDE)
    for depth in range(int(rng.integers(1, 4))):
        wave = gaussian_filter(rng.standard_normal(SIDE), 8 / (1 + depth), mode="wrap")
        ridge = SIDE * (0.4 + 0.17 * depth) + 10 * wave / wave.std()
        color = rng.uniform((20, 40, 20), (120, 130, 100))
        levels = np.where((_ROW > ridge[None])[..., None], color, levels)
    return finished_picture(levels, 0.12 * blotches(rng, 0.015, 0.03))


def portrait(rng: Rng) -> np.ndarray:
    """Draw a head and shoulders [SIDE, SIDE, 3] uint8 on a plain ground."""
    levels = np.broadcast_to(rng.uniform(30, 200, 3), (SIDE, SIDE, 3))
    clothes = rng.uniform(20, 200) + rng.uniform(-20, 20, 3)
    skin = rng.uniform(0.4, 1) * np.array([235, 195, 170])
    for row, high, wide, color in (
        (1.05, 0.4, 0.4, clothes),
        (0.36, 0.25, 0.2, rng.uniform((10, 10, 5), (160, 130, 90))),
        (0.42, 0.2, 0.15, skin),
    ):
        oval = np.hypot((_ROW / SIDE - row) / high, (_COLUMN / SIDE - 0.5) / wide)
        levels = np.where((oval < 1)[..., None], color, levels)
    return finished_picture(levels, 0.08 * blotches(rng, 0.03, 0.03))


def poster(rng: Rng) -> np.ndarray:
    """Draw lines of print [SIDE, SIDE, 3] uint8 under a heading or an image."""
    levels = np.broadcast_to(rng.uniform(215, 245, 3), (SIDE, SIDE, 3)).copy()
    ink, row = rng.uniform(10, 90, 3), int(rng.integers(8, 20))
    top = int(rng.integers(20, 70))
    levels[row : row + top, 10:-10] = rng.uniform(20, 220) + rng.uniform(-40, 40, 3)
    row += top + 6
    while row < SIDE - 10:
        levels[row : row + 3, 10 : int(rng.integers(60, SIDE - 8))] = ink
        row += 7
    return finished_picture(levels, 0.04 * blotches(rng, 0.02, 0.02))
