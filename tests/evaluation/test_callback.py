"""The callback that measures instances while a network trains."""

import keras
import pytest

import gspn_tf
from gspn_tf import config as c
from gspn_tf import models
from gspn_tf.evaluation import callback

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


def test_of_a_gspn_the_proposals_are_measured(sure_network, data_dir):
    measured = gspn_tf.AveragePrecision(data_dir, SEEN, scenes=1)
    (logs,) = logs_of(sure_network.proposal_network, measured, 1)
    assert set(logs) == {"loss", "val_proposal_miou"}


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
        ({"every": 0}, "every and scenes must be at least 1, got 0 and 20"),
    ],
)
def test_what_cannot_be_measured_is_an_error(options, message, data_dir):
    with pytest.raises(ValueError, match=message):
        gspn_tf.AveragePrecision(data_dir, SEEN, **options)
