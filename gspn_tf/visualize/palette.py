"""Colours of classes and instances: stable, and apart for the colour-blind.

The first seven colours are those of Okabe and Ito. The others were chosen one at a time
as the colour farthest (CIELAB) from all before it, seen with normal vision and with
simulated protanopia, deuteranopia and tritanopia, whichever is nearest.

Three numbers a point become one colour in CIELAB: the first is its lightness, the
second runs from blue to orange, the third from green to pink, a third as far. Those
who cannot tell green from pink see the first two, and lose the third.
"""

import numpy as np
from PIL import Image, ImageCms

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
LIGHTNESS = (36.0, 84.0)  # CIELAB's L of a first number of 0 and of 1
BLUE_ORANGE = np.array([[-4.0, -42.0], [22.0, 48.0]])  # a, b of a second of 0 and 1
GREEN_PINK = np.array([[-16.0, 0.0], [16.0, 0.0]])  # of a third


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


def component_colors(components: np.ndarray) -> np.ndarray:
    """Return the colours of three numbers 0..1 a point, [..., 3]; see above."""
    first, second, third = np.moveaxis(np.clip(components, 0, 1), -1, 0)
    lightness = LIGHTNESS[0] + first * (LIGHTNESS[1] - LIGHTNESS[0])
    chroma = np.stack([1 - second, second], -1) @ BLUE_ORANGE
    chroma += np.stack([1 - third, third], -1) @ GREEN_PINK
    lab = np.concatenate([2.55 * lightness[..., None], chroma], axis=-1)
    levels = np.round(lab).astype(np.int64).astype(np.uint8)  # a and b are signed
    image = Image.frombytes("LAB", (lightness.size, 1), levels.tobytes())
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
    return np.asarray(shown).reshape(lab.shape)
