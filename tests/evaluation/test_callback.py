"""The callback that measures instances while a network trains."""

import dataclasses as dc

import keras
import numpy as np
import pytest
import toy_images
import toy_views

import gspn_tf
from gspn_tf import config as c
from gspn_tf import models
from gspn_tf.evaluation import callback
from gspn_tf.metrics import InstancePredictions, Judged

SEEN = c.DataConfig(num_points=32, num_points_inference=32, num_shape_points=8)


def logs_of(network, measured, epochs: int) -> list[dict]:
    """The logs of epochs in which nothing is trained."""
    found = []
    callbacks = keras.callbacks.CallbackList([measured], model=network, epochs=epochs)
    callbacks.on_train_begin()
    for epoch in range(epochs):
        logs = {"loss": 1.0}
        measured.on_epoch_end(epoch, logs)
        found.append(logs)
    return found


def test_instances_and_proposals_are_in_the_logs(sure_network, data_dir):
    measured = gspn_tf.AveragePrecision(data_dir, SEEN, scenes=1)
    (logs,) = logs_of(sure_network, measured, 1)
    names = {"val_AP", "val_AP50", "val_AP25", "val_proposal_miou"}
    assert set(logs) == {"loss", *names}
    assert 0 < logs["val_proposal_miou"] < 1


def test_small_objects_count_where_that_is_wanted(sure_network, data_dir, monkeypatch):
    judged = perfect_on_small_objects()
    monkeypatch.setattr(callback.measures, "segmented", lambda *_: judged)
    usual, sparse = (
        logs_of(sure_network, gspn_tf.AveragePrecision(data_dir, SEEN, **options), 1)
        for options in ({"scenes": 1}, {"scenes": 1, "min_region": 5})
    )
    assert np.isnan(usual[0]["val_AP50"]) and sparse[0]["val_AP50"] == 1


def perfect_on_small_objects() -> list[Judged]:
    """A scene of one object of ten points, which is found."""
    mask = np.arange(100) < 10
    found = InstancePredictions([np.flatnonzero(mask)], np.int32([1]), np.ones(1))
    return [Judged("room", found, np.int32(mask), np.where(mask, 0, -1))]


def test_of_a_gspn_the_proposals_are_measured(sure_network, data_dir):
    measured = gspn_tf.AveragePrecision(data_dir, SEEN, scenes=1)
    (logs,) = logs_of(sure_network.proposal_network, measured, 1)
    assert set(logs) == {"loss", "val_proposal_miou"}


@pytest.mark.parametrize("kind", ["sgpn_cnn", "mask_rcnn"])
def test_networks_on_images_are_measured(kind, tmp_path):
    toy_views.write_folder(tmp_path, val=[toy_views.frame(seed) for seed in range(2)])
    narrow = dc.replace(toy_images.NARROW, num_classes=3)
    config = {"sgpn_cnn": toy_views.config(), "mask_rcnn": narrow}[kind]
    measured = gspn_tf.AveragePrecision(tmp_path, toy_views.DATA)
    (logs,) = logs_of(models.build(config), measured, 1)
    assert 0 <= logs["val_AP25"] <= 1 and "val_proposal_miou" not in logs


def test_epochs_between_repeat_the_last_values(data_dir, monkeypatch):
    counter = iter(range(10))
    monkeypatch.setattr(
        callback.AveragePrecision, "measure", lambda _: {"val_AP": next(counter)}
    )
    measured = gspn_tf.AveragePrecision(data_dir, SEEN, every=3)
    network = models.GSPN.__new__(models.GSPN)
    found = [logs["val_AP"] for logs in logs_of(network, measured, 8)]
    assert found == [0, 0, 1, 1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"split": "test"}, "split must be one of"),
        ({"min_region": 0}, "min_region must be at least 1, got 0"),
        ({"every": 0}, "every and scenes must be at least 1, got 0 and 20"),
    ],
)
def test_what_cannot_be_measured_is_an_error(options, message, data_dir):
    with pytest.raises(ValueError, match=message):
        gspn_tf.AveragePrecision(data_dir, SEEN, **options)
