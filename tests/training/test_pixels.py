"""A small network learns the classes of pixels, and keeps what it has learnt."""

import dataclasses as dc

import keras
import numpy as np
import pytest
import toy_scenes
import toy_views
from command_line import error_of, gspn

from gspn_tf.data.shards import find_scenes
from gspn_tf.training.pixels import PixelOptions, pixel_batches, train_pixel_classifier


def painted(seed):
    """A frame whose classes have colours."""
    scene = toy_views.frame(seed)
    classes = scene.image.painted(scene.semantic, 0)
    color = np.array([[0, 0, 0], [200, 40, 40], [40, 200, 40]], np.uint8)[classes]
    image = dc.replace(scene.image, color=color, features=None)
    return dc.replace(scene, image=image)


SCENES = [painted(seed) for seed in range(8)]
UNSEEN = [painted(seed) for seed in (8, 9)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "data"
    toy_views.write_folder(path, features=False, train=SCENES, val=UNSEEN)
    return path


def test_labels_are_those_of_the_pixels_of_the_map(folder):
    (batch,) = pixel_batches(find_scenes(folder, "val"), 2)
    for i, scene in enumerate(UNSEEN):
        color, semantic, weights = (x[i].numpy() for x in batch)
        wanted = scene.image.painted(scene.semantic, -1)[::4, ::4]
        assert np.array_equal(color, scene.image.color)
        assert np.array_equal(weights, wanted >= 0) and 0 < weights.mean() < 1
        assert np.array_equal(semantic, np.maximum(wanted, 0))


def test_training_images_are_mirrored_by_chance_with_their_labels(folder):
    turned = set()
    for color, semantic, weights in pixel_batches(find_scenes(folder, "train"), 1, 0):
        known = weights[0].numpy() > 0
        seen = color[0].numpy()[::4, ::4]
        assert np.array_equal(seen[..., 0] > 100, (semantic[0].numpy() == 1) & known)
        own = [np.array_equal(color[0], scene.image.color) for scene in SCENES]
        turned.add(not any(own))
    assert turned == {True, False}


def test_it_learns_and_is_written_whole(folder, tmp_path):
    output = tmp_path / "network.keras"
    options = PixelOptions(epochs=6, batch_size=2, learning_rate=5e-3)
    history = train_pixel_classifier(folder, output, options, verbose=0)
    assert history["val_weighted_accuracy" if "val_weighted_accuracy" in history
                   else "val_accuracy"][-1] > 0.9  # fmt: skip
    model = keras.saving.load_model(output)
    found = model(np.stack([scene.image.color for scene in SCENES]))
    wanted = [s.image.painted(s.semantic, -1)[::4, ::4] for s in SCENES]
    right = np.argmax(found, -1) == np.stack(wanted)
    assert right[np.stack(wanted) >= 0].mean() > 0.9
    assert [path.name for path in tmp_path.iterdir()] == ["network.keras"]


def test_what_cannot_be_is_one_line(tmp_path, capsys):
    toy_scenes.write_folder(tmp_path / "scans", train=[toy_scenes.make_scene(0)])
    output = "--output", tmp_path / "out.keras"
    assert gspn("train-image", "--data", tmp_path / "scans", *output) == 1
    assert "must hold frames with their images" in error_of(capsys)
    assert gspn("train-image", "--data", tmp_path / "none", *output) == 1
    assert "--data: no folder" in error_of(capsys)
    given = "--data", tmp_path / "scans", "--output"
    assert gspn("train-image", *given, tmp_path / "out.h5") == 1
    assert "--output must be a file NAME.keras" in error_of(capsys)
    assert not list(tmp_path.glob("out*"))
