"""Colours of classes and instances: stable, and apart for the colour-blind.

The first seven colours are those of Okabe and Ito. The others were chosen one at a time
as the colour farthest (CIELAB) from all before it, seen with normal vision and with
simulated protanopia, deuteranopia and tritanopia, whichever is nearest.
"""

import numpy as np

# fmt: off
PALETTE = np.array(
    [
        (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233),
        (213, 94, 0), (240, 228, 66), (135, 15, 255), (165, 225, 135), (210, 0, 60),
        (135, 120, 255), (135, 240, 195), (180, 165, 75), (150, 75, 120),
        (210, 225, 105), (0, 120, 60), (120, 195, 135), (210, 0, 180),
        (255, 195, 240), (105, 75, 225),
    ],
    np.uint8,
)  # [20, 3]
# fmt: on
NOTHING = (158, 161, 166)  # background, unassigned
_TINTS = (1.0, 0.72, 1.28, 0.56, 1.44)  # below 1 darker, above 1 towards white


def class_colors(semantic: np.ndarray) -> np.ndarray:
    """Return colours of classes 1..C of any shape, uint8 [..., 3]; 0 is grey."""
    return instance_colors(np.asarray(semantic) - 1)


def instance_colors(instance: np.ndarray) -> np.ndarray:
    """Return colours of instances 0..I-1 of any shape, uint8 [..., 3]; -1 is grey.

    An instance keeps its colour whatever else is shown; after the palette's end the
    colours come again in another brightness.
    """
    instance = np.asarray(instance)
    tints = np.array(_TINTS)[(instance // len(PALETTE)) % len(_TINTS), None]
    colors = PALETTE[instance % len(PALETTE)].astype(np.float64)
    colors = np.where(
        tints > 1, 255 - (255 - colors) * (2 - tints), colors * np.minimum(tints, 1)
    )
    colors = np.where((instance < 0)[..., None], NOTHING, colors)
    return np.round(colors).astype(np.uint8)
