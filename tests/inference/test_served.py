"""Exports in processes without this package: a C++ program, and a server."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from serving.far_scans import padded, scan
from serving.toy_export import NUM_POINTS
from tensorflow.core.framework.tensor_pb2 import TensorProto

from benchmarks.answers import (
    EXAMPLES,
    assert_answers,
    library,
    running_server,
)
from gspn_tf.inference.segmenter import Segmenter

pytestmark = pytest.mark.slow
KINDS = ("portable", "native")
SIZES = (100, 1000, 5000)
PADDED = [300, 1, 777]
TENSORFLOW = Path(tf.sysconfig.get_lib())
CC = TENSORFLOW / "libtensorflow_cc.so.2"


@pytest.fixture(scope="module")
def offline(sure_network):
    return Segmenter(sure_network, NUM_POINTS).segment


def write_requests(folder):
    """A folder a request: some scans alone, and the batch."""
    requests = {str(count): scan(count) for count in SIZES}
    requests["batch"] = padded(PADDED, max(PADDED))
    for name, values in requests.items():
        (folder / name).mkdir()
        for key, value in zip(("points", "colors", "num_points"), values, strict=False):
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
    with running_server(exports[request.param]) as (port, rest_port, _):
        yield f"localhost:{port}", f"http://localhost:{rest_port}"


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
