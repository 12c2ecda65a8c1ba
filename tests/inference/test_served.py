"""Exports in processes without this package: Python, C++, and a server's clients."""

import os
import shutil
import subprocess
import sys
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from serving.answers import (
    EXAMPLES,
    assert_answers,
    client,
    library,
    running_server,
)
from serving.far_scans import scan
from serving.toy_export import MAX_POINTS, NUM_POINTS
from tensorflow.core.framework.tensor_pb2 import TensorProto

from gspn_tf.inference.segmenter import Segmenter

pytestmark = pytest.mark.slow
KINDS = ("portable", "native")
SIZES = (100, 1000, 5000)
PADDED = [300, 1, 777]
TENSORFLOW = Path(tf.sysconfig.get_lib())
CC = TENSORFLOW / "libtensorflow_cc.so.2"
PROGRAM = """
import sys
from pathlib import Path
sys.modules["gspn_tf"] = None
import numpy as np
import tensorflow as tf

model, library, *folders = sys.argv[1:]
if library != "none":
    tf.load_op_library(library)
serve = tf.saved_model.load(model).signatures["serving_default"]
for folder in map(Path, folders):
    with np.load(folder / "request.npz") as request:
        inputs = {name: tf.constant(request[name]) for name in request}
    for name, value in serve(**inputs).items():
        proto = tf.make_tensor_proto(value.numpy(), value.dtype)
        (folder / f"out_{name}.pb").write_bytes(proto.SerializeToString())
"""


@pytest.fixture(scope="module")
def offline(sure_network):
    return Segmenter(sure_network, NUM_POINTS).segment


def batch():
    """Scans of several sizes in one request."""
    points = np.zeros((len(PADDED), max(PADDED), 3), np.float32)
    colors = np.zeros(points.shape, np.uint8)
    for row, count in enumerate(PADDED):
        points[row, :count], colors[row, :count] = scan(count)
    return points, colors, np.int32(PADDED)


def write_requests(folder):
    """A folder a request: some scans alone, and the batch."""
    requests = {str(count): (*scan(count), np.int32(-1)) for count in SIZES}
    requests["batch"] = batch()
    for name, values in requests.items():
        (folder / name).mkdir()
        inputs = dict(zip(("points", "colors", "num_points"), values, strict=True))
        np.savez(folder / name / "request.npz", **inputs)
        if inputs["num_points"].ndim == 0:
            del inputs["num_points"]  # C++ takes the signature's default
        for key, value in inputs.items():
            proto = tf.make_tensor_proto(value).SerializeToString()
            (folder / name / f"{key}.pb").write_bytes(proto)
    return [folder / name for name in requests]


def read_outputs(folder):
    return {
        path.stem.removeprefix("out_"): tf.make_ndarray(
            TensorProto.FromString(path.read_bytes())
        )
        for path in folder.glob("out_*.pb")
    }


def assert_all_answered(folders, offline):
    *alone, together = map(read_outputs, folders)
    for count, outputs in zip(SIZES, alone, strict=True):
        assert_answers(outputs, offline(*scan(count)), count)
        assert outputs["num_detections"][0] > 0
    for row, count in enumerate(PADDED):
        assert_answers(together, offline(*scan(count)), count, row)


@pytest.mark.parametrize("ops", KINDS)
def test_a_process_with_tensorflow_alone(ops, exports, offline, tmp_path):
    """Of the Python that GSPN_SERVING_PYTHON names, as make test-export-2.19 does."""
    python = os.environ.get("GSPN_SERVING_PYTHON", sys.executable)
    folders = write_requests(tmp_path)
    paths = [exports[ops], library(exports[ops]), *folders]
    command = [python, "-c", PROGRAM, *map(str, paths)]
    subprocess.run(command, check=True, cwd=tmp_path, timeout=600)
    assert_all_answered(folders, offline)


def test_native_ops_without_their_library(exports, tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(exports["native"]), "none"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode and "Op type not registered 'Gspn>" in done.stderr


@pytest.fixture(scope="module")
def cpp_program(tmp_path_factory):
    compiler = os.environ.get("CXX", "g++")
    if not shutil.which(compiler):
        pytest.skip(f"no C++ compiler {compiler}")
    if not CC.exists():
        pytest.skip(f"this TensorFlow comes without {CC.name}")
    program = tmp_path_factory.mktemp("cpp") / "run_model"
    libraries = [f"-l:{CC.name}", "-l:libtensorflow_framework.so.2"]
    command = [
        *(compiler, "-O0", "-w", "-isystem", tf.sysconfig.get_include()),
        *tf.sysconfig.get_compile_flags()[1:],
        *(EXAMPLES / "run_model.cc", "-o", program),
        *(f"-L{TENSORFLOW}", "-Wl,--no-as-needed", *libraries),
        f"-Wl,-rpath,{TENSORFLOW}",
    ]
    subprocess.run(command, check=True, timeout=600)
    return program


@pytest.mark.build
@pytest.mark.parametrize("ops", KINDS)
def test_a_cpp_program(ops, cpp_program, exports, offline, tmp_path):
    folders = write_requests(tmp_path)
    bad = tmp_path / "bad"
    bad.mkdir()
    for name, value in (("points", scan(5)[0]), ("colors", scan(4)[1])):
        proto = tf.make_tensor_proto(value).SerializeToString()
        (bad / f"{name}.pb").write_bytes(proto)
    order = [bad, *folders]  # the rest is answered after an error
    paths = [cpp_program, exports[ops], "serving_default", library(exports[ops])]
    done = subprocess.run(
        [*paths, *order], capture_output=True, text=True, check=True, timeout=600
    )
    first, *others = done.stdout.splitlines()
    assert "INVALID_ARGUMENT" in first and "colors must have the shape" in first
    assert others[-len(folders) :] == [f"{folder} OK" for folder in folders]
    assert_all_answered(folders, offline)


@pytest.fixture(scope="module", params=KINDS)
def server(request, exports):
    pytest.importorskip(
        "tensorflow_serving.apis", reason="tensorflow-serving-api is not installed"
    )
    with running_server(exports[request.param]) as (port, rest_port):
        yield f"localhost:{port}", f"http://localhost:{rest_port}"


def test_features_by_grpc_are_of_the_same_classes(server, offline):
    grpc_client = client("grpc_client")
    stub = grpc_client.connect(server[0])
    features = grpc_client.predict(stub, *scan(3000), signature="segment_features")
    expected = offline(*scan(3000)).semantic
    np.testing.assert_array_equal(features["classes"][0], expected)


def test_bad_requests_leave_the_server_healthy(server, offline):
    import grpc

    grpc_client, rest_client = client("grpc_client"), client("rest_client")
    stub = grpc_client.connect(server[0])
    with pytest.raises(grpc.RpcError) as error:
        grpc_client.predict(stub, *scan(MAX_POINTS + 1))
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert f"at most {MAX_POINTS} rows" in error.value.details()
    with pytest.raises(urllib.error.HTTPError) as error:
        rest_client.predict(server[1], *scan(500), num_points=501)
    assert error.value.code == 400
    assert "num_points must be within 1 and" in error.value.read().decode()
    answer = rest_client.predict(server[1], *scan(700))
    assert_answers(answer, offline(*scan(700)), 700)


def test_many_clients_at_once(server, offline):
    grpc_client = client("grpc_client")
    stub, sizes = (
        grpc_client.connect(server[0]),
        np.geomspace(1, 20_000, 24).astype(int),
    )
    with ThreadPoolExecutor(4) as clients:
        answers = clients.map(
            lambda size: grpc_client.predict(stub, *scan(size)), sizes
        )
    for size, answer in zip(sizes, answers, strict=True):
        assert_answers(answer, offline(*scan(size)), size)


@pytest.mark.parametrize("name", ["grpc_client.py", "rest_client.py"])
def test_clients_as_programs(name, server, tmp_path, offline):
    points, colors = scan(400)
    np.savez(tmp_path / "scan.npz", points=points, colors=colors)
    address = server[0] if name.startswith("grpc") else server[1]
    command = [sys.executable, EXAMPLES / name, address, tmp_path / "scan.npz"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    expected = offline(points, colors)
    assert len(done.stdout.splitlines()) == len(expected.masks)
    assert f"{len(expected.masks[0]):,} points" in done.stdout.splitlines()[0]
