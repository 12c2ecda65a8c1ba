"""Models and layers from files: in a fresh process, as presets, as exports."""

import json
import os
import pkgutil
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import gspn_tf
from gspn_tf import config as c
from gspn_tf import models
from gspn_tf.nn import layers
from gspn_tf.nn.pyramid import Level
from gspn_tf.types import Interpolation

CLASSES = ((3, "cabinet"), (4, "bed"), (5, "chair"))
DATA = c.DataConfig(num_points_inference=256, sampling="farthest")


@pytest.fixture(scope="module")
def sgpn(tiny_sgpn) -> models.SGPN:
    """The smallest network. Tests leave it as it is."""
    keras.utils.set_random_seed(1)
    return models.SGPN(tiny_sgpn, classes=CLASSES, data=DATA)


@pytest.fixture(scope="module")
def preset(sgpn, tmp_path_factory):
    """A folder that tests copy before they change it."""
    path = tmp_path_factory.mktemp("presets") / "rooms"
    sgpn.save_to_preset(path)
    return path


def assert_same_weights(a, b):
    for left, right in zip(a.weights, b.weights, strict=True):
        np.testing.assert_array_equal(left, right, err_msg=left.path)


def functional() -> keras.Model:
    """A network of all public layers."""
    entry = keras.Input
    points, colors = entry((20, 3)), entry((20, 2))
    level = Level(
        entry((16, 3)), entry((), dtype="int32"), entry((16, 8), dtype="int32")
    )
    table = Interpolation(entry((20, 3), dtype="int32"), entry((20, 3)))
    x = layers.SetAbstraction((8, 8), 2, name="down")(points, level, features=colors)
    x = layers.FeaturePropagation((8,), 8, 2)(x, table, skip=colors)
    x = layers.BatchNorm(4, momentum=0.5, name="norm")(layers.SharedMLP((4,), (8,))(x))
    gaussian = layers.GaussianMLP((8,), 3, 4)(x)
    boxes, valid = entry((5, 6)), entry((5,), dtype="bool")
    count, seed = entry((), dtype="int32"), entry(batch_shape=(2,), dtype="int32")
    regions = layers.PointRoIAlign(7, margin=0.1)(points, boxes, valid, count, seed)
    inputs = [points, colors, *level, *table, boxes, valid, count, seed]
    return keras.Model(inputs, [*gaussian, *regions])


def example(model) -> list[np.ndarray]:
    rng = np.random.RandomState(0)
    rows = {"int32": lambda s: rng.randint(0, 16, s), "float32": lambda s: rng.rand(*s)}
    shapes = (
        (2 if x.shape[0] is None else x.shape[0], *x.shape[1:]) for x in model.inputs
    )
    return [
        np.asarray(rows.get(x.dtype, np.ones)(shape), x.dtype)
        for x, shape in zip(model.inputs, shapes, strict=True)
    ]


FRESH = """
import sys, gspn_tf
assert "keras" not in sys.modules and "tensorflow" not in sys.modules
import keras, numpy as np
assert "gspn_tf.models" not in sys.modules
found = {}
for name in ("functional", "gspn", "rpointnet", "sgpn"):
    model = keras.saving.load_model(f"{name}.keras")
    found |= {f"{name} {i}": x for i, x in enumerate(model.get_weights())}
    if name == "functional":
        inputs = np.load("inputs.npz")
        outputs = model([inputs[str(i)] for i in range(len(model.inputs))])
        found |= {f"output {i}": x for i, x in enumerate(outputs)}
model = gspn_tf.SGPN.from_preset("preset")
found |= {f"preset {i}": x for i, x in enumerate(model.get_weights())}
np.savez("found.npz", **found)
"""


def test_files_are_read_in_a_fresh_process(sure_network, sgpn, tmp_path):
    saved = {
        "functional": functional(),
        "gspn": sure_network.proposal_network,
        "rpointnet": sure_network,
        "sgpn": sgpn,
    }
    for name, model in saved.items():
        model.save(tmp_path / f"{name}.keras")
    saved["preset"] = sgpn
    sgpn.save_to_preset(tmp_path / "preset")
    inputs = example(saved["functional"])
    np.savez(tmp_path / "inputs.npz", **{str(i): x for i, x in enumerate(inputs)})
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "ignore", "-c", FRESH]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    expected = {
        f"{name} {i}": weight
        for name, model in saved.items()
        for i, weight in enumerate(model.get_weights())
    }
    outputs = saved["functional"](inputs)
    expected |= {f"output {i}": x for i, x in enumerate(outputs)}
    with np.load(tmp_path / "found.npz") as found:
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_a_preset_of_a_compiled_model_has_its_weights_alone(tiny_sgpn, tmp_path):
    model = models.SGPN(tiny_sgpn)
    model.compile("adam")
    model.optimizer.build(model.trainable_variables)
    model.save_to_preset(tmp_path / "own")
    with h5py.File(tmp_path / "own" / "model.weights.h5") as file:
        assert "optimizer" not in file
    again = models.SGPN.from_preset(tmp_path / "own")
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_all_that_is_registered_is_found_unimported():
    names = ("optimizer", "RPointNet", "AlexNet", "MaskRCNN", "PixelClassifier")
    assert all(getattr(gspn_tf, name) for name in names)  # imported, so registered
    registered = {
        name: kind
        for name, kind in keras.saving.get_custom_objects().items()
        if name.startswith("gspn_tf>") and isinstance(kind, type)
    }
    for name, kind in registered.items():
        (at,) = (at for at, names in gspn_tf._SAVED.items() if name[8:] in names)
        assert pkgutil.resolve_name(f"gspn_tf.{at}:{name[8:]}") is kind
    assert len(registered) == sum(map(len, gspn_tf._SAVED.values()))
    place = gspn_tf._Unimported("gspn_tf.nn.layers:BatchNorm")
    assert isinstance(place.from_config({"channels": 2}), layers.BatchNorm)


@pytest.mark.parametrize(
    "layer",
    [
        layers.BatchNorm(4, momentum=0.5, name="norm"),
        layers.SharedMLP((8, 4), (3, 2), name="mlp", trainable=False),
        layers.SetAbstraction((8,), 0),
        layers.FeaturePropagation((8,), 4, 0),
        layers.ContextEncoder(2, (8,), dtype="float32"),
        layers.GaussianMLP((8,), 3, 5),
        layers.PointRoIAlign(16),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_is_made_again_of_its_config(layer):
    form = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(form)
    assert type(again) is type(layer) and again.name == layer.name
    assert json.dumps(again.get_config()) == json.dumps(layer.get_config())
    shapes = [[w.shape for w in each.weights] for each in (layer, again)]
    assert shapes[0] == shapes[1]


def test_a_preset_holds_a_network_whole(sgpn, preset, tmp_path):
    assert sorted(path.name for path in preset.iterdir()) == [
        "README.md",
        "classes.json",
        "config.json",
        "metadata.json",
        "model.weights.h5",
        "preprocessing.json",
    ]
    again = models.SGPN.from_preset(preset)
    assert_same_weights(sgpn, again)
    assert (again.config, again.classes, again.data) == (sgpn.config, CLASSES, DATA)
    metadata = json.loads((preset / "metadata.json").read_text())
    assert metadata["parameter_count"] == sgpn.count_params()
    card = (preset / "README.md").read_text()
    assert f"{sgpn.count_params():,} parameters" in card and "| 4 | bed |" in card
    model, config, classes = gspn_tf.load_run(preset)
    assert config.data == DATA and classes == CLASSES and config.model == sgpn.config
    points = np.float32(np.random.RandomState(0).rand(300, 3))
    found = gspn_tf.Segmenter.from_preset(preset).segment(points)
    assert len(found.semantic) == 300


def test_matrices_of_a_preset_may_be_rounded(sgpn, preset, tmp_path):
    sgpn.save_to_preset(tmp_path / "half", half=True)
    again = models.SGPN.from_preset(tmp_path / "half")
    rounded = 0
    for ours, theirs in zip(sgpn.weights, again.weights, strict=True):
        expected = ours.numpy()
        if expected.ndim > 1:
            expected, rounded = np.float16(expected), rounded + 1
        assert theirs.dtype == ours.dtype
        np.testing.assert_array_equal(theirs.numpy(), expected, err_msg=ours.path)
    assert rounded > 5
    sizes = [
        (at / "model.weights.h5").stat().st_size for at in (preset, tmp_path / "half")
    ]
    assert sizes[1] < sizes[0]


def test_weights_beyond_half_precision_are_refused(tiny_sgpn, tmp_path):
    model = models.SGPN(tiny_sgpn)
    kernel = next(weight for weight in model.weights if weight.ndim > 1)
    kernel.assign(kernel + 1e5)
    with pytest.raises(ValueError, match="does not fit float16"):
        model.save_to_preset(tmp_path / "own", half=True)
    assert not list(tmp_path.glob("own/*"))


def test_presets_of_the_package_have_names(preset, monkeypatch):
    monkeypatch.setattr(c, "PRESETS", preset.parent)
    assert models.SGPN.from_preset("rooms").classes == CLASSES
    message = "no folder indoor, nor a preset of that name; presets: rooms"
    with pytest.raises(FileNotFoundError, match=message):
        models.SGPN.from_preset("indoor")


def test_a_proposal_network_comes_of_either_stage(sure_network, preset, tmp_path):
    sure_network.save_to_preset(tmp_path)
    found = models.GSPN.from_preset(tmp_path)
    assert_same_weights(found, sure_network.proposal_network)
    assert models.RPointNet.from_preset(tmp_path).proposal_network.trainable is False
    with pytest.raises(ValueError, match="must hold a network of class SGPN, not RPoi"):
        models.SGPN.from_preset(tmp_path)
    with pytest.raises(ValueError, match="classes.json must tell the classes"):
        gspn_tf.load_run(tmp_path)
    found.save_to_preset(tmp_path / "gspn", classes=CLASSES, data=DATA)
    assert models.GSPN.from_preset(tmp_path / "gspn").data == DATA
    with pytest.raises(ValueError, match="holds a GSPN: it makes proposals"):
        gspn_tf.Segmenter.from_preset(tmp_path / "gspn")
    with pytest.raises(ValueError, match="classes must be 3 pairs .* got 1"):
        found.save_to_preset(tmp_path, classes=CLASSES[:1])


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_network(path):
    with h5py.File(path, "r+") as file:
        del file["layers"]


@pytest.mark.parametrize(
    "name, damage",
    [
        ("config.json", cut),
        ("config.json", lambda path: path.unlink()),
        ("config.json", lambda path: path.write_text("{}")),
        ("config.json", lambda path: path.write_text("[]")),
        ("classes.json", cut),
        ("classes.json", lambda path: path.write_text("3")),
        ("preprocessing.json", lambda path: path.write_text('{"points": 3}')),
        ("model.weights.h5", cut),
        ("model.weights.h5", lambda path: path.write_bytes(b"")),
        ("model.weights.h5", lambda path: path.write_bytes(b"version https://git-lfs")),
        ("model.weights.h5", lambda path: path.unlink()),
        ("model.weights.h5", other_network),
    ],
)
def test_a_damaged_file_is_named(name, damage, sgpn, preset, tmp_path):
    folder = tmp_path / "preset"
    folder.mkdir()
    for path in preset.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    damage(folder / name)
    with pytest.raises(ValueError, match=f"^{folder / name} ") as error:
        models.SGPN.from_preset(folder)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_export_of_a_model_is_that_of_the_command(sure_network, exports, tmp_path):
    data = c.DataConfig(num_points=256, num_points_inference=256)
    sure_network.save_to_preset(tmp_path / "preset", CLASSES, data)
    model = models.RPointNet.from_preset(tmp_path / "preset")
    with pytest.raises(ValueError, match="export needs classes and data"):
        sure_network.export(tmp_path / "none")
    folder = model.export(
        tmp_path / "export", max_points=90_000, trained={"run": "toy"}
    )
    assert folder == tmp_path / "export" / "1"
    expected = exports["portable"]

    def files(at):
        return {path.relative_to(at) for path in at.rglob("*") if path.is_file()}

    assert files(folder) == files(expected)
    for name in ("classes.txt", "config.json", "provenance.json"):
        both = [(at / "assets" / name).read_text() for at in (folder, expected)]
        assert both[0] == both[1]
    assert tf.saved_model.contains_saved_model(folder)
