"""Materials as homes have them: drawn floors, walls, fabrics, woods and pictures.

Colors are those of real indoor scans: mostly greys and browns with 20 to 40 levels
between their strongest and weakest channel, mottled by 10 to 25 levels within 15 cm.
The `color` of a material that has an image is the image's mean.
"""

from collections.abc import Callable

import numpy as np

from gspn_tf.synthetic.homes.furniture import patterns
from gspn_tf.synthetic.homes.furniture.finishes import Range, Rng, enamel, tone
from gspn_tf.synthetic.homes.meshes import Material

_BROWN, _WARM, _COLD = (20.0, 38.0), (15.0, 55.0), (190.0, 250.0)


def material_of(image: np.ndarray, gloss: float = 0.0) -> Material:
    """Return a material of a picture [H, W, 3] uint8, its color the picture's mean."""
    red, green, blue = image.reshape(-1, 3).mean(axis=0)
    return Material((float(red), float(green), float(blue)), image, gloss=gloss)


def _mottle(rng: Rng, fine: float, coarse: float) -> np.ndarray:
    return fine * patterns.blotches(rng, 0.02, 0.02) + coarse * patterns.blotches(
        rng, 0.1, 0.1
    )


def _wood_grain(rng: Rng, strength: float) -> np.ndarray:
    """Streaks [SIDE, SIDE] along rows."""
    return strength * (
        patterns.blotches(rng, 0.012, 0.2) + 0.5 * patterns.blotches(rng, 0.05, 0.3)
    )


def _wood_color(rng: Rng) -> np.ndarray:
    """Return a light, middle or dark wood, or one that was painted grey."""
    level: Range = ((170, 225), (110, 170), (50, 110))[rng.integers(3)]
    share = rng.uniform(0.08, 0.5)
    top = rng.uniform(*level)
    return np.array(tone(rng, (top, top), (share * top, share * top), _BROWN))


def _planks(rng: Rng) -> Material:
    color = _wood_color(rng)
    cells = patterns.planks(rng, int(rng.choice([5, 6, 8, 10, 14])))
    levels = patterns.laid(rng, cells, color, 0.6 * color, rng.uniform(0.05, 0.16))
    shade = _wood_grain(rng, rng.uniform(0.04, 0.1))
    return material_of(patterns.finished_picture(levels, shade), rng.uniform(0, 0.3))


def _parquet(rng: Rng) -> Material:
    color = _wood_color(rng)
    cells = patterns.parquet(int(rng.choice([2, 4, 6])), int(rng.integers(3, 7)))
    levels = patterns.laid(rng, cells, color, 0.7 * color, rng.uniform(0.06, 0.14))
    return material_of(patterns.finished_picture(levels, _mottle(rng, 0.05, 0.03)), 0.2)


def _tiles(rng: Rng) -> Material:
    color = np.array(tone(rng, (90, 240), (4, 50), (10, 60)))
    joint = np.full(3, rng.uniform(60, 220))
    rows, columns = rng.choice([2, 3, 4, 5, 8, 10], 2)
    rows = columns if rng.random() < 0.7 else rows
    cells = patterns.tiles(int(rows), int(columns))
    levels = patterns.laid(rng, cells, color, joint, rng.uniform(0.01, 0.09))
    if rng.random() < 0.2 and columns in (2, 4, 8, 10):
        odd = (cells.number // columns + cells.number % columns) % 2 == 1
        dark = odd & ~cells.joint
        levels = np.where(dark[..., None], levels * rng.uniform(0.2, 0.7), levels)
    shade = _mottle(rng, rng.uniform(0.02, 0.08), 0.03)
    return material_of(patterns.finished_picture(levels, shade), rng.uniform(0.1, 0.5))


def _stone(rng: Rng) -> Material:
    color = np.array(tone(rng, (90, 215), (5, 40), (20, 60)))
    cells = patterns.stones(rng, int(rng.integers(6, 22)))
    levels = patterns.laid(rng, cells, color, 0.75 * color, rng.uniform(0.04, 0.12))
    return material_of(patterns.finished_picture(levels, _mottle(rng, 0.08, 0.05)))


def _carpet(rng: Rng) -> Material:
    color = tone(rng, (70, 200), (6, 50), _WARM if rng.random() < 0.75 else None)
    colors = np.array([color, *(_near(rng, color, 35) for _ in range(2))])
    draw = (patterns.flowers, patterns.checks, None, None)[rng.integers(4)]
    levels = draw(rng, colors) if draw else _flat(color)
    shade = _mottle(rng, rng.uniform(0.05, 0.13), 0.05)
    return material_of(patterns.finished_picture(levels, shade))


def _concrete(rng: Rng) -> Material:
    color = tone(rng, (110, 190), (4, 22), (20, 70))
    shade = _mottle(rng, rng.uniform(0.04, 0.1), 0.07)
    return material_of(patterns.finished_picture(_flat(color), shade))


def _paint(rng: Rng) -> Material:
    """Return painted plaster: mostly pale and warm, sometimes of a strong color."""
    if rng.random() < 0.75:
        color = tone(rng, (165, 240), (6, 40), _WARM)
    else:
        color = tone(rng, (110, 220), (20, 65))
    shade = _mottle(rng, rng.uniform(0.02, 0.06), rng.uniform(0.02, 0.05))
    return material_of(patterns.finished_picture(_flat(color), shade))


def _wallpaper(rng: Rng) -> Material:
    color = tone(rng, (150, 235), (10, 50), _WARM if rng.random() < 0.6 else None)
    colors = np.array([color, *(_near(rng, color, 30) for _ in range(2))])
    levels = _PRINTS[rng.integers(len(_PRINTS))](rng, colors)
    return material_of(patterns.finished_picture(levels, _mottle(rng, 0.03, 0.03)))


def _brick(rng: Rng) -> Material:
    color = np.array(tone(rng, (110, 225), (10, 80), (8, 25)))
    cells = patterns.tiles(12, 4, staggered=True)
    joint = np.full(3, rng.uniform(130, 215))
    levels = patterns.laid(rng, cells, color, joint, rng.uniform(0.06, 0.15))
    return material_of(patterns.finished_picture(levels, _mottle(rng, 0.06, 0.04)))


_PRINTS = (patterns.stripes, patterns.checks, patterns.dots, patterns.flowers)
_FLOORS: tuple[tuple[float, Callable[[Rng], Material]], ...] = (
    (0.3, _planks),
    (0.1, _parquet),
    (0.2, _tiles),
    (0.08, _stone),
    (0.24, _carpet),
    (0.08, _concrete),
)
_WALLS: tuple[tuple[float, Callable[[Rng], Material]], ...] = (
    (0.64, _paint),
    (0.16, _wallpaper),
    (0.1, _tiles),
    (0.05, _brick),
    (0.05, _concrete),
)
_PICTURES = (
    *(patterns.painting, patterns.landscape),
    *(patterns.portrait, patterns.poster),
)


def _near(rng: Rng, color: tuple[float, float, float], far: float) -> np.ndarray:
    shift = rng.uniform(-far, far) + rng.uniform(-far / 3, far / 3, 3)
    return np.clip(np.array(color) + shift, 5, 250)


def _flat(color: tuple[float, float, float]) -> np.ndarray:
    return np.broadcast_to(np.array(color), (patterns.SIDE, patterns.SIDE, 3))


def _drawn(
    rng: Rng, choices: tuple[tuple[float, Callable[[Rng], Material]], ...]
) -> Material:
    shares = np.array([share for share, _ in choices])
    return choices[rng.choice(len(choices), p=shares / shares.sum())][1](rng)


def floor_material(rng: Rng) -> Material:
    """Draw a floor: planks, parquet, tiles, stone, carpet or concrete."""
    return _drawn(rng, _FLOORS)


def wall_material(rng: Rng) -> Material:
    """Draw a wall: paint on plaster, wallpaper, tiles, bricks or concrete."""
    return _drawn(rng, _WALLS)


def tile_material(rng: Rng) -> Material:
    """Draw the tiles of a bathroom's or kitchen's walls and floors."""
    return _tiles(rng)


def fabric_material(rng: Rng) -> Material:
    """Draw a cover, curtain or garment: plain, woven, striped, checked or printed."""
    chroma: Range = (4, 35) if rng.random() < 0.7 else (25, 90)
    hue: Range | None = (_WARM, _COLD, None)[rng.integers(3)]
    color = tone(rng, (40, 230), chroma, hue)
    shade = _mottle(rng, rng.uniform(0.03, 0.1), rng.uniform(0.02, 0.06))
    levels = _flat(color)
    if rng.random() < 0.45:
        others = [_near(rng, color, rng.uniform(25, 90)) for _ in range(2)]
        draw = _PRINTS[rng.integers(len(_PRINTS))]
        levels = draw(rng, np.array([color, *others]))
    return material_of(patterns.finished_picture(levels, shade))


def granite_material(rng: Rng) -> Material:
    """Draw the stone of a counter's or table's top: fine, strong blotches."""
    color = tone(rng, (50, 225), (3, 30), _WARM)
    shade = _mottle(rng, rng.uniform(0.05, 0.16), 0.04)
    return material_of(patterns.finished_picture(_flat(color), shade), 0.2)


def wood_material(rng: Rng) -> Material:
    """Draw the wood of furniture, its grain along the rows of the image."""
    color = _wood_color(rng)
    levels = np.broadcast_to(color, (patterns.SIDE, patterns.SIDE, 3))
    shade = _wood_grain(rng, rng.uniform(0.03, 0.11))
    return material_of(patterns.finished_picture(levels, shade), rng.uniform(0, 0.25))


def furniture_material(rng: Rng) -> Material:
    """Draw wood, or a painted board, which is white or grey more often than not."""
    if rng.random() < 0.6:
        return wood_material(rng)
    if rng.random() < 0.65:
        return enamel(rng)
    return Material(tone(rng, (60, 220), (5, 50)), gloss=0.1)


def _plain(rng: Rng, color: tuple[float, float, float], fine: float) -> Material:
    shade = _mottle(rng, fine, fine)
    return material_of(patterns.finished_picture(_flat(color), shade))


def cardboard_material(rng: Rng) -> Material:
    """Draw the brown board of boxes."""
    return _plain(rng, tone(rng, (150, 205), (40, 75), (27, 38)), 0.03)


def leaf_material(rng: Rng) -> Material:
    """Draw the green of plants."""
    return _plain(rng, tone(rng, (70, 150), (30, 75), (75, 125)), 0.12)


def picture_material(rng: Rng) -> Material:
    """Draw a painting, landscape, portrait or poster that fills its image once."""
    return material_of(_PICTURES[rng.integers(len(_PICTURES))](rng))


def paper(rng: Rng) -> Material:
    """Draw a sheet with lines of print, or a blank one."""
    if rng.random() < 0.6:
        return material_of(patterns.poster(rng))
    return Material(tone(rng, (215, 250), (2, 20)))
