"""A small network for images that is trained on the classes of their pixels.

It stands in for one of ImageNet where no weights of that are at hand.
"""

import dataclasses as dc
from typing import Any, Self

import keras
import tensorflow as tf

from gspn_tf import config as config_lib
from gspn_tf.config import AlexNetConfig
from gspn_tf.image.alexnet import AlexNet
from gspn_tf.nn.mlp import dense


@keras.saving.register_keras_serializable("gspn_tf")
class PixelClassifier(keras.Model):
    """An AlexNet and a layer that gives each pixel of its map a class.

    Args:
        num_classes: With the background.
        config: Of the AlexNet; default: `AlexNetConfig.narrow()`.

    Input: images [B, H, W, 3] of any number type, RGB, 0..255. Output: float32 logits
    [B, H', W', num_classes], one for each pixel of the features of `network`.
    """

    def __init__(
        self, num_classes: int, config: AlexNetConfig | None = None, **kwargs: Any
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        config = config or AlexNetConfig.narrow()
        self.network = AlexNet(config, dtype=self.dtype_policy)
        self.class_output = dense(num_classes, config.units[-1])
        self.built = True

    def call(self, images: tf.Tensor) -> tf.Tensor:
        return self.class_output(tf.cast(self.network(images), tf.float32))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, for Keras's serialisation."""
        return super().get_config() | {
            "num_classes": self.class_output.units,
            "config": dc.asdict(self.network.config),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the model of what `get_config` returned."""
        own = config_lib.from_dict(AlexNetConfig, config["config"])
        return cls(**config | {"config": own})

    def get_build_config(self) -> None:
        """Return nothing: the constructor makes all weights."""
        return None
