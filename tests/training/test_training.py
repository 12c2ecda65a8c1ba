import csv
import io
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import toy_models
from rich.console import Console

from gspn_tf import config as c
from gspn_tf.data.classes import ClassList
from gspn_tf.training import callbacks, run_folder
from gspn_tf.training import loop as training
from gspn_tf.training.run_folder import RunFolder

GSPN = ("gspn",)


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    monkeypatch.setattr(training.models, "build", toy_models.build)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    toy_models.write_data(path)
    return path


def rows(run: RunFolder) -> list[dict]:
    return list(csv.DictReader(io.StringIO((run.path / "metrics.csv").read_text())))


def without_times(run: RunFolder) -> list[dict]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows(run)]


def weights(path: Path) -> dict[str, np.ndarray]:
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return found


def arrays(path: Path) -> set[bytes]:
    """Contents of a weight file, without names and metrics."""
    return {
        value.tobytes()
        for name, value in weights(path).items()
        if "seed_generator" not in name and "term_means" not in name
    }


def test_both_stages_fill_the_run_folder(data_dir, tmp_path):
    run = training.train(toy_models.config(), data_dir, tmp_path / "run")
    names = {str(p.relative_to(run.path)) for p in run.path.rglob("*") if p.is_file()}
    names = {name for name in names if not name.startswith("tensorboard")}
    assert names == {
        "config.json",
        "classes.json",
        "versions.json",
        "metrics.csv",
        "checkpoints/lock",
        "gspn.weights.h5",
        "rpointnet.weights.h5",
        "checkpoints/gspn.npz",
        "checkpoints/rpointnet.npz",
    }
    assert run.config() == toy_models.config()
    assert run.classes() == [(5, "chair"), (7, "table")]
    table = rows(run)
    assert [row["stage"] for row in table] == ["gspn"] * 4 + ["rpointnet"] * 4
    for row in table:
        terms = (
            ("generation", "kl") if row["stage"] == "gspn" else ("class", "box", "mask")
        )
        for prefix in ("", "val_"):
            total = sum(float(row[prefix + name]) for name in terms)
            assert total == pytest.approx(float(row[prefix + "loss"]), rel=1e-5)
    events = list((run.path / "tensorboard").rglob("events*"))
    assert len(events) == 2 and all(path.stat().st_size > 500 for path in events)


def test_stage_two_keeps_the_proposals_of_stage_one(data_dir, tmp_path):
    run = training.train(toy_models.config(), data_dir, tmp_path / "run")
    one, two = (arrays(run.weights(stage)) for stage in ("gspn", "rpointnet"))
    assert len(one) == 9  # KL weight, two dense layers, batch normalisation
    assert one < two and len(two - one) == 2  # the head


def test_a_killed_run_continues_as_if_nothing_had_happened(data_dir, tmp_path):
    command = [sys.executable, toy_models.__file__, str(data_dir), str(tmp_path / "a")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    killed = RunFolder(tmp_path / "a")
    assert [row["epoch"] for row in rows(killed)] == ["1", "2"]

    training.train(toy_models.config(), data_dir, killed.path, stages=GSPN)
    whole = training.train(toy_models.config(), data_dir, tmp_path / "b", stages=GSPN)
    assert without_times(killed) == without_times(whole)
    left, _ = run_folder.load_checkpoint(killed.checkpoint("gspn"))
    right, _ = run_folder.load_checkpoint(whole.checkpoint("gspn"))
    for name in right:
        np.testing.assert_array_equal(left[name], right[name])
    best, expected = (weights(run.weights("gspn")) for run in (killed, whole))
    for name in expected:
        np.testing.assert_array_equal(best[name], expected[name])


def test_one_process_trains_in_a_folder_at_a_time(data_dir, tmp_path):
    run = RunFolder(tmp_path / "run")
    with run.locked(), pytest.raises(ValueError, match="another process trains in it"):
        training.train(toy_models.config(1), data_dir, run.path, stages=GSPN)
    assert not (run.path / "config.json").exists()
    training.train(toy_models.config(1), data_dir, run.path, stages=GSPN)
    with run.locked():  # free again
        assert run.has_checkpoint()


def test_the_best_epoch_is_kept(data_dir, tmp_path):
    config = toy_models.config()
    config.train.gspn.learning_rate = 0.9  # so that the loss moves both ways
    config.train.gspn.final_learning_rate = 0.9
    run = training.train(config, data_dir, tmp_path / "run", stages=GSPN)
    values = [float(row["val_generation"]) for row in rows(run)]
    _, state = run_folder.load_checkpoint(run.checkpoint("gspn"))
    assert state.best == pytest.approx(min(values))
    model = training.build("gspn", config)
    model.load_weights(run.weights("gspn"))
    model.compile(jit_compile=False)
    scenes = training.Scenes(str(data_dir), config).validation()
    found = model.evaluate(scenes, return_dict=True, verbose=0)
    assert found["generation"] == pytest.approx(min(values), rel=1e-5)


def test_without_validation_the_last_weights_are_kept(tmp_path):
    toy_models.write_data(tmp_path / "data", val=0)
    run = training.train(
        toy_models.config(2), tmp_path / "data", tmp_path / "run", stages=GSPN
    )
    values, _ = run_folder.load_checkpoint(run.checkpoint("gspn"))
    kept = {value.tobytes() for value in weights(run.weights("gspn")).values()}
    # The first dense layer's kernel and bias, as they were after the last step.
    assert {values["0001"].tobytes(), values["0002"].tobytes()} <= kept


def test_a_folder_with_another_config_is_refused(data_dir, tmp_path):
    training.train(toy_models.config(1), data_dir, tmp_path / "run", stages=GSPN)
    other = toy_models.config(1)
    other.train.batch_size = 1
    with pytest.raises(
        ValueError, match=r"config.train.batch_size \(2 there, 1 here\)"
    ):
        training.train(other, data_dir, tmp_path / "run")


def test_stage_two_alone_needs_stage_one(data_dir, tmp_path):
    with pytest.raises(ValueError, match=r"train stage gspn first"):
        training.train(
            toy_models.config(), data_dir, tmp_path / "run", stages=("rpointnet",)
        )


def test_fine_tuning_starts_from_another_run(data_dir, tmp_path):
    first = training.train(toy_models.config(3), data_dir, tmp_path / "first")
    config = toy_models.config(1)
    for stage in (config.train.gspn, config.train.rpointnet):
        stage.learning_rate = stage.final_learning_rate = 0.0
    tuned = training.train(config, data_dir, tmp_path / "b", init=first.path)
    for stage, kernels in (("gspn", 2), ("rpointnet", 3)):
        same = arrays(first.weights(stage)) & arrays(tuned.weights(stage))
        assert sum(len(array) > 16 for array in same) >= kernels


def test_fine_tuning_to_other_classes_keeps_what_fits(data_dir, tmp_path):
    first = training.train(toy_models.config(3), data_dir, tmp_path / "a", stages=GSPN)
    classes = ClassList((5, 7, 9), ("chair", "table", "lamp"))
    toy_models.write_data(tmp_path / "data", classes=classes)
    config = toy_models.config(1)
    config.model.proposal.num_classes = 4
    config.train.gspn.learning_rate = config.train.gspn.final_learning_rate = 0.0
    tuned = training.train(
        config, tmp_path / "data", tmp_path / "b", init=first.path, stages=GSPN
    )
    old, new = (weights(run.weights("gspn")) for run in (first, tuned))
    shapes = {name for name in old if old[name].shape != new[name].shape}
    assert len(shapes) == 2  # kernel and bias of the layer of one output a class
    hidden = [name for name in old if old[name].shape == (3, 4)]
    np.testing.assert_array_equal(old[hidden[0]], new[hidden[0]])


@pytest.mark.parametrize("same_classes", [True, False])
def test_weights_of_another_network_are_refused(same_classes, tmp_path, monkeypatch):
    path = tmp_path / "gspn.weights.h5"
    training.build("gspn", toy_models.config()).save_weights(path)
    monkeypatch.setattr(toy_models, "WIDTH", 5)
    with pytest.raises(ValueError, match="does not fit this config's network"):
        training.load_other_run(
            training.build("gspn", toy_models.config()), path, same_classes
        )


def test_other_classes_than_the_config_is_an_error(data_dir, tmp_path):
    config = toy_models.config()
    config.model.proposal.num_classes = 19
    with pytest.raises(ValueError, match=r"data has 2 classes.*num_classes=3"):
        training.train(config, data_dir, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_batch_larger_than_the_data_is_an_error(data_dir, tmp_path):
    config = toy_models.config()
    config.train.batch_size = 6
    with pytest.raises(ValueError, match="at most the 5 training scenes"):
        training.train(config, data_dir, tmp_path / "run")


def test_progress_is_one_line_an_epoch_in_a_log(data_dir, tmp_path):
    log = io.StringIO()
    console = Console(file=log, width=40)
    training.train(
        toy_models.config(2), data_dir, tmp_path, stages=GSPN, console=console
    )
    lines = log.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0] == "gspn: 2 epochs of 2 steps"
    assert lines[2].startswith("gspn 2/2") and "val_generation" in lines[2]


def test_kl_weight_follows_the_release():
    config = c.GSPNConfig(kl_weight=2.0, kl_warmup_steps=110_000)
    steps = [0, 27_499, 27_500, 55_000, 82_500, 110_000]
    expected = [0, 0, 0.6, 1.02, 1.314, 1.5198]
    found = [callbacks.kl_weight_at(step, config) for step in steps]
    assert found == pytest.approx(expected)
    assert callbacks.kl_weight_at(0, c.GSPNConfig(kl_warmup_steps=0)) == 1.0


def test_momentum_follows_the_release():
    found = [callbacks.batch_norm_momentum_at(10 * k, 10) for k in (0, 1, 2, 3, 6, 50)]
    assert found == pytest.approx([0.5, 0.75, 0.875, 0.9375, 0.99, 0.99])


def test_learning_rates():
    stairs = c.StageConfig(decay_steps=10)
    found = [callbacks.learning_rate_at(s, stairs, 100) for s in (0, 9, 10, 25, 10_000)]
    assert found == pytest.approx([1e-3, 1e-3, 7e-4, 4.9e-4, 1e-5])
    cosine = c.StageConfig(schedule="cosine", warmup_steps=4, final_learning_rate=2e-4)
    found = [
        callbacks.learning_rate_at(s, cosine, 104) for s in (0, 3, 4, 54, 104, 200)
    ]
    assert found == pytest.approx([2.5e-4, 1e-3, 1e-3, 6e-4, 2e-4, 2e-4])


def test_momentum_reaches_the_traced_step(data_dir, tmp_path):
    """Keras bakes the momentum into the step; the callback must have it traced anew."""
    toy_models.traced_momenta.clear()
    training.train(toy_models.config(4), data_dir, tmp_path, stages=GSPN)
    assert {0.5, 0.75} <= set(toy_models.traced_momenta)  # a stair is two epochs
