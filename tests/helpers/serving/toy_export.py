"""Exports a network of a few weights; as a program, kills itself on the way.

python toy_export.py mkdir|rename DIRECTORY
"""

import os
import signal
import sys

import keras
import tensorflow as tf

from gspn_tf import config as c
from gspn_tf.inference.serving import saved_model
from gspn_tf.inference.serving.signatures import INPUTS, ServedModel
from gspn_tf.models import RPointNet

CLASSES = ((3, "cabinet"), (4, "bed"), (5, "chair"))
NUM_POINTS = 256  # that the network sees
MAX_POINTS = 90_000


def export_toy(network, directory, **options):
    """An export of a network for the three classes."""
    data = c.DataConfig(num_points=NUM_POINTS, num_points_inference=NUM_POINTS)
    config = c.Config(model=network.config, data=data)
    options = {"max_points": MAX_POINTS, "trained": {"run": "toy"}} | options
    return saved_model.export(network, config, CLASSES, directory, **options)


class NoNetwork(RPointNet):
    """A model without weights."""

    def __init__(self):
        keras.Model.__init__(self)
        self.config = c.RPointNetConfig()


def main(moment, directory):
    real = getattr(os, moment)

    def kill(path, *arguments, **keywords):
        if moment == "rename" or str(path).endswith("assets"):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(path, *arguments, **keywords)

    def count(points, colors, num_points=-1):
        return {"rows": tf.shape(points)[0]}

    function = tf.function(count, input_signature=INPUTS)
    ServedModel.signatures = lambda self: {"serving_default": function}
    setattr(os, moment, kill)
    export_toy(NoNetwork(), directory)


if __name__ == "__main__":
    main(*sys.argv[1:])
