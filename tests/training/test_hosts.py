"""Several replicas, of one host and of two, train as one with the whole batch."""

import dataclasses as dc
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import toy_models

from gspn_tf import config as c
from gspn_tf.training import hosts as host_lib
from gspn_tf.training.run_folder import RunFolder

LONG = pytest.mark.long
HELPERS = Path(__file__).resolve().parents[1] / "helpers"


def start(program: str, *arguments, host: int | None = None, ports=()):
    """A process of a program of tests/helpers, perhaps as one of two hosts."""
    path = os.pathsep.join(p for p in sys.path if p)
    environment = os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if host is not None:
        cluster = {"worker": [f"localhost:{port}" for port in ports]}
        task = {"type": "worker", "index": host}
        environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
    command = [sys.executable, HELPERS / program, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, text=True)


def two_hosts(program: str, *arguments):
    """Both processes, which meet on ports that were free."""
    with socket.create_server(("", 0)) as one, socket.create_server(("", 0)) as other:
        ports = [each.getsockname()[1] for each in (one, other)]
    return [start(program, *arguments, host=host, ports=ports) for host in (0, 1)]


def weights(path: Path) -> np.ndarray:
    with np.load(path) as found:
        floats = [x for x in found.values() if x.dtype == np.float32]
    return np.concatenate([x.ravel() for x in floats])


@LONG
@pytest.mark.parametrize("stage", ["gspn", "rpointnet"])
def test_two_replicas_are_one_with_the_whole_batch(stage, tiny_config, tmp_path):
    """20 steps of SGD: batch norm, noise, dropout, and scenes of other sizes."""
    proposal = dc.replace(
        tiny_config.proposal,
        num_classes=3,
        seed_sampling="random",
        semantic_dropout=0.3,
        kl_warmup_steps=4,
    )
    model = dc.replace(tiny_config, proposal=proposal, truth_copies=4, region_iou=0.3)
    config = c.Config(
        model=model,
        data=c.DataConfig(num_points=48, num_points_inference=48, num_shape_points=16),
        train=c.TrainConfig(batch_size=4, scene_repeats=5),
    )
    data = tmp_path / "data"
    toy_models.write_data(data, train=9, val=4)
    pickled = tmp_path / "config.pickle"
    pickled.write_bytes(pickle.dumps(config))
    found, logs = {}, {}
    for kind in ("one", "mirrored", "host"):
        arguments = "replicas.py", kind, stage, pickled, data, tmp_path / f"{kind}.npz"
        both = two_hosts(*arguments) if kind == "host" else [start(*arguments)]
        said = [process.communicate(timeout=900)[0] for process in both]
        assert [process.returncode for process in both] == [0] * len(both)
        found[kind], logs[kind] = weights(arguments[-1]), json.loads(said[0])
    if stage == "rpointnet":
        assert min(logs["one"]["mask"]) > 0
    size = np.linalg.norm(found["one"])
    for kind in ("mirrored", "host"):
        assert np.linalg.norm(found[kind] - found["one"]) < 1e-5 * size
        for name, values in logs["one"].items():
            assert logs[kind][name] == pytest.approx(values, rel=1e-3, abs=1e-4), name


@LONG
def test_a_host_that_is_killed_ends_all_and_both_go_on(tmp_path):
    data, runs = tmp_path / "data", [tmp_path / "whole", tmp_path / "killed"]
    toy_models.write_data(data, train=9)

    def ends(processes):
        said = [process.communicate(timeout=600)[0] for process in processes]
        return [process.returncode for process in processes], said

    codes, _ = ends(two_hosts("toy_host.py", data, runs[0]))
    assert codes == [0, 0]
    chief, other = two_hosts("toy_host.py", data, runs[1])
    while not chief.stdout.readline().startswith("gspn 2/"):
        assert chief.poll() is None
    other.send_signal(signal.SIGKILL)
    codes, said = ends([chief, other])
    assert codes == [2, -signal.SIGKILL]
    assert "host 0 of 2 ends, as another has ended" in said[0].splitlines()[-1]
    codes, _ = ends(two_hosts("toy_host.py", data, runs[1]))
    assert codes == [0, 0]
    for stage in ("gspn", "rpointnet"):
        model = toy_models.build(toy_models.config().model.stages()[stage])
        found = []
        for run in map(RunFolder, runs):
            model.load_weights(run.weights(stage))
            found.append(model.get_weights())
        for one, again in zip(*found, strict=True):
            np.testing.assert_array_equal(one, again)
        tables = [RunFolder(run).read_metrics(stage) for run in runs]
        assert [len(rows) for rows in tables] == [4, 4]
        for one, again in zip(*tables, strict=True):
            for name in one.keys() - {"seconds", "stage"}:  # sums in another order
                assert float(again[name] or 0) == pytest.approx(float(one[name] or 0))


@pytest.fixture
def joined(monkeypatch):
    """The TF_CONFIG with which a strategy is made, in place of it."""
    monkeypatch.setenv("TF_CONFIG", "")
    monkeypatch.delenv("TF_CONFIG")
    monkeypatch.setattr(
        tf.distribute,
        "MultiWorkerMirroredStrategy",
        lambda: json.loads(os.environ["TF_CONFIG"]),
    )


def test_hosts_are_found(joined, monkeypatch):
    assert host_lib.join() is tf.distribute.get_strategy()
    found = host_lib.join("a:1,b:2", 1)
    task = {"type": "worker", "index": 1}
    assert found == {"cluster": {"worker": ["a:1", "b:2"]}, "task": task}
    assert host_lib.join() == found  # as TF_CONFIG now says
    with pytest.raises(ValueError, match="rank 1 needs workers"):
        host_lib.join(None, 1)
    for rank in (None, 2):
        with pytest.raises(ValueError, match=f"rank must be 0 to 1.*a:1,b:2.*{rank}"):
            host_lib.join("a:1,b:2", rank)


def test_the_tasks_of_slurm_are_found(joined, monkeypatch):
    with pytest.raises(ValueError, match="that srun started.*PROCID"):
        host_lib.join("slurm")
    for name, value in {
        "PROCID": "2",
        "STEP_NUM_TASKS": "3",
        "STEP_NODELIST": "n[1-2]",
        "STEP_TASKS_PER_NODE": "2,1",
    }.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    found = host_lib.join("slurm")
    assert found["cluster"] == {"worker": ["n1:8888", "n1:8889", "n2:8888"]}
    assert found["task"]["index"] == 2


def test_a_batch_must_have_equal_parts():
    hosts = host_lib.Hosts()
    hosts.check(3)
    hosts.replicas = 2
    with pytest.raises(ValueError, match="batch_size.*multiple of.*2 .*got 3"):
        hosts.check(3)
