"""Exports behind Triton Inference Server, asked by its own clients.

They need an environment of its own, as Triton's wheel wants NumPy 1, of a Python that
has its shared library (libpython3.11.so; Debian's has):

    python3.11 -m venv triton
    triton/bin/pip install nvidia-pytriton==0.7.0 "tritonclient[grpc,http]" \\
        tensorflow-cpu==2.21.0
    GSPN_TRITON_PYTHON=$PWD/triton/bin/python make test-long
"""

import os
import subprocess
import threading
import time
import urllib.error

import numpy as np
import pytest
from serving.answers import EXAMPLES, assert_answers
from serving.far_scans import scan
from serving.toy_export import NUM_POINTS, export_toy
from serving.triton_server import Triton, memory_mb, read_answer, read_line

from gspn_tf.inference import segmenter as inference
from gspn_tf.inference.serving import triton

PYTHON = os.environ.get("GSPN_TRITON_PYTHON")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not PYTHON, reason="GSPN_TRITON_PYTHON names no Python with nvidia-pytriton"
    ),
]
MOST = 200_000  # points of a scan
REQUESTS, CLIENTS = 200, 4
FEW = 1000  # points that version 2 takes


@pytest.fixture(scope="module")
def server(sure_network, tmp_path_factory):
    """A server of one version of a network of a few weights."""
    folder = tmp_path_factory.mktemp("triton")
    export_toy(sure_network, folder / "models", triton, max_points=MOST)
    started = Triton(PYTHON, folder / "models", folder)
    started.start()
    yield started
    started.kill()


@pytest.fixture(scope="module")
def offline(sure_network):
    return inference.Segmenter(sure_network, NUM_POINTS).segment


def sizes(count):
    """Numbers of points from 1 to `MOST`, both halves with the same ones."""
    half = np.geomspace(1, MOST, count // 2).astype(int)
    orders = (np.random.default_rng(seed).permutation(half) for seed in range(2))
    return np.concatenate(list(orders)).tolist()


def test_every_scan_is_answered_in_flat_memory(server, offline, tmp_path):
    wanted = sizes(REQUESTS)
    peaks, done = [0.0, 0.0], []
    with server.load(tmp_path / "load", CLIENTS, sizes=wanted) as clients:

        def watch():
            while clients.poll() is None:
                half = min(1, 2 * len(done) // REQUESTS)
                peaks[half] = max(peaks[half], memory_mb(server.process.pid))
                time.sleep(0.1)

        watcher = threading.Thread(target=watch)
        watcher.start()
        for line in clients.stdout:
            done.append(read_line(line))
        watcher.join()
    assert clients.returncode == 0
    assert sorted(each.request for each in done) == list(range(REQUESTS))
    assert {each.tries for each in done} == {1}
    for number, count in enumerate(wanted):
        answer = read_answer(tmp_path / "load" / f"{number}.npz")
        assert_answers(answer, offline(*scan(count)), count)
    print(f"\nmost memory of Triton in each half: {peaks[0]:.0f}, {peaks[1]:.0f} MB")
    assert peaks[1] <= 1.1 * peaks[0]


BAD = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
import triton_client
from tritonclient.utils import InferenceServerException

ones = np.ones([5, 3])
for address in sys.argv[2:]:
    connection = triton_client.connect(address)
    for points, colors in (
        (ones, ones[:4]),
        (np.nan * ones, ones),
        (ones[:0], ones[:0]),
        (ones[:, :2], ones),
        (ones[None], ones),
        (np.ones([200_001, 3]), np.ones([200_001, 3])),
    ):
        try:
            triton_client.predict(connection, points, colors)
        except InferenceServerException as error:
            print(error.status(), error.message())
    print(len(triton_client.predict(connection, ones, ones)["scores"]) >= 0)
"""


def test_bad_requests_are_named(server):
    command = [PYTHON, "-c", BAD, EXAMPLES, *server.addresses]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    words = (
        "colors must have the shape of points,] [5 3] [got] [4 3]",
        "points must be finite, number of rows that are not:] [5]",
        "points must not be empty, got the shape] [0 3]",
        "unexpected shape for input 'points' for model 'gspn'. Expected [-1,3], got",
        "unexpected shape for input 'points' for model 'gspn'. Expected [-1,3], got",
        f"points must have at most {MOST} rows, got the shape] [{MOST + 1} 3]",
    )
    for found, status in ((lines[:7], "INVALID_ARGUMENT"), (lines[7:], "400")):
        for line, text in zip(found[:6], words, strict=True):
            assert status in line and text in line
        assert found[6] == "True"


def test_clients_as_programs(server, offline, tmp_path):
    points, colors = scan(400)
    np.savez(tmp_path / "scan.npz", points=points, colors=colors)
    expected = offline(points, colors).masks
    for address in server.addresses:
        command = [PYTHON, EXAMPLES / "triton_client.py", address]
        done = subprocess.run(
            [*command, tmp_path / "scan.npz"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert len(done.stdout.splitlines()) == len(expected)
        assert f"{len(expected[0]):,} points" in done.stdout.splitlines()[0]


def test_a_killed_server_started_again_loses_no_answer(server, offline, tmp_path):
    wanted = 2 * sizes(20)
    with server.load(tmp_path / "load", CLIENTS, sizes=wanted) as clients:
        done = [read_line(clients.stdout.readline()) for _ in range(10)]
        server.kill()
        server.start()
        done += [read_line(line) for line in clients.stdout]
    assert clients.returncode == 0
    assert sorted(each.request for each in done) == list(range(len(wanted)))
    assert max(each.tries for each in done) > 1
    answers = [
        read_answer(tmp_path / "load" / f"{number}.npz")
        for number in range(len(wanted))
    ]
    before = {}  # of each size: two halves and two rounds
    for count, answer in zip(wanted, answers, strict=True):
        assert_answers(answer, offline(*scan(count)), count)
        first = before.setdefault(count, answer)
        assert first["masks_bytes"] == answer["masks_bytes"]
        for name in ("boxes", "classes", "scores", "num_detections"):
            np.testing.assert_array_equal(first[name], answer[name])


def test_versions_are_loaded_and_unloaded(server, sure_network, tmp_path):
    """Also while clients ask: version 2 comes, then version 1 is chosen again."""
    assert server.states() == {"1": "READY"}
    export_toy(sure_network, server.repository, triton, version=2, max_points=FEW)
    assert server.states() == {"1": "READY"}
    end = tmp_path / "end"
    job = {"sizes": [FEW], "until": str(end)}
    with server.load(tmp_path / "load", CLIENTS, **job) as clients:
        clients.stdout.readline()
        server.control("load")
        end.touch()
        tries = [read_line(line).tries for line in clients.stdout]
    assert clients.returncode == 0 and set(tries) == {1}
    assert server.becomes({"1": "UNAVAILABLE", "2": "READY"})
    assert server.send(tmp_path / "refused", sizes=[FEW + 1]) is None

    config = server.repository / "gspn" / "config.pbtxt"
    policy = "version_policy { specific { versions: [ 1 ] } }\n"
    config.write_text(config.read_text() + policy)
    server.control("load")
    assert server.becomes({"1": "READY", "2": "UNAVAILABLE"})
    assert server.send(tmp_path / "taken", sizes=[FEW + 1])

    server.control("unload")
    assert server.becomes({"1": "UNAVAILABLE", "2": "UNAVAILABLE"})
    with pytest.raises(urllib.error.HTTPError):
        server.ask("GET", "models/gspn/ready")
    server.control("load")
    assert server.states()["1"] == "READY"


def test_native_ops(sure_network, offline, tmp_path):
    export_toy(sure_network, tmp_path / "models", triton, ops="native")
    server = Triton(PYTHON, tmp_path / "models", tmp_path)
    server.start()
    try:
        assert server.send(tmp_path / "load", sizes=[1, 3000])
    finally:
        server.kill()
    for number, count in enumerate([1, 3000]):
        answer = read_answer(tmp_path / "load" / f"{number}.npz")
        assert_answers(answer, offline(*scan(count)), count)
