"""Networks of a few weights that are called as the real ones, and scenes to match."""

import keras
import numpy as np
import tensorflow as tf
import toy_scenes

from gspn_tf import config as c
from gspn_tf.data import Scene
from gspn_tf.data.classes import ClassList
from gspn_tf.models import GSPN
from gspn_tf.models.base import LossModel
from gspn_tf.nn.layers import BatchNorm

traces = []  # whether in training, each time the network is traced
CLASSES = ClassList((5, 7), ("chair", "table"))
WIDTH = 4


class ToyGSPN(LossModel):
    config_class = c.GSPNConfig
    terms = ("generation", "kl")
    monitored = ("generation",)
    class_layers = ("out",)
    kl_weight = GSPN.kl_weight

    def __init__(self, config):
        super().__init__(config)
        self.hidden = keras.layers.Dense(WIDTH, "relu")
        self.norm = BatchNorm(WIDTH)
        self.drop = keras.layers.Dropout(0.3)
        self.out = keras.layers.Dense(config.num_classes)
        self.hidden.build((None, 3))
        self.out.build((None, WIDTH))
        self.track(self.terms, config.backbone)

    def call(self, batch, training=False):
        traces.append(training)
        hidden = self.norm(self.hidden(batch["points"]), training=training)
        return {"y": self.out(self.drop(hidden, training=training))}

    def loss_terms(self, outputs, batch):
        difference = outputs["y"][..., :1] - batch["points"][..., :1]
        kl = tf.reduce_mean(tf.square(outputs["y"]))
        return {
            "generation": tf.reduce_mean(tf.square(difference)),
            "kl": self.kl_weight * kl,
        }


class ToyRPointNet(LossModel):
    config_class = c.RPointNetConfig
    terms = monitored = ("class", "box", "mask")
    class_layers = ("proposal_network.out", "head")

    def __init__(self, config):
        super().__init__(config)
        self.proposal_network = ToyGSPN(config.proposal)
        self.proposal_network.trainable = False
        self.head = keras.layers.Dense(3)
        self.head.build((None, config.proposal.num_classes))
        self.track(self.terms, config.proposal.backbone)

    def call(self, batch, training=False):
        return {"y": self.head(self.proposal_network(batch)["y"])}

    def loss_terms(self, outputs, batch):
        loss = tf.reduce_mean(tf.square(outputs["y"] - batch["points"]), [0, 1])
        return dict(zip(self.terms, tf.unstack(loss), strict=True))


def build(config, precision=None):
    toys = {"gspn": ToyGSPN, "rpointnet": ToyRPointNet}
    return toys[config.kind](config)


def config(epochs: int = 3) -> c.Config:
    stage = c.StageConfig(epochs=epochs, decay_steps=8, clip_norm=1.0)
    proposal = c.GSPNConfig(num_classes=3, kl_warmup_steps=8)
    return c.Config(
        model=c.RPointNetConfig(proposal=proposal),
        data=c.DataConfig(num_points=32, num_points_inference=32, num_shape_points=8),
        train=c.TrainConfig(
            batch_size=2, gspn=stage, rpointnet=stage, validation_every=1
        ),
    )


def write_data(directory, train: int = 5, val: int = 4, classes=CLASSES) -> None:
    rng = np.random.default_rng(0)

    def scenes(split, count):
        for i in range(count):
            yield Scene(
                name=f"{split}_{i}",
                points=rng.normal(size=(50, 3)).astype(np.float32),
                colors=rng.integers(0, 256, (50, 3)).astype(np.uint8),
                semantic=np.repeat(np.int32([0, 1, 2]), [10, 20, 20]),
                instance=np.repeat(np.int32([-1, 0, 1]), [10, 20, 20]),
            )

    counts = {"train": train, "val": val}
    wanted = {s: list(scenes(s, count)) for s, count in counts.items() if count}
    toy_scenes.write_folder(directory, classes, "rooms", **wanted)
