"""A folder in which one tiny run goes from scans to weights, for all commands."""

import contextlib
import warnings

import pytest
import tensorflow as tf
from command_line import gspn, write_scans

from gspn_tf import config as c


@pytest.fixture(scope="session")
def work(tmp_path_factory, tiny_config):
    """A folder with scans, data made of them, and a run; tests write beside these."""
    folder = tmp_path_factory.mktemp("work")
    write_scans(folder / "scans")
    stage = c.StageConfig(epochs=1, schedule="cosine")
    config = c.Config(
        model=tiny_config,
        data=c.DataConfig(num_points=256, num_points_inference=256),
        train=c.TrainConfig(batch_size=2, gspn=stage, rpointnet=stage),
    )
    (folder / "tiny.json").write_text(c.to_json(config))
    source, classes = folder / "scans", folder / "scans" / "classes.txt"
    assert not gspn(
        "prepare", "own", "--source", source, "--classes", classes,
        "--output", folder / "data", "--val-fraction", 0.3,
    )  # fmt: skip
    arguments = ("--data", folder / "data", "--run", folder / "run")
    with eager():
        config_file = folder / "tiny.json"
        command = ("train", f"--config={config_file}", *arguments)
        assert not gspn(*command, "--config.train.seed=3")
    return folder


@contextlib.contextmanager
def eager():
    """Trace nothing: an epoch of one step takes half the time."""
    with warnings.catch_warnings(action="ignore"):  # of tf.data, which traces
        tf.config.run_functions_eagerly(True)
        try:
            yield
        finally:
            tf.config.run_functions_eagerly(False)
