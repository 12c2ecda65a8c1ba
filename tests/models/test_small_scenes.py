"""Scenes of a point, of none, and without objects have finite losses and gradients."""

import numpy as np
import pytest
import tensorflow as tf
import toy_models
import toy_scenes
from learning import terms_and_gradients

from gspn_tf import config as c
from gspn_tf import data, models
from gspn_tf.data import Scene


def scene(name: str, count: int, objects: int) -> Scene:
    """Random points of so many objects in turn; of none where there are none."""
    rng = np.random.default_rng(count)
    instance = np.arange(count, dtype=np.int32) % objects if objects else -1
    instance = np.broadcast_to(np.int32(instance), count)
    return Scene(
        name=name,
        points=rng.normal(size=(count, 3)).astype(np.float32),
        colors=rng.integers(0, 256, (count, 3)).astype(np.uint8),
        semantic=instance + 1,
        instance=instance.copy(),
    )


@pytest.fixture(scope="module")
def batches(tmp_path_factory) -> list[dict]:
    """A point that is an object beside a whole scene, beside one that is none; none."""
    folder, found = tmp_path_factory.mktemp("small"), []
    point, nothing = scene("point", 1, 1), scene("nothing", 1, 0)
    for i, others in enumerate((scene("whole", 50, 2), nothing)):
        directory = folder / str(i)
        toy_scenes.write_folder(directory, toy_models.CLASSES, train=[point, others])
        options = c.DataConfig(num_points=32, num_shape_points=8)
        load = {"batch_size": 2, "training": True, "seed": 0}
        found += data.load(str(directory), "train", options, **load)
    assert sorted(found[0]["num_points"].numpy()) == [1, 32]
    empty = {**found[1], "num_points": tf.zeros(2, tf.int32)}
    targets = {key: tf.zeros_like(x) for key, x in found[1]["targets"].items()}
    targets["instance"] -= 1
    return [*found, empty | {"targets": targets}]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("gspn", marks=pytest.mark.slow),
        pytest.param("rpointnet", marks=pytest.mark.slow),
        "sgpn",
    ],
)
def test_losses_and_gradients_are_finite(kind, batches, tiny_config, tiny_sgpn):
    networks = {"gspn": tiny_config.proposal, "rpointnet": tiny_config}
    model = models.build({**networks, "sgpn": tiny_sgpn}[kind])
    for batch in batches:
        terms, gradients = terms_and_gradients(model, batch)
        assert np.isfinite(list(terms.values())).all(), terms
        for path, gradient in gradients.items():
            assert gradient is None or np.isfinite(gradient).all(), path
