"""The shipped model behind Triton and behind the test server, in one run.

Prints requests a second, latencies and memory; see test_triton.py for what it needs:

    GSPN_TRITON_PYTHON=... python -m pytest -s tests/inference/test_triton_speed.py
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from serving.answers import assert_answers, client, server_process
from serving.triton_server import Triton, memory_mb, read_answer, read_line

from gspn_tf.config import preset_folder
from gspn_tf.data import sample_scan
from gspn_tf.files.scans import read_scan
from gspn_tf.inference import segmenter as inference
from gspn_tf.inference.serving import triton

PYTHON = os.environ.get("GSPN_TRITON_PYTHON")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not PYTHON, reason="GSPN_TRITON_PYTHON names no Python with nvidia-pytriton"
    ),
]
REQUESTS = 40


def show(name, clients, wall, seconds, memory):
    middle, most = np.quantile(seconds, [0.5, 0.99])
    print(
        f"\n{name:12} {clients} clients: {len(seconds) / wall:.2f} requests/s, "
        f"p50 {middle:.2f} s, p99 {most:.2f} s, {memory:.0f} MB",
        end="",
    )


def time_triton(folder, file):
    """Time the server of folder/models with one and with four clients; two answers."""
    server, answers = Triton(PYTHON, folder / "models", folder), []
    server.start()
    try:
        for clients in (1, 4):
            output = folder / f"load_{clients}"
            job = {"scan": str(file), "repeats": REQUESTS + 1}
            job["addresses"] = server.addresses[:1]
            with server.load(output, clients, **job) as load:
                load.stdout.readline()  # the client's imports are not timed
                start = time.perf_counter()
                seconds = [read_line(line).seconds for line in load.stdout]
                wall = time.perf_counter() - start
            assert load.returncode == 0
            memory = memory_mb(server.process.pid)
            show("Triton", clients, wall, seconds, memory)
            answers.append(read_answer(output / f"{REQUESTS}.npz"))
    finally:
        server.kill()
    return answers


def test_triton_beside_the_test_server(tmp_path):
    pytest.importorskip(
        "tensorflow_serving.apis", reason="tensorflow-serving-api is not installed"
    )
    run = inference.load_run(preset_folder("indoor"))
    exported = triton.export(*run, tmp_path / "models") / "saved_model"
    scan = read_scan(sample_scan())
    count = len(scan.points)
    file = tmp_path / "scan.npz"
    np.savez(file, points=scan.points, colors=scan.colors)
    asked = time_triton(tmp_path, file)
    grpc_client = client("grpc_client")
    with server_process(exported) as process:
        port, _ = process.stdout.readline().split()
        stub = grpc_client.connect(f"localhost:{port}")

        def ask(_):
            start = time.perf_counter()
            answer = grpc_client.predict(stub, scan.points, scan.colors, timeout=600)
            return time.perf_counter() - start, answer

        ask(0)  # it is not warm before
        for clients in (1, 4):
            start = time.perf_counter()
            with ThreadPoolExecutor(clients) as pool:
                seconds, answers = zip(*pool.map(ask, range(REQUESTS)), strict=True)
            wall = time.perf_counter() - start
            show("test server", clients, wall, seconds, memory_mb(process.pid))
    expected = inference.Segmenter.from_config(run[0], run[1].data)
    found = expected.segment(scan.points, scan.colors)
    assert len(found.masks) > 0
    for answer in (*asked, answers[-1]):
        assert_answers(answer, found, count)
