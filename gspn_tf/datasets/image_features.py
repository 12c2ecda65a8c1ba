"""Features of images for a data set of single frames (section 4.3 of the paper).

A network gives each frame a map, once, while the data folder is written. It runs in the
process that writes: those that read scenes know no TensorFlow.
"""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gspn_tf import files
from gspn_tf.data.manifest import FEATURES_OPTION
from gspn_tf.data.scene import Scene
from gspn_tf.datasets.reading import DataSet
from gspn_tf.files.errors import ScanError, naming_file
from gspn_tf.image.alexnet import AlexNet
from gspn_tf.image.pixel_classifier import PixelClassifier
from gspn_tf.image.weights.alexnet import read_alexnet

_HALF = float(np.finfo(np.float16).max)


def read_image_network(path: str | Path) -> AlexNet:
    """Load the network of a file, to be run and not trained.

    Args:
        path: A `.keras` file of `gspn train-image`, or what `read_alexnet` takes.

    Raises:
        ScanError: It cannot be read, or is of another network. Nothing that it names is
            run.
    """
    if Path(path).suffix != ".keras":
        return read_alexnet(path)
    with naming_file(path, "Keras", KeyError, TypeError, AttributeError):
        model = keras.saving.load_model(path, compile=False)
    if isinstance(model, PixelClassifier):
        model = model.network
    if not isinstance(model, AlexNet):
        kind = type(model).__name__
        raise ScanError(f"{path} must hold an AlexNet or PixelClassifier, not {kind}")
    model.trainable = False
    return model


def add_image_features(data: DataSet, path: str | Path) -> DataSet:
    """Let every scene's image have the features of a network.

    Args:
        data: A data set of single frames.
        path: Of the network, see `read_image_network`.

    Raises:
        ScanError: see `read_image_network`.
    """
    network = read_image_network(path)
    run = tf.function(network, autograph=False, reduce_retracing=True)

    def finish(scene: Scene) -> Scene:
        if scene.image is None:
            raise ValueError("it is no single frame: there is no image to see")
        found = run(tf.constant(scene.image.color[None]))[0].numpy()
        if not np.abs(found).max() <= _HALF:
            raise ValueError(f"image features of {path} are beyond float16")
        image = dataclasses.replace(scene.image, features=found.astype(np.float16))
        return dataclasses.replace(scene, image=image)

    about = {"sha256": files.sha256(path), "channels": network.config.units[-1]}
    options = {**data.options, FEATURES_OPTION: about}
    return dataclasses.replace(data, options=options, finish=finish)
