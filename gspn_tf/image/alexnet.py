"""AlexNet up to its fifth convolution, for features of pixels.

The paper concatenates them to the semantic features of points (section 4.3), and
SGPN-CNN does the like.
"""

import dataclasses as dc
from typing import Any, Self

import keras
import tensorflow as tf

from gspn_tf import config as config_lib
from gspn_tf.config import AlexNetConfig
from gspn_tf.image.convolution import Convolution

_POOLED = (0, 1)  # layers that normalisation and pooling follow
# Local response normalisation of SGPN's release, models/alexnet.py; TensorFlow's radius
# is half the window.
_RESPONSE = {"depth_radius": 2, "alpha": 2e-5, "beta": 0.75, "bias": 1.0}


@keras.saving.register_keras_serializable("gspn_tf")
class AlexNet(keras.Model):
    """Features of the fifth convolution, after its ReLU.

    Input: images [B, H, W, 3] of any number type, RGB, 0..255. Output: float features
    [B, H', W', 256], where H' is about H / 4 (H / 16 of `AlexNetConfig.torchvision`).
    """

    def __init__(self, config: AlexNetConfig | None = None, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        c = self.config = config or AlexNetConfig()
        widths = [3, *c.units]
        self.convolutions = [
            Convolution(
                c.units[i],
                c.sizes[i],
                widths[i],
                stride=1 if i else c.stride,
                padding=None if i else c.padding,
                groups=c.groups[i],
                dtype=self.dtype_policy,
            )
            for i in range(5)
        ]
        self.respond = normalize_responses if c.normalized else tf.identity
        self.pooling = "SAME" if c.pooling_padded else "VALID"
        self.built = True

    def call(self, images: tf.Tensor) -> tf.Tensor:
        x = self.normalize(images)
        for i, convolve in enumerate(self.convolutions):
            x = tf.nn.relu(convolve(x))
            if i in _POOLED:
                x = tf.nn.max_pool2d(self.respond(x), 3, 2, self.pooling)
        return x

    def normalize(self, images: tf.Tensor) -> tf.Tensor:
        """Images in the order and the range that the network was trained on."""
        x = tf.cast(images, tf.float32)
        x = x[..., ::-1] if self.config.color_order == "bgr" else x
        return (x - self.config.mean) / self.config.deviation

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, for Keras's serialisation."""
        return super().get_config() | {"config": dc.asdict(self.config)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the model of what `get_config` returned."""
        own = config_lib.from_dict(AlexNetConfig, config["config"])
        return cls(**config | {"config": own})

    def get_build_config(self) -> None:
        """Return nothing: the constructor makes all weights."""
        return None


def normalize_responses(x: tf.Tensor) -> tf.Tensor:
    """Local response normalisation of features [B, H, W, C] over their channels."""
    # TensorFlow has none in bfloat16.
    return tf.cast(tf.nn.lrn(tf.cast(x, tf.float32), **_RESPONSE), x.dtype)
