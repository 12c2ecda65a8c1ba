"""The pipeline in other processes: tf.data service, a SavedModel, and the document."""

import contextlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from toy_scenes import make_scene, write_folder

from gspn_tf import ops
from gspn_tf.commands import main as cli
from gspn_tf.config import DataConfig
from gspn_tf.data import load, observation, read_scenes

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "data.md").read_text()
# Farthest points are drawn by an op of the library: without it workers cannot.
OPTIONS = DataConfig(num_points=96, num_shape_points=16, sampling="farthest")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenes")
    train = [make_scene(i, 120, 2 + i % 3) for i in range(7)]
    write_folder(path, per_shard=3, train=train)
    return path


@contextlib.contextmanager
def serving(*arguments):
    """A `gspn serve-data` process, and the address it prints."""
    command = [sys.executable, "-m", "gspn_tf.commands.main", "serve-data", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def service():
    """The address of a dispatcher with two workers."""
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(serving())
        for _ in range(2):
            stack.enter_context(serving("--dispatcher", address))
        yield address


def by_scene(batches):
    """Scenes of batches of one, in an order of their own."""
    found = list(batches.as_numpy_iterator())
    return sorted(found, key=lambda batch: batch["points"].tobytes())


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
def test_workers_prepare_every_scene_once_as_this_process(folder, service, training):
    options = {"batch_size": 1, "training": training, "seed": 5}
    here = by_scene(load(folder, "train", OPTIONS, **options))
    there = by_scene(load(folder, "train", OPTIONS, service=service, **options))
    tf.nest.map_structure(np.testing.assert_array_equal, there, here)


def test_a_port_that_is_none_is_refused():
    assert cli.main(["serve-data", "--port=70000"]) == 2


def test_a_scan_is_prepared_as_a_scene_of_the_split(folder):
    (scene,) = list(read_scenes(folder, "train"))[:1]
    options = DataConfig(num_points_inference=80, sampling="farthest")
    batches = load(folder, "train", options, batch_size=1, training=False, seed=0)
    expected = next(batches.as_numpy_iterator())
    found = observation.network_inputs(scene.points, scene.colors, 80, "farthest")
    for name in ("points", "colors", "num_points"):
        np.testing.assert_array_equal(found[name], expected[name])
    np.testing.assert_array_equal(scene.points[found["rows"][0]], found["points"][0])


def python_blocks():
    return re.findall(r"```python\n(.*?)```", DOCUMENT, re.S)


@pytest.mark.slow
def test_the_document_runs(tmp_path, monkeypatch, service):
    """Its blocks one after another, and its SavedModel in a process of its own."""
    monkeypatch.chdir(tmp_path)
    scenes = [make_scene(i, 5000) for i in range(4)]
    write_folder("datasets/rooms", per_shard=2, train=scenes)
    names: dict = {}
    for block in python_blocks():
        exec(block.replace("grpc://localhost:5050", service), names)
    assert names["points"].shape == (2, 4096, 3) and len(names["truth"]) == 7
    np.savez("scan.npz", points=scenes[0].points, colors=scenes[0].colors)
    program = (
        "import numpy as np, sys, tensorflow as tf; tf.load_op_library(sys.argv[1]);"
        "serve = tf.saved_model.load('preprocessing').signatures['serving_default'];"
        "scan = {k: tf.constant(v) for k, v in np.load('scan.npz').items()};"
        "np.savez('served.npz', **{k: v.numpy() for k, v in serve(**scan).items()})"
    )
    command = [sys.executable, "-c", program, str(ops.library_path())]
    subprocess.run(command, check=True, capture_output=True)
    expected = observation.network_inputs(
        scenes[0].points, scenes[0].colors, 4096, "farthest"
    )
    with np.load("served.npz") as file:
        served = dict(file)
    assert set(served) == set(expected)
    for name, values in expected.items():  # colours: graphs divide by a product
        np.testing.assert_allclose(served[name], values, rtol=2e-7, err_msg=name)


@pytest.mark.parametrize("line", re.findall(r"^gspn (.*)$", DOCUMENT, re.M))
def test_the_documents_commands_are_understood(line):
    cli.parse_command_line(shlex.split(line))
