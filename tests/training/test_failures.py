"""What ends a training before its time, and damaged files of a run."""

import errno
import io
import os
import shutil
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
import toy_models
from rich.console import Console

from gspn_tf import files
from gspn_tf.models import weights
from gspn_tf.training import loop as training
from gspn_tf.training.callbacks import NonFiniteError
from gspn_tf.training.run_folder import RunFolder

GSPN = ("gspn",)
pytestmark = pytest.mark.usefixtures("toys")


@pytest.fixture
def run(whole, tmp_path):
    """A copy of the run, whose second stage lacks its last epoch."""
    copy = RunFolder(shutil.copytree(whole.path, tmp_path / "run"))
    copy.write_metrics("rpointnet", whole.read_metrics("rpointnet")[:2])
    return copy


def spoil(monkeypatch, name: str, spoilt) -> None:
    """Add NaN to a term of stage one in the steps that `spoilt(model, epochs)` says."""
    terms_of = toy_models.ToyGSPN.loss_terms

    def loss_terms(model, outputs, batch):
        terms = terms_of(model, outputs, batch)
        bad = spoilt(model, batch)
        return terms | {name: tf.where(bad, np.nan, terms[name])}

    monkeypatch.setattr(toy_models.ToyGSPN, "loss_terms", loss_terms)


def from_step(step: int):
    """A model's steps from the given one on, and none of its validation."""
    return lambda model, _: (
        tf.constant(model.optimizer is not None)
        & (tf.cast(model.optimizer.iterations, tf.int32) >= step)
    )


def test_nan_from_the_start_leaves_nothing(data_dir, tmp_path, monkeypatch):
    spoil(monkeypatch, "kl", from_step(0))
    said = r"gspn epoch 1, step 1 of 2: the loss term kl is nan; nothing is kept"
    for _ in range(2):  # started again it is the same
        with pytest.raises(NonFiniteError, match=said):
            training.train(toy_models.config(), data_dir, tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    assert not run.has_begun() and not run.weights("gspn").exists()


def test_nan_later_keeps_the_best_weights(data_dir, whole, tmp_path, monkeypatch):
    spoil(monkeypatch, "generation", from_step(5))
    run = RunFolder(tmp_path / "run")
    said = f"gspn epoch 3, step 2 of 2: the loss term generation is nan.*{run.path}"
    with pytest.raises(NonFiniteError, match=said):
        training.train(toy_models.config(), data_dir, run.path)
    rows = [float(row["val_generation"]) for row in run.read_metrics("gspn")]
    assert rows == [float(r["val_generation"]) for r in whole.read_metrics("gspn")][:2]
    monkeypatch.undo()
    model = toy_models.build(toy_models.config().model.proposal)
    model.load_weights(run.weights("gspn"))
    assert all(np.isfinite(value).all() for value in model.get_weights())


@pytest.mark.parametrize("steps", [1, 4])
def test_fit_stops_before_the_weights_move(steps, data_dir, monkeypatch):
    spoil(monkeypatch, "kl", from_step(3))
    config = toy_models.config()
    model = training.initial_model("gspn", config)
    model.compile("adam", jit_compile=False, steps_per_execution=steps)
    batches = training.Scenes(str(data_dir), config).epoch("gspn", 0).repeat()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"step\] \[4\] \[\S+ nan"):
        model.fit(batches, steps_per_epoch=8, verbose=0, shuffle=False)
    assert all(np.isfinite(value).all() for value in model.get_weights())


def test_an_epoch_whose_validation_is_nan_is_never_the_best(
    data_dir, whole, tmp_path, monkeypatch
):
    evaluate = keras.Model.evaluate
    epochs = iter([np.nan, 1.0, np.nan, 3.0, 0.5, 0.0])

    def spoilt(model, *args, **kwargs):
        found = evaluate(model, *args, **kwargs)
        return found | {"generation": next(epochs)}

    monkeypatch.setattr(keras.Model, "evaluate", spoilt)
    kept = []
    save = weights.save_weights
    monkeypatch.setattr(
        "gspn_tf.training.callbacks.save_weights",
        lambda model, path: (kept.append(int(model.optimizer.iterations)),
                             save(model, path)),
    )  # fmt: skip
    training.train(toy_models.config(6), data_dir, tmp_path / "run", stages=GSPN)
    assert kept == [4, 10, 12]  # after epochs of two steps


def test_weights_that_are_not_finite_are_not_kept(data_dir, tmp_path, monkeypatch):
    def poison(recorder, batch, logs=None):
        if int(recorder.model.optimizer.iterations) == 4:
            recorder.model.hidden.kernel.assign(np.full((3, 4), np.inf))

    monkeypatch.setattr(training.Recorder, "on_train_batch_end", poison)
    run = RunFolder(tmp_path / "run")
    said = r"epoch 2, step 2 of 2: the weight .*kernel is not finite; the best weights"
    with pytest.raises(NonFiniteError, match=said):
        training.train(toy_models.config(), data_dir, run.path)
    assert len(run.read_metrics("gspn")) == 1
    assert tf.train.latest_checkpoint(run.checkpoints("gspn")).endswith("ckpt-1")


DAMAGED = [
    "config.json", "classes.json", "versions.json", "metrics.csv", "gspn.weights.h5",
    "checkpoints/rpointnet/checkpoint", "checkpoints/rpointnet/ckpt-3.index",
    "checkpoints/rpointnet/ckpt-3.data-00000-of-00001",
]  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_named(name, run, data_dir):
    path = run.path / name
    content = path.read_bytes()
    short = "ckpt-3" if "ckpt" in name else path.name
    if name == "gspn.weights.h5":  # read where stage two starts
        run.write_metrics("rpointnet", [])
        shutil.rmtree(run.checkpoints("rpointnet"))
    foreign = b"PK\x03\x04" + bytes(range(256)) * 8
    cuts = [content[: int(len(content) * share)] for share in (0, 0.3, 0.8)]
    for damaged in (*cuts, content[:-2], foreign):
        path.write_bytes(damaged)
        # A checkpoint's second line is of no use.
        if name.endswith("/checkpoint") and damaged == content[:-2]:
            continue
        with pytest.raises(ValueError, match=short):
            training.train(toy_models.config(), data_dir, run.path)


@pytest.mark.parametrize("name", ["rpointnet.weights.h5", "config.json"])
def test_a_damaged_start_is_named_before_anything_is_written(
    name, run, data_dir, tmp_path
):
    (run.path / name).write_bytes((run.path / name).read_bytes()[:-40])
    new = tmp_path / "new"
    with pytest.raises(ValueError, match=f"{name} is not a readable"):
        training.train(toy_models.config(), data_dir, new, init=run.path)
    assert not new.exists()


def test_rows_that_are_missing_are_noticed(run, data_dir):
    text = (run.path / "metrics.csv").read_text()
    (run.path / "metrics.csv").write_text(text.rpartition("rpointnet,2")[0])
    with pytest.raises(ValueError, match="metrics.csv has 1 epochs .* after 3"):
        training.train(toy_models.config(), data_dir, run.path)


def test_what_an_unfinished_save_left_is_removed(data_dir, whole, tmp_path):
    run, console = RunFolder(tmp_path / "run"), Console(file=io.StringIO(), width=99)
    junk = run.checkpoints("gspn") / "ckpt-1_temp"
    junk.mkdir(parents=True)
    (junk / "part").touch()
    (junk.parent / "ckpt-1.index").write_bytes(b"cut")
    training.train(toy_models.config(), data_dir, run.path, console=console)
    assert sorted(p.name for p in junk.parent.iterdir()) == sorted(
        p.name for p in whole.checkpoints("gspn").iterdir()
    )


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG])
@pytest.mark.parametrize("library", [OSError, RuntimeError])
def test_a_full_disk_is_one_line_with_the_file(number, library, tmp_path):
    text = os.strerror(number)
    (tmp_path / "a.txt").write_text("before")
    with pytest.raises(OSError, match=f"{text}: '{tmp_path}/a.txt'"):
        with files.replacing(tmp_path / "a.txt") as beside:
            beside.write_text("half")
            raise library(f"cannot write (errno = {number}, '{text}')\nmore")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "before"


PROGRAM = """
import sys, toy_models
from gspn_tf.training import loop
loop.models.build = toy_models.build
print("begun", flush=True)
loop.train(toy_models.config(4), *sys.argv[1:])
"""


@pytest.mark.long
def test_a_run_that_is_killed_at_any_moment_ends_as_a_whole_one(data_dir, tmp_path):
    def start(run):
        command = [sys.executable, "-c", PROGRAM, str(data_dir), str(run)]
        path = os.pathsep.join(p for p in sys.path if p)
        process = subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE
        )
        assert process.stdout.readline() == b"begun\n"
        return process

    with start(tmp_path / "whole") as process:
        pass
    assert process.returncode == 0
    table, random = tmp_path / "killed" / "metrics.csv", np.random.default_rng(0)
    for _ in range(6):
        before = table.read_text() if table.exists() else ""
        with start(tmp_path / "killed") as process:
            while not table.exists() or table.read_text() == before:  # another epoch
                assert process.poll() is None
                time.sleep(0.001)
            time.sleep(random.exponential(0.1))
            process.kill()
    with start(tmp_path / "killed") as process:
        pass
    assert process.returncode == 0
    runs = [RunFolder(tmp_path / name) for name in ("whole", "killed")]
    for stage in ("gspn", "rpointnet"):
        model = toy_models.build(toy_models.config().model.stages()[stage])
        found = []
        for run in runs:
            model.load_weights(run.weights(stage))
            found.append(model.get_weights())
        for one, other in zip(*found, strict=True):
            np.testing.assert_array_equal(one, other)
        tables = [run.read_metrics(stage) for run in runs]
        one, other = ([row | {"seconds": 0} for row in rows] for rows in tables)
        assert one == other and len(one) == 4
