"""The model repository for Triton: its config, its model.py, and that it is whole."""

import re

import numpy as np
import pytest
import tensorflow as tf
from serving.answers import assert_answers
from serving.fake_triton import load_model
from serving.far_scans import scan
from serving.toy_export import MAX_POINTS, NUM_POINTS, export_toy

from gspn_tf.inference.segmenter import Segmenter
from gspn_tf.inference.serving import saved_model, triton

KINDS = {
    "TYPE_FP32": tf.float32,
    "TYPE_UINT8": tf.uint8,
    "TYPE_INT32": tf.int32,
    "TYPE_STRING": tf.string,
}
TENSOR = re.compile(r'name: "(\w+)" data_type: (\w+) dims: \[([-\d, ]+)\]')


@pytest.fixture(scope="module")
def repository(sure_network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("triton") / "models"
    assert export_toy(sure_network, folder, triton) == folder / "gspn" / "1"
    return folder


def tensors(text):
    """{name: (dtype, dims)} of a part of config.pbtxt."""
    return {
        name: (KINDS[kind], [int(size) for size in dims.split(",")])
        for name, kind, dims in TENSOR.findall(text)
    }


@pytest.mark.slow
def test_the_config_is_that_of_the_signature(repository):
    folder = repository / "gspn"
    assert {path.name for path in folder.iterdir()} == {"config.pbtxt", "1"}
    assert {path.name for path in (folder / "1").iterdir()} == {
        "model.py",
        "saved_model",
    }
    text = (folder / "config.pbtxt").read_text()
    inputs, outputs = map(tensors, text.partition("input [")[2].split("output ["))
    assert inputs == {"points": (tf.float32, [-1, 3]), "colors": (tf.uint8, [-1, 3])}
    loaded = tf.saved_model.load(str(folder / "1" / "saved_model"))
    serve = loaded.signatures["serving_default"]
    taken = serve.structured_input_signature[1]
    assert {name: taken[name].dtype for name in inputs} == {
        name: kind for name, (kind, _) in inputs.items()
    }
    # Without the axis of scans.
    assert outputs == {
        name: (value.dtype, [size or -1 for size in value.shape[1:]] or [1])
        for name, value in serve.structured_outputs.items()
    }


@pytest.mark.slow
def test_the_model_answers_as_the_segmenter(repository, sure_network, monkeypatch):
    model = load_model(repository / "gspn" / "1", monkeypatch)
    segmenter = Segmenter(sure_network, NUM_POINTS)
    sizes = (1, 100, 3000)
    requests = [dict(zip(("points", "colors"), scan(n), strict=True)) for n in sizes]
    for count, response in zip(sizes, model.execute(requests), strict=True):
        assert response.error is None
        alone = {name: value[None] for name, value in response.outputs.items()}
        alone["num_detections"] = alone["num_detections"][0]
        assert_answers(alone, segmenter.segment(*scan(count)), count)
    assert alone["num_detections"] > 0


@pytest.mark.slow
def test_a_bad_request_spoils_no_other(repository, monkeypatch):
    model = load_model(repository / "gspn" / "1", monkeypatch)
    points, colors = scan(5)
    broken = np.full_like(points, np.nan)
    many = np.zeros((MAX_POINTS + 1, 3))
    responses = model.execute(
        [
            {"points": points, "colors": colors[:4]},
            {"points": points, "colors": colors},
            {"points": broken, "colors": colors},
            {"points": np.float32(many), "colors": np.uint8(many)},
            {"points": points[:0], "colors": colors[:0]},
        ]
    )
    texts = [str(response.error) for response in responses]
    assert texts == [
        "[colors must have the shape of points,] [5 3] [got] [4 3]",
        "None",
        "[points must be finite, number of rows that are not:] [5]",
        f"[points must have at most {MAX_POINTS} rows, got the shape] "
        f"[{MAX_POINTS + 1} 3]",
        "[points must not be empty, got the shape] [0 3]",
    ]
    assert len(responses[1].outputs) == 5
    for response in (*responses[:1], *responses[2:]):
        assert response.error.code == "INVALID_ARG"


@pytest.fixture
def quick_saving(monkeypatch):
    """SavedModels of an empty file each."""

    def save(module, path, **kwargs):
        tf.io.gfile.makedirs(path)
        tf.io.write_file(f"{path}/saved_model.pb", "")

    monkeypatch.setattr(tf.saved_model, "save", save)


def test_versions_are_beside_each_other(sure_network, tmp_path, quick_saving):
    export_toy(sure_network, tmp_path, triton)
    config = tmp_path / "gspn" / "config.pbtxt"
    config.write_text("# edited\n")
    second = export_toy(sure_network, tmp_path, triton, version=2)
    assert second == tmp_path / "gspn" / "2"
    assert (second / "saved_model" / "saved_model.pb").is_file()
    assert config.read_text() == "# edited\n"
    with pytest.raises(FileExistsError, match="gspn/2 exists; give another version"):
        export_toy(sure_network, tmp_path, triton, version=2)
    assert {path.name for path in config.parent.iterdir()} == {"config.pbtxt", "1", "2"}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"version": 0}, "version must be 1 or more, got 0"),
        ({"max_points": 0}, "max_points must be 1 or more, got 0"),
        ({"ops": "cuda"}, "ops must be one of portable, native, got 'cuda'"),
    ],
)
def test_bad_arguments(options, message, sure_network, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_toy(sure_network, tmp_path / "out", triton, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("failing", ["write_extras", "save_model"])
def test_nothing_is_left_where_saving_fails(
    failing, sure_network, tmp_path, quick_saving, monkeypatch
):
    def fail(*args, **kwargs):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(saved_model, failing, fail)
        with pytest.raises(OSError, match="disk full"):
            export_toy(sure_network, tmp_path, triton)
        assert not list(tmp_path.iterdir())
    export_toy(sure_network, tmp_path, triton)
    monkeypatch.setattr(saved_model, failing, fail)
    with pytest.raises(OSError, match="disk full"):
        export_toy(sure_network, tmp_path, triton, version=2)
    names = {path.name for path in (tmp_path / "gspn").iterdir()}
    assert names == {"config.pbtxt", "1"}
