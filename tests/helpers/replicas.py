"""Trains a small network in a process of its own: alone, on two devices, as a host.

    python replicas.py KIND STAGE CONFIG DATA RUN

KIND is one, mirrored (two logical CPUs, by Keras's fit), or what `hosts.join` finds in
TF_CONFIG. CONFIG is a pickle. The weights after 20 steps of SGD go to the file RUN, the
losses to the output.
"""

import json
import pickle
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gspn_tf.training import hosts as host_lib
from gspn_tf.training import loop

STEPS = 20


def main(kind: str, stage: str, config: str, data: str, run: str) -> None:
    if kind == "mirrored":
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], two
        )
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    else:
        strategy = host_lib.join()
    settings = pickle.loads(Path(config).read_bytes())
    hosts = host_lib.Hosts(strategy)
    scenes = loop.Scenes(data, settings, hosts)
    with strategy.scope():
        model = loop.initial_model(stage, settings)
        model.compile(keras.optimizers.SGD(0.01))
        model.optimizer.build(model.trainable_variables)
    if kind == "mirrored":
        scenes = loop.Scenes(data, settings)
        fit = model.fit
    else:
        fit = hosts.fit_of(model)
    losses = keras.callbacks.History()
    losses.on_train_begin()
    epochs = STEPS // scenes.steps()
    for epoch in range(epochs):
        fit(
            scenes.epoch(stage, epoch),
            initial_epoch=epoch,
            epochs=epoch + 1,
            validation_data=scenes.validation() if epoch + 1 == epochs else None,
            callbacks=[losses],
            shuffle=False,
            verbose=0,
        )
    assert model.steps.numpy() == STEPS
    if hosts.is_chief:
        np.savez(run, *[np.asarray(v) for v in model.weights])
        print(json.dumps(losses.history))


if __name__ == "__main__":
    main(*sys.argv[1:])
