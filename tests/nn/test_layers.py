"""Layers against naive NumPy, and what every layer has to do."""

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.nn import layers
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
    """Its signature with every size unknown but that of channels and of images."""
    known = {4: 1, 2: 1, 3: 2}.get(value.shape.rank) if value.dtype.is_floating else 9
    sizes = [None if axis < known else n for axis, n in enumerate(value.shape)]
    return tf.TensorSpec(sizes, value.dtype)


def check_layer(layer, inputs):
    """What every layer promises.

    The same result in a graph of unknown sizes, with a shape that agrees; a gradient
    for every weight in a training step.
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
    return eager


def naive_norm(norm, x, training):
    mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
    if training:
        axes = tuple(range(x.ndim - 1))
        mean, variance = x.mean(axes), x.var(axes)
    scaled = (x - mean) / np.sqrt(variance + 1e-3)
    return scaled * norm.gamma.numpy() + norm.beta.numpy()


def naive_mlp(mlp, x, training):
    for kernel, norm in zip(mlp.kernels, mlp.norms, strict=True):
        x = np.maximum(naive_norm(norm, x @ kernel.numpy(), training), 0)
    return x


both_modes = pytest.mark.parametrize("training", [False, True])


@both_modes
@pytest.mark.parametrize("lead", [(9,), (2, 5), (2, 3, 4)])
def test_batch_norm_is_the_formula(lead, training):
    norm = randomize(layers.BatchNorm(6, momentum=0.75))
    x = 3 * tensor(*lead, 6) + 2
    expected = naive_norm(norm, x.numpy(), training)
    np.testing.assert_allclose(norm(x, training=training), expected, atol=1e-5)


@pytest.mark.parametrize("of_batch", [False, True])
def test_moving_statistics_are_those_of_a_sample_or_of_the_batch(of_batch):
    norm = randomize(layers.BatchNorm(6, momentum=0.75))
    norm.batch_variance = of_batch
    mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
    x = 3 * tensor(2, 5, 6) + 2
    norm(x, training=True)
    rows = x.numpy().reshape(-1, 6)
    np.testing.assert_allclose(
        norm.moving_mean, 0.75 * mean + 0.25 * rows.mean(0), rtol=1e-5
    )
    new = rows.var(0, ddof=0 if of_batch else 1)
    np.testing.assert_allclose(
        norm.moving_variance, 0.75 * variance + 0.25 * new, rtol=1e-5
    )


@pytest.mark.parametrize("trainable, training", [(True, False), (False, True)])
def test_statistics_rest_outside_of_training(trainable, training):
    norm = randomize(layers.BatchNorm(6))
    norm.trainable = trainable
    before = [weight.numpy() for weight in norm.weights]
    x = tensor(4, 6)
    expected = naive_norm(norm, x.numpy(), training=False)
    np.testing.assert_allclose(norm(x, training=training), expected, atol=1e-5)
    for weight, value in zip(norm.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_batch_norm_as_a_layer():
    check_layer(layers.BatchNorm(4), (tensor(2, 7, 4),))


@both_modes
def test_shared_mlp_is_dense_norm_relu(training):
    mlp = randomize(layers.SharedMLP((5, 3), (4,)))
    x = tensor(2, 6, 4)
    expected = naive_mlp(mlp, x.numpy(), training)
    np.testing.assert_allclose(mlp(x, training=training), expected, atol=1e-5)
    check_layer(mlp, (x,))


def test_project_and_activate_are_call():
    mlp = randomize(layers.SharedMLP((5, 3), (4,)))
    x = tensor(2, 6, 4)
    np.testing.assert_array_equal(mlp.activate(mlp.project(x)), mlp(x))


def test_parts_are_a_concatenation():
    mlp = layers.SharedMLP((5,), (2, 3, 4))
    whole = layers.SharedMLP((5,), (9,))
    whole.set_weights(mlp.get_weights())
    parts = [tensor(2, 6, width, seed=width) for width in (2, 3, 4)]
    total = tf.add_n([mlp.project(part, i) for i, part in enumerate(parts)])
    expected = whole.project(tf.concat(parts, -1))
    np.testing.assert_allclose(total, expected, atol=1e-5)


def level(batch=2, below=20, size=6, neighbors=4):
    return Level(
        tensor(batch, size, 3, seed=1),
        tf.fill([batch], size),
        integers(below, batch, size, neighbors),
    )


@both_modes
@pytest.mark.parametrize("channels", [0, 5])
def test_set_abstraction(channels, training):
    layer = randomize(layers.SetAbstraction((6, 7), channels))
    points, around = tensor(2, 20, 3), level()
    features = tensor(2, 20, channels, seed=2) if channels else None

    rows = np.arange(2)[:, None, None], around.neighbors.numpy()
    parts = [points.numpy()[rows] - around.points.numpy()[:, :, None]]
    if channels:
        parts.append(features.numpy()[rows])
    expected = naive_mlp(layer.mlp, np.concatenate(parts, -1), training).max(2)
    found = layer(points, around, features=features, training=training)
    assert found.shape == (2, 6, 7)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_set_abstraction_as_a_layer():
    layer = layers.SetAbstraction((6, 7), 5)
    check_layer(layer, (tensor(2, 20, 3), level(), tensor(2, 20, 5, seed=2)))


def table(batch=2, coarse=6, fine=20):
    weights = tf.random.stateless_uniform([batch, fine, 3], [3, 3])
    weights /= tf.reduce_sum(weights, -1, keepdims=True)
    return Interpolation(integers(coarse, batch, fine, 3), weights)


@both_modes
@pytest.mark.parametrize("channels", [0, 5])
def test_feature_propagation(channels, training):
    layer = randomize(layers.FeaturePropagation((6, 7), 4, channels))
    coarse, carry = tensor(2, 6, 4), table()
    skip = tensor(2, 20, channels, seed=2) if channels else None

    rows = np.arange(2)[:, None, None], carry.indices.numpy()
    parts = [(coarse.numpy()[rows] * carry.weights.numpy()[..., None]).sum(2)]
    if channels:
        parts.append(skip.numpy())
    expected = naive_mlp(layer.mlp, np.concatenate(parts, -1), training)
    found = layer(coarse, carry, skip=skip, training=training)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_feature_propagation_as_a_layer():
    layer = layers.FeaturePropagation((6, 7), 4, 5)
    check_layer(layer, (tensor(2, 6, 4), table(), tensor(2, 20, 5, seed=2)))


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


@both_modes
def test_context_encoder(training):
    layer = randomize(layers.ContextEncoder(2, (6, 7)))
    context, centers = surroundings()
    scales = []
    for mlp, near in zip(layer.scales, context.neighbors, strict=True):
        rows = np.arange(2)[:, None, None], near.numpy()
        local = context.points.numpy()[rows] - centers[:, :, None]
        colors = context.colors.numpy()[rows] - context.seed_colors[:, :, None]
        inputs = np.concatenate([colors, local], -1)
        scales.append(naive_mlp(mlp, inputs, training).max(2))
    scales[1][:, 6] = 0  # the sphere without points
    found = layer(context, centers, training=training)
    assert found.shape == (2, 7, layer.width) == (2, 7, 14)
    np.testing.assert_allclose(found, np.concatenate(scales, -1), atol=1e-4)


def test_context_encoder_as_a_layer():
    check_layer(layers.ContextEncoder(2, (6, 7)), surroundings())


def test_gaussian_clips_the_log_variance():
    layer = layers.GaussianMLP((6,), 3, 4)
    mean, log_variance = check_layer(layer, (tensor(2, 5, 4),))
    assert mean.shape == log_variance.shape == (2, 5, 3)
    layer.output_layer.bias.assign([50.0, -50, 50, 50, -50, 0])
    mean, log_variance = layer(0.01 * tensor(2, 5, 4))
    np.testing.assert_allclose(mean[0, 0], [50, -50, 50], atol=1)
    np.testing.assert_allclose(log_variance[0, 0], [1, -10, 0], atol=0.1)


@pytest.mark.parametrize(
    "size, stride", [(1, 1), (3, 1), (3, 2), (4, 2), (5, 2), (2, 3)]
)
@pytest.mark.parametrize("height, width", [(1, 1), (3, 3), (1, 4), (2, 3)])
def test_transposed_convolution(height, width, size, stride):
    layer = layers.TransposedConv(5, size, stride, 4)
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
    for a, b in (
        (tape.gradient(found_loss, x), tape.gradient(expected_loss, x)),
        (
            tape.gradient(found_loss, layer.kernel.value),
            tape.gradient(expected_loss, kernel),
        ),
    ):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_transposed_convolution_as_a_layer():
    check_layer(layers.TransposedConv(5, 4, 2, 4), (tensor(2, 3, 3, 4),))


@pytest.mark.parametrize("width", [3, 4])
def test_point_decoder_joins_its_branches(width):
    config = GSPNConfig(grid_units=(8, 6, 4), dense_units=(6,), num_dense_points=10)
    layer = layers.PointDecoder(config, 5, width)
    x = tensor(3, 5)
    check_layer(layer, (x,))
    cloud = layer(x)
    assert cloud.shape == (3, 266, width)
    assert layer.num_points == 266
    layer.dense_output.bias.assign_add(100 * tf.ones(10 * width))
    moved = layer(x)
    np.testing.assert_array_equal(moved[:, :256], cloud[:, :256])
    np.testing.assert_allclose(moved[:, 256:], cloud[:, 256:] + 100, atol=1e-3)


@pytest.fixture
def aligned():
    """Points, three boxes (some points, none, marked invalid) and their regions."""
    points = tensor(2, 60, 3)
    box = tf.constant([[0.2, 0, 0, 2, 2, 2], [50, 0, 0, 1, 1, 1], [0, 0, 0, 3, 3, 3.0]])
    boxes = tf.stack([box, box])
    valid = tf.constant([[True, True, False]] * 2)
    layer = layers.PointRoIAlign(30, margin=0.05)

    def call(seed):
        return layer(points, boxes, valid, tf.constant([60, 20]), tf.constant(seed))

    return points, boxes, call


def test_regions_lie_in_their_boxes(aligned):
    points, boxes, call = aligned
    regions = call([1, 2])
    assert regions.indices.shape == (2, 3, 30)
    np.testing.assert_array_equal(regions.valid, [[True, False, False]] * 2)
    assert regions.indices.numpy()[1].max() < 20  # never padding
    inside = tf.gather(points, regions.indices[:, 0], batch_dims=1)
    far = tf.abs(inside - boxes[:, :1, :3]) - boxes[:, :1, 3:] / 2
    assert far.numpy().max() <= 0.05 + 1e-6
    assert len(np.unique(regions.indices[0, 0])) > 5


def test_regions_depend_on_the_seed(aligned):
    _, _, call = aligned
    first, again, other = (
        call(seed).indices.numpy() for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_regions_in_a_graph(aligned):
    _, _, call = aligned
    traced = tf.function(lambda: call([1, 2]))()
    np.testing.assert_array_equal(traced.indices, call([1, 2]).indices)
