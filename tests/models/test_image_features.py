"""Networks that see image features learn what nothing else tells (section 4.3)."""

import dataclasses as dc
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
import toy_views
from learning import terms_and_gradients

from gspn_tf import models
from gspn_tf.config import SemanticConfig
from gspn_tf.data import load
from gspn_tf.inference.segmenter import Segmenter

SCENES = [toy_views.frame(seed) for seed in range(6)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "data"
    toy_views.write_folder(path, train=SCENES)
    return str(path)


def batches(folder, size=6, channels=toy_views.CHANNELS):
    data = dc.replace(toy_views.DATA, augmentation=toy_views.AUGMENTATION)
    return load(folder, "train", data, batch_size=size, training=True, seed=0,
                image_features=channels)  # fmt: skip


@pytest.fixture(scope="module")
def batch(folder):
    return next(iter(batches(folder)))


@functools.cache
def accuracy(channels: int, folder: str) -> float:
    """Share of the points of unseen draws whose class a short training learns."""
    keras.utils.set_random_seed(0)
    model = models.build(SemanticConfig.of(toy_views.rpointnet(channels).proposal))
    model.compile(keras.optimizers.Adam(1e-2))
    steps = batches(folder, 3, channels).repeat(30)
    model.fit(steps, epochs=1, steps_per_epoch=60, verbose=0, shuffle=False)
    batch = next(iter(batches(folder, 6, channels)))
    found = np.argmax(model(batch).semantic_logits, -1)
    return (found == batch["targets"]["semantic"].numpy()).mean()


def test_classes_that_only_features_tell_are_learnt_with_them_alone(folder):
    assert accuracy(toy_views.CHANNELS, folder) > 0.85
    assert accuracy(0, folder) < 0.75


def without_features(config):
    """The config of a network that sees none."""
    if config.kind == "rpointnet":
        return dc.replace(config, proposal=without_features(config.proposal))
    return dc.replace(config, image_features=0)


@pytest.mark.parametrize(
    "config, layers",
    [
        (toy_views.config(), 3),
        (toy_views.rpointnet().proposal, 1),
        (toy_views.rpointnet(), 2),  # heads; the proposal network is frozen
    ],
    ids=["sgpn", "gspn", "rpointnet"],
)
def test_layers_that_see_features_learn_by_them(config, layers, batch):
    keras.utils.set_random_seed(0)
    model = models.build(config)
    plain = models.build(without_features(config))
    pairs = zip(model.trainable_weights, plain.trainable_weights, strict=True)
    wider = [a.path for a, b in pairs if a.shape != b.shape]
    assert len(wider) == layers
    terms, gradients = terms_and_gradients(model, batch)
    assert all(np.isfinite(value) for value in terms.values())
    assert all(np.abs(gradients[path]).max() > 0 for path in wider)
    other = batch | {"image_features": batch["image_features"] + 1.0}
    changed, _ = terms_and_gradients(model, other)
    assert any(abs(changed[name] - terms[name]) > 1e-6 for name in terms)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_survives_its_file_and_segments_frames(precision, tmp_path):
    keras.utils.set_random_seed(0)
    model = models.build(toy_views.config(), precision)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.config == model.config
    scene, same = SCENES[0], []
    for each in (model, again):
        segmenter = Segmenter.from_config(each, toy_views.DATA)
        same.append(segmenter.segment(scene.points, scene.colors, 0, scene.image))
    assert len(same[0].semantic) == len(scene.points)
    assert np.array_equal(same[0].semantic, same[1].semantic)
    features = scene.image.features + np.float16(3)
    image = dc.replace(scene.image, features=features)
    other = segmenter.segment(scene.points, scene.colors, 0, image)
    assert (
        not np.array_equal(other.semantic, same[0].semantic) or precision != "float32"
    )
    with pytest.raises(ValueError, match="the network sees image features of 6"):
        segmenter.segment(scene.points, scene.colors)


def test_features_that_are_missing_are_one_clear_error(batch):
    model = models.build(toy_views.config())
    without = {name: x for name, x in batch.items() if name != "image_features"}
    with pytest.raises(ValueError, match=r"need image_features \[B, N, 6\], got None"):
        model.learn(without, training=True)


def test_networks_without_have_the_weights_that_they_had(batch):
    plain = models.build(toy_views.rpointnet(0))
    seeing = models.build(toy_views.rpointnet())
    pairs = zip(plain.weights, seeing.weights, strict=True)
    wider = [a.path for a, b in pairs if a.shape != b.shape]
    assert len(wider) == 3  # the semantic network's last layer, and those of two heads
    scene = {name: x for name, x in batch.items() if name != "targets"}
    without = {name: x for name, x in scene.items() if name != "image_features"}
    found, same = plain(scene), plain(without)
    tf.nest.map_structure(np.testing.assert_array_equal, found.detections,
                          same.detections)  # fmt: skip
