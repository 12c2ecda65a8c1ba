"""Exports a network of a few weights."""

from gspn_tf import config as c
from gspn_tf.inference.serving import saved_model

CLASSES = ((3, "cabinet"), (4, "bed"), (5, "chair"))
NUM_POINTS = 256  # that the network sees
MAX_POINTS = 90_000


def export_toy(network, directory, server=saved_model, **options):
    """An export of a network for the three classes; server: saved_model or triton."""
    data = c.DataConfig(num_points=NUM_POINTS, num_points_inference=NUM_POINTS)
    config = c.Config(model=network.config, data=data)
    options = {"max_points": MAX_POINTS, "trained": {"run": "toy"}} | options
    return server.export(network, config, CLASSES, directory, **options)
