"""The pipeline in other processes: tf.data service, a SavedModel, and the document."""

import contextlib
import re
import shlex
import subprocess
import sys
import time
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
    """The address that a `gspn serve-data` process prints, and the process."""
    command = [sys.executable, "-m", "gspn_tf.commands.main", "serve-data", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield process.stdout.readline().split()[-1], process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def service():
    """The address of a dispatcher with two workers."""
    with contextlib.ExitStack() as stack:
        address, _ = stack.enter_context(serving())
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


@pytest.mark.slow
def test_a_worker_that_dies_costs_no_scene(tmp_path):
    """Two workers, one killed in the middle of an epoch: all scenes come, and soon."""
    write_folder(tmp_path, train=[make_scene(i, 120, 2 + i % 3) for i in range(200)])
    options = {"batch_size": 1, "training": True, "seed": 5}
    here = by_scene(load(tmp_path, "train", OPTIONS, **options))
    with contextlib.ExitStack() as stack:
        address, _ = stack.enter_context(serving())
        _, worker = [
            stack.enter_context(serving("--dispatcher", address))[1] for _ in range(2)
        ]
        there = load(tmp_path, "train", OPTIONS, service=address, **options)
        found, waits, last = [], [], time.monotonic()
        for batch in there.as_numpy_iterator():
            waits.append(time.monotonic() - last)
            found.append(batch)
            if len(found) == 60:
                worker.kill()
            time.sleep(0.01)  # a training step, else all is over before it dies
            last = time.monotonic()
    assert max(waits[60:]) < 60
    found.sort(key=lambda batch: batch["points"].tobytes())
    tf.nest.map_structure(np.testing.assert_array_equal, found, here)


ALONE = """
import os, sys
for name in ("models", "training", "inference", "evaluation"):
    sys.modules["gspn_tf." + name] = None  # cannot be imported
import numpy as np, tensorflow as tf, gspn_tf as gspn
from gspn_tf.config import DataConfig
service = tf.data.experimental.service
dispatcher = service.DispatchServer()
address = dispatcher.target
worker = service.WorkerServer(service.WorkerConfig(address.partition("://")[2]))
options = DataConfig(num_points=96, num_shape_points=16, sampling="farthest")
for at in (None, address):
    found = gspn.data.load(
        sys.argv[1], "train", options, batch_size=1, training=True, seed=5, service=at
    )
    points = [batch["points"] for batch in found.as_numpy_iterator()]
    print(len(points), np.sum(np.sort(np.ravel(points)), dtype=np.float64), flush=True)
os._exit(0)  # servers that are deleted crash at times
"""


def test_the_data_work_alone_here_and_in_a_worker(folder):
    """In a process that has no models, without and with a service's worker."""
    command = [sys.executable, "-c", ALONE, str(folder)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    here, there = run.stdout.splitlines()
    assert here == there and here.startswith("7 ")


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
