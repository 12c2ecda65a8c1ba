"""Training on toy networks: what a run folder gets, and how runs go on."""

import contextlib
import csv
import io
import shutil
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
import toy_models
from rich.console import Console

from gspn_tf import config as c
from gspn_tf.data.classes import ClassList
from gspn_tf.models.base import momentum_at
from gspn_tf.training import loop as training
from gspn_tf.training import schedules
from gspn_tf.training.run_folder import RunFolder
from gspn_tf.training.starting import Start

GSPN = ("gspn",)
pytestmark = pytest.mark.usefixtures("toys")


def rows(run: RunFolder) -> list[dict]:
    return list(csv.DictReader(io.StringIO((run.path / "metrics.csv").read_text())))


def weights(path: Path) -> dict[str, np.ndarray]:
    names: list[str] = []
    with h5py.File(path) as file:
        file.visit(names.append)
        return {n: file[n][()] for n in names if isinstance(file[n], h5py.Dataset)}


def arrays(path: Path) -> set[bytes]:
    """Contents of a weight file, without names and metrics."""
    return {
        value.tobytes()
        for name, value in weights(path).items()
        if "seed_generator" not in name and "term_means" not in name
    }


def state(run: RunFolder, stage: str = "gspn") -> dict[str, np.ndarray]:
    """Everything that the last checkpoint of a stage holds."""
    path = tf.train.latest_checkpoint(run.checkpoints(stage))
    reader = tf.train.load_checkpoint(path)
    names = [n for n in reader.get_variable_to_shape_map() if n.startswith("state/")]
    return {name: reader.get_tensor(name) for name in names}


def test_both_stages_fill_the_run_folder(whole):
    paths = (p.relative_to(whole.path) for p in whole.path.rglob("*") if p.is_file())
    names = {str(path) for path in paths if path.parts[0] != "tensorboard"}
    parts = ("checkpoint", "ckpt-3.index", "ckpt-3.data-00000-of-00001")
    stages = ("gspn", "rpointnet")
    assert names == {
        "config.json",
        "classes.json",
        "versions.json",
        "metrics.csv",
        "checkpoints/lock",
        *(f"{stage}.weights.h5" for stage in stages),
        *(f"checkpoints/{stage}/{part}" for stage in stages for part in parts),
    }
    assert whole.config() == toy_models.config()
    assert whole.classes() == [(5, "chair"), (7, "table")]
    assert set(whole.versions()["data"]) == {"train", "val"}
    table = rows(whole)
    assert [row["stage"] for row in table] == ["gspn"] * 3 + ["rpointnet"] * 3
    for row in table:
        terms = (
            ("generation", "kl") if row["stage"] == "gspn" else ("class", "box", "mask")
        )
        for prefix in ("", "val_"):
            total = sum(float(row[prefix + name]) for name in terms)
            assert total == pytest.approx(float(row[prefix + "loss"]), rel=1e-5)
    events = list((whole.path / "tensorboard").rglob("events*"))
    assert len(events) == 2 and all(path.stat().st_size > 500 for path in events)


def test_stage_two_keeps_the_proposals_of_stage_one(whole):
    one, two = (arrays(whole.weights(stage)) for stage in ("gspn", "rpointnet"))
    assert len(one) == 9  # steps, two dense layers, batch normalisation
    assert one < two and len(two - one) == 3  # the head, and its steps


def test_an_interrupted_run_ends_as_a_whole_one(data_dir, whole, tmp_path, monkeypatch):
    save = tf.train.CheckpointManager.save

    def save_or_stop(manager, checkpoint_number):
        if checkpoint_number == 2:
            raise KeyboardInterrupt
        return save(manager, checkpoint_number)

    run, log = RunFolder(tmp_path / "run"), io.StringIO()
    config, console = toy_models.config(), Console(file=log, width=60)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tf.train.CheckpointManager, "save", save_or_stop)
        training.train(config, data_dir, run.path, stages=GSPN)
    # The second epoch is in the metrics, but its checkpoint was never written.
    assert [row["epoch"] for row in rows(run)] == ["1", "2"]
    for _ in range(2):
        training.train(config, data_dir, run.path, stages=GSPN, console=console)
    lines = log.getvalue().splitlines()
    assert lines[0] == "gspn: 3 epochs of 2 steps, from epoch 2"
    assert lines[2].startswith("gspn 3/3") and "val_generation" in lines[2]
    assert lines[3:] == ["gspn: 3 epochs of 2 steps, all done before"]
    for row, expected in zip(rows(run), rows(whole)[:3], strict=True):
        assert row | {"seconds": 0} == {n: expected[n] for n in row} | {"seconds": 0}
    pairs = [(state(run), state(whole))]
    pairs += [(weights(run.weights("gspn")), weights(whole.weights("gspn")))]
    for found, expected in pairs:
        assert found.keys() == expected.keys() and len(found) >= 9
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])


def test_a_checkpoint_of_an_earlier_version_is_refused(data_dir, whole, tmp_path):
    run, stage = RunFolder(tmp_path / "run"), "rpointnet"
    shutil.copytree(whole.path, run.path)
    shutil.rmtree(run.path / "checkpoints")
    run.checkpoints(stage).parent.mkdir()
    run.checkpoints(stage).with_suffix(".npz").write_bytes(b"")
    (run.path / "versions.json").unlink()  # which did not tell the data
    training.train(whole.config(), data_dir, run.path)  # all is finished
    run.write_metrics(stage, whole.read_metrics(stage)[:1])
    with pytest.raises(ValueError, match=f"rpointnet of {run.path}.*--init {run.path}"):
        training.train(whole.config(), data_dir, run.path)


def test_a_checkpoint_of_another_network_is_refused(
    data_dir, whole, tmp_path, monkeypatch
):
    run = RunFolder(shutil.copytree(whole.path, tmp_path / "run"))
    run.write_metrics("gspn", whole.read_metrics("gspn")[:2])
    monkeypatch.setattr(toy_models, "WIDTH", 5)
    with pytest.raises(ValueError, match="another version of the program"):
        training.train(whole.config(), data_dir, run.path, stages=GSPN)


def test_one_process_trains_in_a_folder_at_a_time(data_dir, tmp_path):
    run = RunFolder(tmp_path / "run")
    with run.locked(), pytest.raises(ValueError, match="another process trains in it"):
        training.train(toy_models.config(1), data_dir, run.path, stages=GSPN)
    assert not (run.path / "config.json").exists()
    with run.locked(wait=True):  # free again
        assert not run.has_begun()


@pytest.mark.slow
def test_the_best_epoch_is_kept(data_dir, tmp_path):
    config = toy_models.config(4)
    config.train.gspn.learning_rate = 0.9  # so that the loss moves both ways
    config.train.gspn.final_learning_rate = 0.9
    run = training.train(config, data_dir, tmp_path / "run", stages=GSPN)
    values = [float(row["val_generation"]) for row in rows(run)]
    model = training.initial_model("gspn", config)
    model.load_weights(run.weights("gspn"))
    model.compile()
    scenes = training.Scenes(str(data_dir), config).validation()
    found = model.evaluate(scenes, return_dict=True, verbose=0)
    assert found["generation"] == pytest.approx(min(values), rel=1e-5)


@pytest.mark.slow
def test_without_validation_the_last_weights_are_kept(tmp_path):
    toy_models.write_data(tmp_path / "data", val=0)
    run = training.train(
        toy_models.config(2), tmp_path / "data", tmp_path / "run", stages=GSPN
    )
    last = {value.tobytes() for value in state(run).values()}
    kept = weights(run.weights("gspn"))
    kernels = {v.tobytes() for v in kept.values() if v.shape in [(3, 4), (4, 3)]}
    assert len(kernels) == 2 and kernels <= last


def test_a_folder_of_another_run_is_refused(data_dir, whole, tmp_path):
    other = toy_models.config()
    other.train.batch_size = 1
    differing = r"config.train.batch_size \(2 there, 1 here\)"
    with pytest.raises(ValueError, match=differing):
        training.train(other, data_dir, whole.path)
    toy_models.write_data(tmp_path / "data", train=6)
    with pytest.raises(ValueError, match="trained on other data"):
        training.train(toy_models.config(), tmp_path / "data", whole.path)
    with pytest.raises(ValueError, match="another class list"):
        whole.start(toy_models.config(), [(5, "chair"), (7, "bed")])


def test_stage_two_alone_needs_stage_one(data_dir, tmp_path):
    with pytest.raises(ValueError, match=r"train stage gspn first"):
        training.train(
            toy_models.config(), data_dir, tmp_path / "run", stages=("rpointnet",)
        )


@pytest.mark.slow
@pytest.mark.parametrize("stages", [("gspn", "rpointnet"), ("rpointnet",)])
def test_fine_tuning_starts_from_another_run(stages, data_dir, whole, tmp_path):
    config = toy_models.config(1)
    for stage in (config.train.gspn, config.train.rpointnet):
        stage.learning_rate = stage.final_learning_rate = 0.0
    tuned = training.train(
        config, data_dir, tmp_path / "b", init=whole.path, stages=stages
    )
    for stage, kernels in (("gspn", 2), ("rpointnet", 3)):
        same = arrays(whole.weights(stage)) & arrays(tuned.weights(stage))
        assert sum(len(array) > 16 for array in same) >= kernels


@pytest.mark.slow
def test_fine_tuning_to_other_classes_keeps_what_fits(whole, tmp_path):
    classes = ClassList((5, 7, 9), ("chair", "table", "lamp"))
    toy_models.write_data(tmp_path / "data", classes=classes)
    config = toy_models.config(1)
    config.model.proposal.num_classes = 4
    config.train.gspn.learning_rate = config.train.gspn.final_learning_rate = 0.0
    log = io.StringIO()
    tuned = training.train(
        config,
        tmp_path / "data",
        tmp_path / "b",
        init=whole.path,
        stages=GSPN,
        console=Console(file=log, width=60),
    )
    said = f"{whole.path} has other classes: out start anew"
    assert said in log.getvalue().splitlines()
    old, new = (weights(run.weights("gspn")) for run in (whole, tuned))
    shapes = {name for name in old if old[name].shape != new[name].shape}
    assert len(shapes) == 2  # kernel and bias of the layer of one output a class
    hidden = [name for name in old if old[name].shape == (3, 4)]
    np.testing.assert_array_equal(old[hidden[0]], new[hidden[0]])


@pytest.mark.parametrize("classes", [toy_models.CLASSES.pairs(), [(1, "other")]])
def test_weights_of_another_network_are_refused(classes, whole, monkeypatch):
    monkeypatch.setattr(toy_models, "WIDTH", 5)
    model = training.initial_model("gspn", toy_models.config())
    start = Start.find(whole.path)._replace(classes=classes)
    with pytest.raises(ValueError, match="does not fit this config's network"):
        start.load("gspn", model, whole, Console(quiet=True))


def test_configs_that_do_not_fit_the_data(data_dir, tmp_path):
    config = toy_models.config()
    config.model.proposal.num_classes = 19
    with pytest.raises(ValueError, match=r"data has 2 classes.*num_classes=3"):
        training.train(config, data_dir, tmp_path / "run")
    config = toy_models.config()
    config.train.batch_size = 6
    with pytest.raises(ValueError, match="at most the 5 training scenes"):
        training.train(config, data_dir, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_learning_rates_that_the_release_has_not():
    cosine = c.StageConfig(schedule="cosine", warmup_steps=4, final_learning_rate=2e-4)
    rate = schedules.StageSchedule(cosine, total_steps=104)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(rate)
    )
    for each in (rate, again):
        found = [float(each(step)) for step in (0, 3, 4, 54, 104, 200)]
        assert found == pytest.approx([2.5e-4, 1e-3, 1e-3, 6e-4, 2e-4, 2e-4])
    with pytest.raises(ValueError, match="total_steps must be given"):
        schedules.optimizer(cosine)


def test_a_rate_without_a_schedule_can_be_set():
    optimizer = schedules.optimizer(toy_models.config(), schedule=False)
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25 and optimizer.global_clipnorm == 1.0


def test_the_momentum_climbs_stairs():
    found = [float(momentum_at(step, 4)) for step in (0, 3, 4, 8, 1000)]
    assert found == pytest.approx([0.5, 0.5, 0.75, 0.875, 0.99])


@pytest.mark.slow
def test_the_step_moves_all_that_is_scheduled(data_dir, tmp_path):
    """In one traced step: nothing is assigned from outside."""
    toy_models.traces.clear()
    config = toy_models.config(4)
    config.train.gspn.decay_steps = 4  # a stair is two epochs
    run = training.train(config, data_dir, tmp_path, stages=GSPN)
    assert toy_models.traces.count(True) == 1
    rates = [float(row["learning_rate"]) for row in run.read_metrics("gspn")]
    assert rates == pytest.approx([1e-3, 7e-4, 7e-4, 4.9e-4])  # after each epoch
    kl = [float(row["kl"]) > 0 for row in run.read_metrics("gspn")]
    assert kl == [False, True, True, True]
    assert 8 in [x for x in state(run).values() if x.dtype == np.int64 and x.ndim == 0]


def test_averages_of_the_weights_are_kept_and_resumed(data_dir, tmp_path, monkeypatch):
    config = toy_models.config()
    config.train.gspn.average_momentum = 0.9
    ends = {}
    for name, stop in (("whole", 9), ("stopped", 2)):
        run = RunFolder(tmp_path / name)
        save = tf.train.CheckpointManager.save

        def save_or_stop(manager, checkpoint_number, save=save, stop=stop):
            if checkpoint_number == stop:
                raise KeyboardInterrupt
            return save(manager, checkpoint_number)

        with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
            patch.setattr(tf.train.CheckpointManager, "save", save_or_stop)
            training.train(config, data_dir, run.path, stages=GSPN)
        training.train(config, data_dir, run.path, stages=GSPN)
        ends[name] = state(run), weights(run.weights("gspn")), rows(run)
    whole, stopped = ends.values()
    for found, expected in zip(stopped[:2], whole[:2], strict=True):
        assert found.keys() == expected.keys()
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])
    assert [r["val_loss"] for r in stopped[2]] == [r["val_loss"] for r in whole[2]]
    config.train.gspn.average_momentum = 0.0
    plain = training.train(config, data_dir, tmp_path / "plain", stages=GSPN)
    kept = weights(plain.weights("gspn"))
    assert any((kept[name] != whole[1][name]).any() for name in kept)
    assert [r["loss"] for r in rows(plain)] == [r["loss"] for r in whole[2]]


def test_averages_forget_the_first_weights():
    stage = c.StageConfig(learning_rate=0.1, average_momentum=0.5)
    optimizer = schedules.optimizer(stage, schedule=False)
    weight = keras.Variable([8.0])
    optimizer.build([weight])
    step = tf.function(lambda: optimizer.apply([tf.constant([1.0])]))
    expected = None
    for count in range(12):
        step()
        momentum = min(0.5, (1 + count) / (10 + count)) if count else 0.0
        value = float(weight.numpy()[0])
        expected = momentum * (expected or 0) + (1 - momentum) * value
        (average,) = optimizer._model_variables_moving_average
        assert float(average.numpy()[0]) == pytest.approx(expected, rel=1e-5)
    assert optimizer.ema_momentum == 0.5
