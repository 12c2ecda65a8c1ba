"""AlexNet is what its description says, and takes published weights."""

import dataclasses as dc

import keras
import numpy as np
import pytest
import weight_files

from gspn_tf.config import AlexNetConfig
from gspn_tf.files.errors import ScanError
from gspn_tf.image.alexnet import AlexNet
from gspn_tf.image.weights.alexnet import read_alexnet

NARROW = AlexNetConfig(units=(4, 6, 6, 4, 8))
RNG = np.random.default_rng(0)


def naive_convolution(image, kernel, bias, stride, padding, groups):
    """ReLU of the convolution of an image [H, W, C], window by window."""
    image = np.pad(image, [(padding, padding)] * 2 + [(0, 0)])
    size, _, channels, units = kernel.shape
    height, width = ((side - size) // stride + 1 for side in image.shape[:2])
    output = np.zeros((height, width, units))
    for y, x, unit in np.ndindex(output.shape):
        first = unit // (units // groups) * channels
        window = image[y * stride :, x * stride :, first : first + channels]
        window = window[:size, :size]
        output[y, x, unit] = (window * kernel[..., unit]).sum() + bias[unit]
    return np.maximum(output, 0)


def naive_response(x, radius=2, alpha=2e-5, beta=0.75):
    output = np.zeros_like(x)
    for c in range(x.shape[-1]):
        near = x[..., max(0, c - radius) : c + radius + 1]
        output[..., c] = x[..., c] / (1 + alpha * (near**2).sum(-1)) ** beta
    return output


def naive_pooling(x, padded):
    sides = x.shape[:2]
    out = [-(-side // 2) if padded else (side - 3) // 2 + 1 for side in sides]
    extra = [max(0, (n - 1) * 2 + 3 - side) for n, side in zip(out, sides, strict=True)]
    around = [(e // 2, e - e // 2) for e in extra]
    x = np.pad(x, [*around, (0, 0)], constant_values=-np.inf)
    windows = [[x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] for j in range(out[1])]
               for i in range(out[0])]  # fmt: skip
    return np.array([[w.max((0, 1)) for w in row] for row in windows])


def naive(config, weights, image):
    x = image[..., ::-1] if config.color_order == "bgr" else image
    x = (x - np.array(config.mean)) / np.array(config.deviation)
    for i in range(5):
        size, stride = config.sizes[i], 1 if i else config.stride
        padding = size // 2 if i else config.padding
        kernel, bias = weights[2 * i : 2 * i + 2]
        x = naive_convolution(x, kernel, bias, stride, padding, config.groups[i])
        if i < 2:
            x = naive_response(x) if config.normalized else x
            x = naive_pooling(x, config.pooling_padded)
    return x


NARROW_TORCH = dc.replace(AlexNetConfig.torchvision(), units=(4, 6, 6, 4, 8))


@pytest.mark.parametrize(
    "config, size, expected",
    [(NARROW, (13, 10), (4, 3)), (NARROW_TORCH, (65, 70), (3, 3))],
    ids=["sgpn", "torchvision"],
)
def test_features_are_those_of_a_naive_network(config, size, expected):
    model = AlexNet(config)
    for weight in model.weights:
        weight.assign(RNG.normal(size=weight.shape) * 0.1)
    image = RNG.integers(0, 256, (*size, 3)).astype(np.uint8)
    found = model(image[None]).numpy()[0]
    reference = naive(config, model.get_weights(), image.astype(np.float64))
    assert found.shape == reference.shape == (*expected, 8)
    assert reference.max() > 0.1
    np.testing.assert_allclose(found, reference, atol=1e-5 * reference.max())


def test_the_network_of_the_release():
    model = AlexNet()
    shapes = [tuple(layer.kernel.shape) for layer in model.convolutions]
    assert shapes == [
        (11, 11, 3, 96),
        (5, 5, 48, 256),
        (3, 3, 256, 384),
        (3, 3, 192, 384),
        (3, 3, 192, 256),
    ]
    assert model(np.zeros((1, 24, 32, 3), np.uint8)).shape == (1, 6, 8, 256)


def caffe_layers(model):
    layers = {
        f"conv{i}": [layer.kernel.numpy() + 1, layer.bias.numpy() + i]
        for i, layer in enumerate(model.convolutions, start=1)
    }
    return layers | {"fc6": [np.zeros((8, 2), np.float32), np.zeros(2, np.float32)]}


def torch_tensors(model):
    tensors = {"classifier.1.weight": np.zeros((2, 8), np.float32)}
    for number, layer in zip((0, 3, 6, 8, 10), model.convolutions, strict=True):
        kernel = np.ascontiguousarray(layer.kernel.numpy().transpose(3, 2, 0, 1))
        tensors[f"features.{number}.weight"] = kernel + 1
        tensors[f"features.{number}.bias"] = layer.bias.numpy() + number
    return tensors


@pytest.fixture
def narrow(monkeypatch):
    """Both published networks, narrow, of random weights."""
    monkeypatch.setattr("gspn_tf.image.weights.alexnet.AlexNetConfig", Narrow)


class Narrow:
    """Stands for the class of configs."""

    torchvision = staticmethod(lambda: NARROW_TORCH)

    def __new__(cls):
        return NARROW


@pytest.mark.parametrize("layout", ["caffe", "torch", "legacy torch"])
def test_published_weights(layout, narrow, tmp_path):
    model = AlexNet(NARROW if layout == "caffe" else NARROW_TORCH)
    if layout == "caffe":
        path = tmp_path / "bvlc_alexnet.npy"
        weight_files.write_caffe(path, caffe_layers(model))
    else:
        write = {
            "torch": weight_files.write_torch,
            "legacy torch": weight_files.write_legacy_torch,
        }[layout]
        path = write(tmp_path / "alexnet.pth", torch_tensors(model))
    found = read_alexnet(path)
    assert found.config == model.config and not found.trainable_weights
    numbers = (1, 2, 3, 4, 5) if layout == "caffe" else (0, 3, 6, 8, 10)
    layers = zip(numbers, found.convolutions, model.convolutions, strict=True)
    for number, new, old in layers:
        np.testing.assert_array_equal(new.kernel, old.kernel.numpy() + 1)
        np.testing.assert_array_equal(new.bias, old.bias.numpy() + number)


def test_what_does_not_fit_is_listed(narrow, tmp_path):
    layers = caffe_layers(AlexNet(NARROW))
    del layers["conv2"]
    layers["conv3"][0] = layers["conv3"][0][:, :, :1]
    layers["conv4"][1][1] = np.nan
    layers["norm7"] = [np.zeros(3)]
    path = tmp_path / "bvlc_alexnet.npy"
    weight_files.write_caffe(path, layers)
    with pytest.raises(ScanError) as error:
        read_alexnet(path)
    assert str(error.value) == (
        f"{path} does not fit the network: missing: conv2[0], conv2[1]; of another "
        "shape: conv3[0] [3, 3, 1, 6] for [3, 3, 6, 6]; not finite: conv4[1]; unknown: "
        "norm7[0]"
    )


def test_a_saved_network_is_the_same(tmp_path):
    model = AlexNet(NARROW_TORCH)
    image = RNG.integers(0, 256, (1, 64, 64, 3)).astype(np.uint8)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.config == NARROW_TORCH
    np.testing.assert_array_equal(model(image), again(image))


def test_half_precision_is_near():
    exact, half = AlexNet(NARROW), AlexNet(NARROW, dtype="mixed_bfloat16")
    half.set_weights(exact.get_weights())
    image = RNG.integers(0, 256, (1, 16, 16, 3)).astype(np.uint8)
    expected, found = exact(image).numpy(), half(image)
    assert found.dtype == "bfloat16"
    error = np.abs(np.float32(found) - expected).max()
    assert 0 < error < 0.05 * expected.max()
