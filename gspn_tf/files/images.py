"""Images on disk, by Pillow."""

from pathlib import Path

import numpy as np
from PIL import Image

from gspn_tf.files.errors import ScanError, naming_file

COLOR_MODES = ("RGB", "RGBA", "P")
DEPTH_MODES = ("I;16", "I;16B", "I")
MAP_MODES = ("L", "P", *DEPTH_MODES)
"""Images whose values are numbers of classes or objects."""
_DAMAGE = (SyntaxError, Image.DecompressionBombError)


def read_image(path: str | Path, modes: tuple[str, ...]) -> np.ndarray:
    """An image of one of Pillow's modes: [H, W, 3] uint8 of colours, else [H, W].

    Raises:
        ScanError: missing, damaged or too large file, or an image of another mode.
    """
    with naming_file(path, "image", *_DAMAGE), Image.open(path) as image:
        if image.mode not in modes:
            raise ScanError(
                f"{path} must be an image of mode {' or '.join(modes)}, "
                f"got {image.mode}"
            )
        return np.asarray(image.convert("RGB") if "RGB" in modes else image)


def image_size(path: str | Path) -> tuple[int, int]:
    """Height and width of an image, without its pixels.

    Raises:
        ScanError: missing or damaged file.
    """
    with naming_file(path, "image", *_DAMAGE), Image.open(path) as image:
        return image.height, image.width
