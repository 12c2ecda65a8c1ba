"""Trainings of a narrow Mask R-CNN on frames: stages, starts, one that is killed."""

import dataclasses as dc
import io

import keras
import numpy as np
import pytest
import tensorflow as tf
import toy_rgbd
import weight_files
from rich.console import Console
from toy_images import NARROW

from gspn_tf import config as c
from gspn_tf import models
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.image.weights import torchvision
from gspn_tf.models.weights import save_weights
from gspn_tf.training import loop as training
from gspn_tf.training import schedules
from gspn_tf.training.run_folder import RunFolder
from gspn_tf.training.starting import Start, start_weights

CLASSES = toy_rgbd.CLASSES.pairs()
RGB = dc.replace(NARROW, num_classes=3)
IN_TURN = dc.replace(RGB, trained="in_turn")
HHA = dc.replace(RGB, mean=(110.0,) * 6, deviation=(60.0,) * 6)
QUIET = Console(quiet=True)


def config(model=HHA, epochs: int = 2) -> c.Config:
    stage = c.StageConfig(
        epochs=epochs,
        schedule="cosine",
        clip_norm=5.0,
        optimizer="sgd",
        weight_decay=0.01,
    )
    train = c.TrainConfig(batch_size=2, mask_rcnn=stage, validation_every=1)
    return c.Config(model=model, data=c.DataConfig(cache=True), train=train)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "data"
    toy_rgbd.write_data(path, train=4, val=1)
    return path


@pytest.fixture
def run(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.start(config(IN_TURN), CLASSES)
    return folder


def same_weights(left, right) -> list[bool]:
    pairs = zip(left.weights, right.weights, strict=True)
    return [np.array_equal(a.numpy(), b.numpy()) for a, b in pairs]


def arrays(path) -> list[np.ndarray]:
    model = models.build(HHA)
    model.load_weights(path)
    return [weight.numpy() for weight in model.weights]


@pytest.mark.slow
def test_a_killed_training_ends_as_a_whole_one(data_dir, tmp_path, monkeypatch):
    save = tf.train.CheckpointManager.save

    def save_and_stop(manager, checkpoint_number):
        save(manager, checkpoint_number)
        if checkpoint_number == 1:
            raise KeyboardInterrupt

    whole = training.train(config(), data_dir, tmp_path / "whole")
    killed, log = RunFolder(tmp_path / "killed"), io.StringIO()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tf.train.CheckpointManager, "save", save_and_stop)
        training.train(config(), data_dir, killed.path)
    training.train(config(), data_dir, killed.path, console=Console(file=log, width=60))
    assert "mask_rcnn: 2 epochs of 2 steps, from epoch 2" in log.getvalue()
    for one, other in zip(
        killed.read_metrics("mask_rcnn"), whole.read_metrics("mask_rcnn"), strict=True
    ):
        assert {"mask", "val_mask", "objectness"} <= set(one) == set(other)
        for name in set(one) - {"stage", "seconds"}:
            # Gradients of convolutions are added up in the order of the threads.
            assert float(one[name]) == pytest.approx(float(other[name]), abs=1e-4), name
    pairs = (arrays(run.weights("mask_rcnn")) for run in (killed, whole))
    for one, other in zip(*pairs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_stages_move_the_layers_that_they_name():
    networks = IN_TURN.stages()
    assert list(networks) == ["mask_rcnn_stem", "mask_rcnn_4", "mask_rcnn_3"]
    assert list(RGB.stages().values()) == [RGB]
    moved = {}
    for name, network in networks.items():
        model = models.build(network)
        backbone = model.backbone
        parts = {"stem": backbone.stem}
        parts |= {str(i): stage for i, stage in enumerate(backbone.stages, 2)}
        moved[name] = {key for key, part in parts.items() if part.trainable_weights}
        for part in (model.pyramid, model.proposal_network, model.mask_head):
            assert part.trainable_weights
    assert moved["mask_rcnn_stem"] == {"stem"}
    assert moved["mask_rcnn_4"] == {"4", "5"}
    assert moved["mask_rcnn_3"] == {"3", "4", "5"}


def test_a_stage_goes_on_with_the_weights_of_the_one_before(run):
    first, second = (models.build(x) for x in list(IN_TURN.stages().values())[:2])
    with pytest.raises(ValueError, match="mask_rcnn_stem.weights.h5 is missing; train"):
        start_weights(second, "mask_rcnn_4", run, None, QUIET)
    first.steps.assign(7)
    save_weights(first, run.weights("mask_rcnn_stem"))
    start_weights(second, "mask_rcnn_4", run, None, QUIET)
    assert int(second.steps) == 0
    second.steps.assign(7)
    assert all(same_weights(first, second))
    # Another run starts from the last stage that is there.
    save_weights(models.build(RGB), run.weights("mask_rcnn_4"))
    third = models.build(RGB)
    other = RunFolder(run.path.parent / "other")
    other.start(config(RGB), CLASSES)
    start_weights(third, "mask_rcnn", other, Start.find(run.path), QUIET)
    second.load_weights(run.weights("mask_rcnn_4"))
    assert all(same_weights(second, third))


def test_published_weights_fit_but_for_channels_and_classes(run, tmp_path):
    coco = MaskRCNN(dc.replace(NARROW, num_classes=5))
    rng, tensors = np.random.default_rng(0), {}
    for weight in torchvision.torchvision_table(coco):
        for name, shape in weight.sources.items():
            tensors[name] = np.float32(rng.uniform(0.1, 1, shape))
    path = tmp_path / "coco.pth"
    weight_files.write_torch(path, tensors)
    model, log = models.build(HHA), io.StringIO()
    before = [weight.numpy() for weight in model.weights]
    alone = RunFolder(tmp_path / "hha")
    alone.start(config(HHA), CLASSES)
    console = Console(file=log, width=60)
    start_weights(model, "mask_rcnn", alone, Start.find(path), console)
    assert (
        f"{path}: the outputs of the heads and the first kernel start anew"
        in log.getvalue()
    )
    head, mask = model.box_head, model.mask_head
    anew = [model.backbone.stem.kernel]
    for layer in (head.class_output, head.box_output, mask.mask_output):
        anew += layer.weights
    anew_ids = {id(variable) for variable in anew}
    layers = [model.backbone, model.pyramid, model.proposal_network, head, mask]
    of_layers = {id(variable) for layer in layers for variable in layer.weights}
    for weight, value in zip(model.weights, before, strict=True):
        same = np.array_equal(weight.numpy(), value)
        if id(weight) in of_layers:
            assert same == (id(weight) in anew_ids), weight.path
    with pytest.raises(ValueError, match="coco.pth holds a Mask R-CNN, whose weights"):
        start_weights(None, "gspn", run, Start.find(path), QUIET)


def test_weights_of_another_kind_are_refused(run, tmp_path):
    empty = RunFolder(tmp_path / "empty")
    empty.start(c.Config(), [(1, "chair")])
    model = models.build(next(iter(IN_TURN.stages().values())))
    with pytest.raises(ValueError, match="empty must hold a trained Mask R-CNN"):
        start_weights(model, "mask_rcnn_stem", run, Start.find(empty.path), QUIET)


def test_gradient_descent_decays_kernels_alone():
    stage = c.StageConfig(
        learning_rate=0.1, final_learning_rate=0.1, optimizer="sgd", weight_decay=0.5
    )
    optimizer = schedules.optimizer(stage)
    kernel = keras.Variable([2.0], name="kernel")
    bias = keras.Variable([2.0], name="bias")
    optimizer.build([kernel, bias])
    for _ in range(2):
        optimizer.apply([tf.constant([1.0]), tf.constant([1.0])])
    expected, step = 2.0, 0.0
    for _ in range(2):
        step = 0.9 * step - 0.1
        expected = expected * (1 - 0.1 * 0.5) + step
    assert float(kernel.numpy()[0]) == pytest.approx(expected, rel=1e-6)
    assert float(bias.numpy()[0]) == pytest.approx(2 - 0.1 - 0.19, rel=1e-6)
