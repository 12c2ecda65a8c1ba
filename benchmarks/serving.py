"""Both kinds of exports side by side: how fast they answer."""

import tempfile
from argparse import Namespace
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from gspn_tf import models
from gspn_tf.commands.command import write_metrics
from gspn_tf.commands.timings import show, timed_runs
from gspn_tf.config import loading
from gspn_tf.data.classes import SCANNET
from gspn_tf.files.scans import read_scan
from gspn_tf.inference import segmenter as inference
from gspn_tf.inference.serving import saved_model
from gspn_tf.inference.serving.requests import EVERY_ROW
from gspn_tf.synthetic.rooms import generate_room
from gspn_tf.training.run_folder import versions


def network(config: str, run: str | None):
    """Load (model, config, classes) of a run, or build them of a config, untrained."""
    if run:
        return inference.load_run(run)
    loaded = loading.load_config(config)
    model = models.build(loaded.model)
    decide(model)
    return model, loaded, SCANNET.pairs()


def decide(model) -> None:
    """Make an untrained network sure of many large instances: work for all steps."""
    generator, head = model.proposal_network.proposer.vae.generator, model.box_head
    for layer in (generator.grid_output, generator.dense_output):
        layer.kernel.assign(6 * layer.kernel)
    head.class_output.kernel.assign(400 * head.class_output.kernel)
    background = head.class_output.bias.numpy()
    background[0] = -99.0
    head.class_output.bias.assign(background)
    bias = model.mask_head.mask_output.bias
    bias.assign(np.full(bias.shape, 0.3))


def main(flags: Namespace) -> None:
    """Do `gspn benchmark serving`."""
    model, config, classes = network(flags.config, flags.model)
    scan = read_scan(Path(flags.scan)) if flags.scan else generate_room(0)
    inputs = {
        "points": tf.constant(scan.points),
        "colors": tf.constant(scan.colors),
        "num_points": tf.constant(EVERY_ROW),
    }
    environment = versions()
    print("{cpu}, {cpu_count} cores".format(**environment))
    taken = []
    for kind in saved_model.KINDS_OF_OPS:
        with tempfile.TemporaryDirectory() as folder:
            path = saved_model.export(model, config, classes, folder, ops=kind)
            signatures = tf.saved_model.load(str(path)).signatures
        answer = partial(signatures["serving_default"], **inputs)
        name = f"{kind} export, one scan of {len(scan.points):,} points"
        taken.append(timed_runs(name, answer, flags.repeats))
    show(taken)
    rows = [timing._asdict() for timing in taken]
    write_metrics(flags, {"environment": environment, "timings": rows})
