"""One camera's view of a scene: colours and depth of all pixels.

A scene that is one frame of a depth camera has a point for each measured pixel, row by
row; so the pixel of each point is known without being stored, and the masks of its
objects in the image are the labels of its points.
"""

from dataclasses import dataclass

import numpy as np

from gspn_tf.files.depth import Intrinsics, measured


@dataclass(frozen=True, slots=True)
class RgbdImage:
    """Colours and aligned depth of one camera, and features of its pixels.

    color     [H, W, 3] uint8, RGB
    depth     [H, W] float32, metres along the optical axis, 0 = not measured
    camera    of both
    features  [h, w, C] float16 of a network for images, h and w whole parts of H and
              W; None where there are none
    """

    color: np.ndarray
    depth: np.ndarray
    camera: Intrinsics
    features: np.ndarray | None = None

    def __post_init__(self) -> None:
        size = self.color.shape[:2]
        kinds = {"color": (np.uint8, (*size, 3)), "depth": (np.float32, size)}
        if self.features is not None:
            kinds["features"] = (np.float16, (*self.features.shape[:2], -1))
        for name, (kind, shape) in kinds.items():
            value = getattr(self, name)
            there = (*value.shape[:2], -1) if name == "features" else value.shape
            if value.dtype != kind or there != shape or value.ndim != len(shape):
                raise ValueError(
                    f"{name} of an RGB-D image must be {np.dtype(kind)} {shape}, "
                    f"got {value.dtype} {value.shape}"
                )

    @property
    def num_measured(self) -> int:
        """Number of pixels whose depth was measured."""
        return int(measured(self.depth).sum())

    def pixels(self) -> np.ndarray:
        """Give the pixel of each point of the scene, [V, 2] int64: row and column."""
        return np.argwhere(measured(self.depth))

    def painted(self, values: np.ndarray, nothing: int) -> np.ndarray:
        """Lay values [V] of the points on the image [H, W]; `nothing` elsewhere."""
        image = np.full(self.depth.shape, nothing, values.dtype)
        image[measured(self.depth)] = values
        return image
