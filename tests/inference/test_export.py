"""The folder of an export: its files, and that it is there whole or not at all."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from serving.toy_export import export_toy
from tensorflow.core.protobuf import saved_model_pb2

from gspn_tf import config as config_lib
from gspn_tf.inference.serving import saved_model, warmup
from gspn_tf.inference.serving.requests import EVERY_ROW

KINDS = ("portable", "native")


def graph_of(exported):
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((exported / "saved_model.pb").read_bytes())
    return saved.meta_graphs[0]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("ops", KINDS)
def test_signatures(exports, ops):
    signatures = graph_of(exports[ops]).signature_def
    inputs = {"points": "float32", "colors": "uint8", "num_points": "int32"}
    outputs = {
        "serving_default": {
            "boxes": "float32 (None, None, 6)",
            "classes": "int32 (None, None)",
            "scores": "float32 (None, None)",
            "masks_bytes": "string (None, None)",
            "num_detections": "int32 (None,)",
        },
        "segment_features": {
            "features": "float32 (None, None, 32)",
            "centers": "float32 (None, None, 3)",
            "classes": "int32 (None, None)",
        },
    }
    assert set(signatures) == {*outputs, "__saved_model_init_op"}
    for name, expected in outputs.items():
        taken, given = signatures[name].inputs, signatures[name].outputs
        kinds = {k: tf.dtypes.as_dtype(v.dtype).name for k, v in taken.items()}
        assert kinds == inputs
        assert tf.make_ndarray(signatures[name].defaults["num_points"]) == EVERY_ROW
        specs = {k: tf.TensorSpec(v.tensor_shape, v.dtype) for k, v in given.items()}
        found = {k: f"{s.dtype.name} {tuple(s.shape)}" for k, s in specs.items()}
        assert found == expected


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


@pytest.mark.parametrize(
    "module, name",
    [
        (saved_model.op_lib, "load_library"),
        (tf.saved_model, "save"),
        (saved_model.shutil, "copyfile"),
    ],
)
def test_nothing_is_left_where_saving_fails(
    module, name, sure_network, tmp_path, monkeypatch
):
    def save(module, path, **kwargs):
        Path(path).mkdir()
        (Path(path) / "half").touch()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(tf.saved_model, "save", save)
    monkeypatch.setattr(module, name, fail)
    with pytest.raises(OSError, match="disk full"):
        export_toy(sure_network, tmp_path, ops="native")
    assert not list(tmp_path.iterdir())
