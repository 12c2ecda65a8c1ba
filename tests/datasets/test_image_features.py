"""Frames get the features of a network when they are prepared (section 4.3)."""

import dataclasses as dc
import json

import keras
import numpy as np
import pytest
import toy_frames
import weight_files
from command_line import error_of, gspn

from gspn_tf import files
from gspn_tf.config import AlexNetConfig
from gspn_tf.data.shards import read_scenes
from gspn_tf.datasets.image_features import add_image_features, read_image_network
from gspn_tf.datasets.reading import DataSet, SceneSource
from gspn_tf.datasets.rgbd import NYUV2
from gspn_tf.files.errors import ScanError
from gspn_tf.image.alexnet import AlexNet
from gspn_tf.image.pixel_classifier import PixelClassifier
from gspn_tf.image.weights.alexnet import caffe_table, read_alexnet

TINY = dc.replace(AlexNetConfig.narrow(), units=(4, 6, 6, 4, 5))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "features.keras"
    keras.utils.set_random_seed(0)
    PixelClassifier(3, TINY).save(path)
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nyuv2") / "source"
    toy_frames.write_source(folder)
    return folder / "labeled.mat"


def prepared(source, output, *flags):
    assert not gspn("prepare", "nyuv2", "--source", source, "--output", output, *flags)
    return json.loads((output / "manifest.json").read_text())


def test_frames_have_the_features_of_the_network(network, source, tmp_path):
    manifest = prepared(
        source, tmp_path / "data", "--image_features", network, "--jobs", 1
    )
    about = manifest["options"]["image_features"]
    assert about == {"sha256": files.sha256(network), "channels": 5}
    model = keras.saving.load_model(network).network
    colors = toy_frames.frames()["color"]
    for scene in read_scenes(tmp_path / "data", "train", images=True):
        number = int(scene.name) - 1
        assert np.array_equal(scene.image.color, colors[number])
        wanted = model(colors[number][None])[0].numpy()
        assert wanted.shape == (3, 4, 5) and wanted.any()
        np.testing.assert_allclose(scene.image.features, wanted, rtol=2e-3, atol=2e-3)


def test_other_frames_are_what_they_were(network, source, tmp_path):
    plain = prepared(source, tmp_path / "plain", "--jobs", 1)
    assert "image_features" not in plain["options"]
    given = "--image_features", network, "--jobs", 1
    prepared(source, tmp_path / "data", *given)
    pairs = zip(
        read_scenes(tmp_path / "plain", "test", images=True),
        read_scenes(tmp_path / "data", "test", images=True),
        strict=True,
    )
    for one, other in pairs:
        assert one.image.features is None
        assert np.array_equal(one.points, other.points)
        assert np.array_equal(one.image.color, other.image.color)


@pytest.mark.slow
def test_several_processes_write_the_same(network, source, tmp_path):
    found = [
        prepared(source, tmp_path / str(n), "--image_features", network, "--jobs", n)
        for n in (1, 2)
    ]
    assert found[0] == found[1]


@pytest.mark.slow
def test_published_weights_are_read(tmp_path):
    path = tmp_path / "bvlc_alexnet.npy"
    random, layers = AlexNet(), {}
    for weight in caffe_table(random):
        (name,) = weight.sources
        layers.setdefault(name.split("[")[0], []).append(weight.variable.numpy())
    weight_files.write_caffe(path, layers)
    image = toy_frames.frames()["color"][:1]
    found = read_image_network(path)(image)
    assert found.shape == (1, 3, 4, 256)
    assert np.array_equal(found, read_alexnet(path)(image))
    assert np.array_equal(found, random(image))


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("net.keras", b"no zip", "is not a readable Keras file"),
        ("net.npy", b"nothing", "net.npy"),
        ("net.pth", b"nothing", "net.pth"),
    ],
)
def test_a_damaged_network_is_one_line_before_all_work(
    name, content, message, source, tmp_path, capsys
):
    (tmp_path / name).write_bytes(content)
    assert gspn(
        "prepare", "nyuv2", "--source", source, "--output", tmp_path / "data",
        "--image_features", tmp_path / name,
    ) == 1  # fmt: skip
    assert message in error_of(capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_a_missing_or_unfit_network_is_one_line(network, source, tmp_path, capsys):
    given = "--output", tmp_path / "data", "--image_features"
    assert gspn("prepare", "nyuv2", "--source", source, *given, tmp_path / "no") == 1
    assert f"--image_features: no file {tmp_path / 'no'}" in error_of(capsys)
    assert gspn("prepare", "views", *given, tmp_path / "no") == 1
    assert "no file" in error_of(capsys)
    cloud = tmp_path / "clouds" / "a.pcd"
    toy_frames.write_pcd(cloud, np.array([1, 1, 20]))
    assert gspn("prepare", "nyuv2", "--source", cloud, *given, network) == 1
    assert "PCD frames are points alone" in error_of(capsys)
    keras.Sequential([keras.Input([2]), keras.layers.Dense(2)]).save(
        tmp_path / "other.keras"
    )
    with pytest.raises(ScanError, match="must hold an AlexNet or PixelClassifier, not"):
        read_image_network(tmp_path / "other.keras")


def test_features_that_float16_cannot_hold_are_an_error(network, source, tmp_path):
    prepared(source, tmp_path / "data", "--jobs", 1)
    (scene,) = read_scenes(tmp_path / "data", "test", images=True)
    model = keras.saving.load_model(network)
    model.network.convolutions[-1].bias.assign([1e6] * 5)
    model.save(tmp_path / "large.keras")
    sources = {"test": [SceneSource(scene.name)]}
    data = DataSet("nyuv2", NYUV2, sources, lambda source: scene)
    finish = add_image_features(data, tmp_path / "large.keras").finish
    with pytest.raises(ValueError, match="large.keras are beyond float16"):
        finish(scene)
    with pytest.raises(ValueError, match="there is no image to see"):
        finish(dc.replace(scene, image=None))
