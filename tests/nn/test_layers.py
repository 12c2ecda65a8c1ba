"""Laws of every layer; parity/layers.py compares them with recorded values."""

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.nn import convolution, layers, products
from gspn_tf.nn.pyramid import Context, Interpolation, Level


def tensor(*shape, seed=0):
    """Normal numbers, float32."""
    return tf.random.stateless_normal(shape, [seed, len(shape)])


def integers(limit, *shape):
    return tf.random.stateless_uniform(shape, [7, 7], 0, limit, tf.int32)


def randomize(layer):
    """Batch statistics and scales as they are after some training."""
    for i, weight in enumerate(layer.weights):
        if "kernel" not in weight.path:
            noise = tf.random.stateless_uniform(weight.shape, [i, 1], 0.5, 1.5)
            weight.assign(noise)
    return layer


def unknown(value: tf.Tensor) -> tf.TensorSpec:
    """Its signature with sizes unknown but those of channels, sets and images."""
    known = {4: 1, 2: 1 if value.dtype.is_floating else 2, 3: 2, 1: 1}[value.shape.rank]
    sizes = [None if axis < known else n for axis, n in enumerate(value.shape)]
    return tf.TensorSpec(sizes, value.dtype)


def check_layer(layer, inputs):
    """Checks the laws of every layer.

    A layer gives the same result in a graph of unknown sizes, with a shape that agrees,
    and a gradient for every weight in a training step.
    """
    eager = layer(*inputs)
    traced = tf.function(layer).get_concrete_function(
        *tf.nest.map_structure(unknown, inputs)
    )
    graph = traced(*tf.nest.flatten(inputs))
    shapes = tf.nest.flatten(traced.structured_outputs)
    for a, b, symbolic in zip(
        tf.nest.flatten(graph), tf.nest.flatten(eager), shapes, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
        assert symbolic.shape.is_compatible_with(b.shape)
        assert symbolic.dtype == b.dtype

    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(layer(*inputs, training=True))
        loss = tf.add_n([tf.reduce_sum(x * tensor(*x.shape)) for x in outputs])
    gradients = tape.gradient(loss, layer.trainable_weights)
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.abs(gradient.numpy()).max() > 0, weight.path


def surroundings():
    """The context of seven seeds at two scales, and the origin of its coordinates."""
    seeds = tensor(2, 7, 3, seed=2)
    context = Context(
        points=tensor(2, 40, 3),
        seeds=seeds,
        colors=tensor(2, 40, 3, seed=1),
        seed_colors=tensor(2, 7, 3, seed=3),
        neighbors=(integers(40, 2, 7, 4), integers(40, 2, 7, 8)),
        counts=(tf.fill([2, 7], 4), tf.constant([[8] * 6 + [0]] * 2)),
        rows=tf.tile(tf.range(40)[None], [2, 1]),
    )
    return context, seeds + tensor(2, 7, 3, seed=4)


def test_the_context_of_a_sphere_without_points_is_zero():
    layer = randomize(layers.ContextEncoder(2, (6, 7)))
    found = layer(*surroundings()).numpy()
    assert found[:, 6, :7].any() and found[:, :6, 7:].any()
    assert not found[:, 6, 7:].any()


LEVEL = Level(tensor(2, 6, 3, seed=1), tf.fill([2], 6), integers(20, 2, 6, 4))
TABLE = Interpolation(integers(6, 2, 20, 3), tf.nn.softmax(tensor(2, 20, 3)))
CASES = {
    "norm": (layers.BatchNorm(4), [tensor(2, 7, 4)]),
    "mlp": (layers.SharedMLP((5, 3), (4,)), [tensor(2, 6, 4)]),
    "abstraction": (
        layers.SetAbstraction((6, 7), 5),
        [tensor(2, 20, 3), LEVEL, tensor(2, 20, 5, seed=2)],
    ),
    "propagation": (
        layers.FeaturePropagation((6, 7), 4, 5),
        [tensor(2, 6, 4), TABLE, tensor(2, 20, 5, seed=2)],
    ),
    "context": (layers.ContextEncoder(2, (6, 7)), surroundings()),
    "transposed": (convolution.TransposedConv(5, 4, 2, 4), [tensor(2, 3, 3, 4)]),
    "gaussian": (layers.GaussianMLP((6,), 3, 4), [tensor(2, 5, 4)]),
}


@pytest.mark.parametrize("name", CASES)
def test_laws(name):
    check_layer(*CASES[name])


def test_offsets_may_be_in_units_of_the_radius():
    metres = randomize(layers.SetAbstraction((6, 7), 5))
    radii = layers.SetAbstraction((6, 7), 5, unit=0.25)
    radii.set_weights(metres.get_weights())
    points, level, features = CASES["abstraction"][1]
    larger = level._replace(points=4 * level.points)
    np.testing.assert_allclose(
        radii(points, level, features), metres(4 * points, larger, features), rtol=1e-5
    )


def test_statistics_rest_in_a_layer_that_is_frozen():
    norm = randomize(layers.BatchNorm(6))
    norm.trainable = False
    before = [weight.numpy() for weight in norm.weights]
    np.testing.assert_array_equal(norm(tensor(4, 6), training=True), norm(tensor(4, 6)))
    for weight, value in zip(norm.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_gaussian_clips_the_log_variance():
    layer = layers.GaussianMLP((6,), 3, 4)
    layer.output_layer.bias.assign([50.0, -50, 50, 50, -50, 0])
    mean, log_variance = layer(0.01 * tensor(2, 5, 4))
    np.testing.assert_allclose(mean[0, 0], [50, -50, 50], atol=1)
    np.testing.assert_allclose(log_variance[0, 0], [1, -10, 0], atol=0.1)


@pytest.mark.parametrize("size, stride", [(1, 1), (3, 2), (4, 2), (2, 3)])
@pytest.mark.parametrize("height, width", [(1, 1), (2, 3)])
def test_transposed_convolution(height, width, size, stride):
    layer = convolution.TransposedConv(5, size, stride, 4)
    x = tensor(2, height, width, 4)
    shape = [2, (height - 1) * stride + size, (width - 1) * stride + size, 5]
    kernel = tf.convert_to_tensor(layer.kernel)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, kernel])
        found = layer(x)
        expected = tf.nn.conv2d_transpose(x, kernel, shape, stride, "VALID")
        assert found.shape == expected.shape
        weights = tensor(*shape, seed=3)
        found_loss = tf.reduce_sum(found * weights)
        expected_loss = tf.reduce_sum(expected * weights)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    ours = tape.gradient(found_loss, [x, layer.kernel.value])
    theirs = tape.gradient(expected_loss, [x, kernel])
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("training", [False, True])
def test_half_precision_is_near(dtype, training):
    x, exact = tensor(2, 9, 4), layers.SharedMLP((8, 6), (4,))
    half = layers.SharedMLP((8, 6), (4,), dtype=f"mixed_{dtype}")
    half.set_weights(randomize(exact).get_weights())
    expected = exact(x, training=training, pooled=True)
    found = half(x, training=training, pooled=True)
    assert found.dtype == dtype
    np.testing.assert_allclose(tf.cast(found, "float32"), expected, atol=0.1)
    for ours, theirs in zip(half.get_weights(), exact.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.02)


@pytest.mark.parametrize("pooled", [False, True])
def test_gradients_are_those_of_the_plain_composition(pooled):
    mlp, x = randomize(layers.SharedMLP((8, 6), (4,))), tensor(2, 9, 4)

    def plain():
        y = x
        for kernel, norm in zip(mlp.kernels, mlp.norms, strict=True):
            y = tf.nn.relu(norm(tf.matmul(y, kernel), training=True))
        return tf.reduce_max(y, -2) if pooled else y

    found = []
    for function in (plain, lambda: mlp(x, training=True, pooled=pooled)):
        before = mlp.get_weights()
        with tf.GradientTape() as tape:
            y = function()
            loss = tf.reduce_sum(y * tensor(*y.shape))
        gradients = tape.gradient(loss, mlp.trainable_weights)
        found.append([y, *gradients, *mlp.get_weights()])
        mlp.set_weights(before)
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sets", [7, 0])
def test_chunks_give_the_whole(monkeypatch, sets):
    monkeypatch.setattr(products, "CHUNK", 10)
    x = tensor(2, sets, 4, 3)
    row = tf.TensorSpec([3], tf.float32)
    found = tf.function(products.in_chunks(products.maximum, 4, row))(x)
    np.testing.assert_array_equal(found, tf.reduce_max(x, 2))
