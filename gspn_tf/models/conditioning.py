"""What the networks of a seed see of its surroundings besides, or less than, them."""

from collections.abc import Callable

import keras
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.nn.layers import SharedMLP
from gspn_tf.nn.pyramid import Context, build_context


class WithoutSemantics(keras.layers.Layer):
    """Context features alone (section 3.1)."""

    width = 0

    def call(self, context, semantics):
        return context


class WithSemantics(keras.layers.Layer):
    """The semantic feature of the seed, then its context's (model_rpointnet.py:388).

    pass_on: what the semantic feature goes through: `tf.stop_gradient` or
    `tf.identity`.
    """

    def __init__(self, width: int, pass_on: Callable, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.width, self.pass_on = width, pass_on

    def call(self, context, semantics):
        return tf.concat([self.pass_on(semantics), context], axis=-1)


def condition(config: GSPNConfig) -> WithoutSemantics | WithSemantics:
    """What the conditional networks of a config see besides the context."""
    if not config.semantic_conditioning:
        return WithoutSemantics()
    pass_on = tf.stop_gradient if config.detach_semantics else tf.identity
    return WithSemantics(config.backbone.propagation_units[-1][-1], pass_on)


class WholeContext(keras.layers.Layer):
    """The generator sees the context features as they are (section 3.1)."""

    def __init__(self, width: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.width = width

    def call(self, context, training=False):
        return context


class ReducedContext(keras.layers.Layer):
    """The generator sees them through a layer of its own (model_rpointnet.py:399)."""

    def __init__(self, units: int, channels: int, variance: str, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.width = units
        self.mlp = SharedMLP((units,), (channels,), variance)
        self.built = True

    def call(self, context, training=False):
        return self.mlp(context, training=training)


def generator_context(
    config: GSPNConfig, channels: int
) -> WholeContext | ReducedContext:
    """How the generator of a config sees context features of so many channels."""
    units = config.generator_context_units
    if not units:
        return WholeContext(channels)
    return ReducedContext(units, channels, config.flat_variance)


def around_seeds(batch, look, centers, config: GSPNConfig) -> Context:
    """The spheres of the seeds, as the centre prediction saw them (section 3.1)."""
    return look.context


def around_centers(batch, look, centers, config: GSPNConfig) -> Context:
    """Spheres around the predicted centres [B, S, 3]."""
    return build_context(batch, look.pyramid, look.rows, config, centers)


SPHERES = {"seed": around_seeds, "center": around_centers}
