"""Trained networks of any kind on the labelled scenes of data folders.

A network on points sees the points of a scene, and the features of its image where it
is made for such; a Mask R-CNN sees the image alone.
"""

from pathlib import Path
from typing import Protocol

from gspn_tf.config import DataConfig
from gspn_tf.data import manifest, shards
from gspn_tf.data.scene import Scene
from gspn_tf.image.lifting import segment_points
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.inference.depth_image import as_segmentation
from gspn_tf.inference.graph import InstanceNetwork
from gspn_tf.inference.segmenter import Segmentation, Segmenter


class SceneSegmenter(Protocol):
    """A network that finds the instances of scenes, as rows of their points."""

    @property
    def sees_images(self) -> bool:
        """Whether scenes must be read with their images."""

    def check_split(self, directory: str | Path, split: str) -> None:
        """Raise ValueError unless the scenes of a split have what it sees."""

    def segment(self, scene: Scene, seed: int = 0) -> Segmentation:
        """Find the instances of a scene; the seed is of the points that it sees.

        Raises:
            ValueError: The scene lacks what it sees.
        """


class PointSceneSegmenter:
    """A network on points, as `Segmenter` has it."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter

    @property
    def sees_images(self) -> bool:
        """Whether it sees image features."""
        return self.segmenter.image_features > 0

    def check_split(self, directory: str | Path, split: str) -> None:
        """Compare the channels of the image features, where it sees such."""
        if channels := self.segmenter.image_features:
            manifest.check_image_features(directory, channels)

    def segment(self, scene: Scene, seed: int = 0) -> Segmentation:
        """See the points, and their image features where it sees such."""
        image = scene.image if self.sees_images else None
        return self.segmenter.segment(scene.points, scene.colors, seed, image)


class ImageSceneSegmenter:
    """A Mask R-CNN, whose masks are lifted to the points of a frame."""

    sees_images = True

    def __init__(self, model: MaskRCNN) -> None:
        self.model = model

    def check_split(self, directory: str | Path, split: str) -> None:
        """Look for the image of the first scene."""
        shards.find_scenes(directory, split).check_images()

    def segment(self, scene: Scene, seed: int = 0) -> Segmentation:
        """See the image."""
        if scene.image is None:
            raise ValueError(f"scene {scene.name} has no image, which Mask R-CNN sees")
        return as_segmentation(segment_points(self.model, scene.image), scene.points)


def scene_segmenter(
    model: InstanceNetwork | MaskRCNN, data: DataConfig
) -> SceneSegmenter:
    """Make the segmenter of a network.

    Args:
        model: A trained network.
        data: What it sees of points.

    Raises:
        ValueError: A network that makes no instances, as a GSPN.
    """
    if isinstance(model, MaskRCNN):
        return ImageSceneSegmenter(model)
    return PointSceneSegmenter(Segmenter.from_config(model, data))
