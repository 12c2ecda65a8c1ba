"""The folder of an export: its files, and that it is there whole or not at all."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from serving import toy_export
from serving.toy_export import export_toy
from tensorflow.core.protobuf import saved_model_pb2

from gspn_tf import config as config_lib
from gspn_tf.inference.serving import saved_model, warmup
from gspn_tf.inference.serving.requests import EVERY_ROW

KINDS = (pytest.param("portable", marks=pytest.mark.slow), "native")
ROOT = str(Path(__file__).resolve().parents[2])
# Lists the operators of a SavedModel that this process, which has TensorFlow alone,
# does not know, and those that are Python.
UNKNOWN = """
import sys
sys.modules["gspn_tf"] = None
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry
saved = saved_model_pb2.SavedModel.FromString(open(sys.argv[1], "rb").read())
graph = saved.meta_graphs[0].graph_def
nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
functions = {f.signature.name for f in graph.library.function}
names = {node.op for node in nodes} - functions
known = op_def_registry.get
print(*sorted(name for name in names if known(name) is None or "PyFunc" in name))
"""


def graph_of(exported):
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((exported / "saved_model.pb").read_bytes())
    return saved.meta_graphs[0]


@pytest.mark.parametrize("ops", KINDS)
def test_the_folder_is_whole(exports, ops):
    names = {path.name for path in exports[ops].iterdir()}
    library = {"_gspn_ops_tf2_21.so"} if ops == "native" else set()
    assert exports[ops].name == "1"
    assert names == library | {
        "saved_model.pb",
        "fingerprint.pb",
        "variables",
        "assets",
        "assets.extra",
        "batching_params.pbtxt",
        "README.txt",
    }
    assert [path.name for path in exports[ops].parent.iterdir()] == ["1"]
    readme = (exports[ops] / "README.txt").read_text()
    assert ("load_op_library" in readme) == (ops == "native")
    assert "{" not in readme and "90,000" in readme


def test_assets(exports, sure_network):
    assets = exports["native"] / "assets"
    assert (assets / "classes.txt").read_text() == "3 cabinet\n4 bed\n5 chair\n"
    config = config_lib.read_config(assets / "config.json")
    assert config.model == sure_network.config
    provenance = json.loads((assets / "provenance.json").read_text())
    assert provenance["ops"] == "native"
    assert provenance["exported_with"]["tensorflow"] == tf.__version__
    assert provenance["trained"] == {"run": "toy"}
    assert len(provenance["weights_sha256"]) == 64


@pytest.mark.parametrize("ops", KINDS)
def test_signatures(exports, ops):
    signatures = graph_of(exports[ops]).signature_def
    inputs = {"points": "float32", "colors": "uint8", "num_points": "int32"}
    outputs = {
        "serving_default": {
            "boxes": ("float32", [-1, -1, 6]),
            "classes": ("int32", [-1, -1]),
            "scores": ("float32", [-1, -1]),
            "masks_bytes": ("string", [-1, -1]),
            "num_detections": ("int32", [-1]),
        },
        "segment_features": {
            "features": ("float32", [-1, -1, 32]),
            "centers": ("float32", [-1, -1, 3]),
            "classes": ("int32", [-1, -1]),
        },
    }
    assert set(signatures) == {*outputs, "__saved_model_init_op"}
    for name, expected in outputs.items():
        taken, given = signatures[name].inputs, signatures[name].outputs
        kinds = {k: tf.dtypes.as_dtype(v.dtype).name for k, v in taken.items()}
        assert kinds == inputs
        assert tf.make_ndarray(signatures[name].defaults["num_points"]) == EVERY_ROW
        found = {
            k: (
                tf.dtypes.as_dtype(v.dtype).name,
                [dim.size for dim in v.tensor_shape.dim],
            )
            for k, v in given.items()
        }
        assert found == expected


@pytest.mark.slow
def test_portable_ops_are_tensorflows_own(exports):
    """Looked up by a process that never loaded the library."""
    path = exports["portable"] / "saved_model.pb"
    command = [sys.executable, "-c", UNKNOWN, path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    native = [sys.executable, "-c", UNKNOWN, exports["native"] / "saved_model.pb"]
    done = subprocess.run(native, capture_output=True, text=True, check=True)
    found = done.stdout.split()
    assert "Gspn>NearestAssign" in found
    assert all(name.startswith("Gspn>") for name in found)


@pytest.mark.slow
def test_warm_up_requests(exports):
    logs = pytest.importorskip(
        "tensorflow_serving.apis.prediction_log_pb2",
        reason="tensorflow-serving-api is not installed",
    )
    path = exports["native"] / "assets.extra" / "tf_serving_warmup_requests"
    records = [
        logs.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(path))
    ]
    serve = tf.saved_model.load(str(exports["native"])).signatures
    seen = set()
    for record in records:
        request = record.predict_log.request
        name = request.model_spec.signature_name
        inputs = {k: tf.constant(tf.make_ndarray(v)) for k, v in request.inputs.items()}
        seen.add((name, inputs["points"].shape[1]))
        serve[name](**inputs)  # an error here would keep a server from starting
        written = warmup.prediction_log(name, inputs)
        assert logs.PredictionLog.FromString(written) == record
    names = ("serving_default", "segment_features")
    assert seen == {(name, count) for name in names for count in (100, 256)}


def test_an_existing_version_stays(exports, sure_network):
    exported = exports["native"]
    before = sorted(path.stat().st_mtime_ns for path in exported.rglob("*"))
    with pytest.raises(FileExistsError, match="give another version"):
        export_toy(sure_network, exported.parent, ops="native")
    assert sorted(path.stat().st_mtime_ns for path in exported.rglob("*")) == before


@pytest.mark.parametrize(
    "options, message",
    [
        ({"ops": "cuda"}, "ops must be one of portable, native, got 'cuda'"),
        ({"version": 0}, "version must be 1 or more, got 0"),
        ({"max_points": 0}, "max_points must be 1 or more, got 0"),
    ],
)
def test_bad_arguments(options, message, sure_network, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_toy(sure_network, tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


def test_native_ops_without_a_library(sure_network, tmp_path, monkeypatch):
    def missing():
        raise ImportError("no library")

    monkeypatch.setattr(saved_model.op_lib, "load_library", missing)
    with pytest.raises(ImportError, match="no library"):
        export_toy(sure_network, tmp_path, ops="native")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("broken", ["save", "copyfile"])
def test_nothing_is_left_where_saving_fails(
    broken, sure_network, tmp_path, monkeypatch
):
    def save(module, path, **kwargs):
        Path(path).mkdir()
        (Path(path) / "half").touch()
        if broken == "save":
            raise OSError("disk full")

    def copyfile(*args):
        raise OSError("disk full")

    monkeypatch.setattr(tf.saved_model, "save", save)
    monkeypatch.setattr(saved_model.shutil, "copyfile", copyfile)
    with pytest.raises(OSError, match="disk full"):
        export_toy(sure_network, tmp_path, ops="native")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["mkdir", "rename"])
def test_a_killed_export_leaves_no_version(moment, tmp_path):
    """Killed when the first file is written, and when all but the name is done."""
    command = [sys.executable, toy_export.__file__, moment, tmp_path]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": ROOT}, timeout=300)
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".export-")
    assert bool(list(left.rglob("saved_model.pb"))) == (moment == "rename")
