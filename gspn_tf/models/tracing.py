"""Weights of a model before it has seen a batch."""

import keras
import tensorflow as tf

# A batch as gspn_tf.data.load gives it, of any size.
BATCH = {
    "points": tf.TensorSpec([None, None, 3], tf.float32),
    "colors": tf.TensorSpec([None, None, 3], tf.float32),
    "num_points": tf.TensorSpec([None], tf.int32),
    "targets": {
        "semantic": tf.TensorSpec([None, None], tf.int32),
        "instance": tf.TensorSpec([None, None], tf.int32),
        "shapes": tf.TensorSpec([None, None, None, 3], tf.float32),
        "boxes": tf.TensorSpec([None, None, 6], tf.float32),
        "classes": tf.TensorSpec([None, None], tf.int32),
        "valid": tf.TensorSpec([None, None], tf.bool),
    },
}


def create_weights(model: keras.Model) -> keras.Model:
    """Trace a training step's forward pass, which runs nothing; the same model.

    Keras creates weights when it first sees the shape of an input. Loading a file of
    them, or counting them, needs them before that.
    """
    step = tf.function(lambda batch: model(batch, training=True))
    step.get_concrete_function(BATCH)
    return model
