"""Gradients and short trainings of small networks."""

import keras
import numpy as np
import tensorflow as tf


def trained(model, batch, steps, epochs, rate):
    """The history of `fit` on one batch, again and again."""
    model.compile(keras.optimizers.Adam(rate))
    model.optimizer.build(model.trainable_variables)  # else `fit` traces twice
    repeated = tf.data.Dataset.from_tensors(batch).repeat(steps)
    return model.fit(repeated, epochs=epochs, verbose=0, shuffle=False).history


def terms_and_gradients(model, batch, training=True):
    """Loss terms and the gradient of each trainable weight; leaves the model alone."""
    before = model.get_weights()
    with tf.GradientTape() as tape:
        terms = model.loss_terms(model.learn(batch, training), batch)
        loss = tf.add_n(list(terms.values()))
    weights = model.trainable_weights
    found = tape.gradient(loss, weights)
    assert all(np.isfinite(value).all() for value in model.get_weights())
    model.set_weights(before)
    return terms, {w.path: g for w, g in zip(weights, found, strict=True)}


def assert_every_weight_moves(gradients):
    assert len(gradients) > 20
    dead = [
        path
        for path, gradient in gradients.items()
        if gradient is None or not np.abs(gradient.numpy()).max() > 0
    ]
    assert not dead
