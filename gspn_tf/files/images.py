"""Images on disk, by Pillow."""

from pathlib import Path

import numpy as np
from PIL import Image

from gspn_tf.files.errors import ScanError, naming_file

COLOR_MODES = ("RGB", "RGBA", "P")
DEPTH_MODES = ("I;16", "I;16B", "I")


def read_image(path: str | Path, modes: tuple[str, ...]) -> np.ndarray:
    """An image of one of Pillow's modes: [H, W, 3] uint8 of colours, else [H, W].

    Raises:
        ScanError: missing, damaged or too large file, or an image of another mode.
    """
    damage = (SyntaxError, Image.DecompressionBombError)
    with naming_file(path, "image", *damage), Image.open(path) as image:
        if image.mode not in modes:
            raise ScanError(
                f"{path} must be an image of mode {' or '.join(modes)}, "
                f"got {image.mode}"
            )
        return np.asarray(image.convert("RGB") if "RGB" in modes else image)
