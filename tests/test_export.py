"""A SavedModel that a fresh process serves with the same results."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf import export as export_lib
from gspn_tf.export import export

NAMES = ("cabinet", "bed", "chair")
SERVE = """
import sys
from pathlib import Path
import numpy as np
import tensorflow as tf

directory, inputs, outputs = map(Path, sys.argv[1:])
(library,) = directory.glob("*.so")
tf.load_op_library(str(library))
serve = tf.saved_model.load(str(directory / "1")).signatures["serving_default"]
for path in sorted(inputs.glob("*.npz")):
    with np.load(path) as scene:
        found = serve(**{name: tf.constant(scene[name]) for name in scene})
    np.savez(outputs / path.name, **{name: x.numpy() for name, x in found.items()})
assert "gspn_tf" not in sys.modules and "keras" not in str(type(serve))
"""


@pytest.fixture(scope="module")
def exported(sure_network, tmp_path_factory):
    directory = tmp_path_factory.mktemp("export") / "new" / "rooms"
    return export(sure_network, NAMES, directory)


@pytest.fixture(scope="module")
def scenes(tiny_batch):
    """Two sizes, one of them a padded batch, far enough to need the shift."""
    points = tiny_batch["points"] + np.float32([1024, 512, 0])
    return {
        "batch": {
            "points": points.numpy(),
            "colors": tiny_batch["colors"].numpy(),
            "num_points": tiny_batch["num_points"].numpy(),
        },
        "single": {
            "points": points[:1, :300].numpy(),
            "colors": tiny_batch["colors"][:1, :300].numpy(),
            "num_points": np.int32([300]),
        },
    }


@pytest.fixture(scope="module")
def served(exported, scenes, tmp_path_factory):
    """What another process, which never imports this package, answers."""
    folder = tmp_path_factory.mktemp("serve")
    inputs, outputs = folder / "in", folder / "out"
    inputs.mkdir()
    outputs.mkdir()
    for name, scene in scenes.items():
        np.savez(inputs / f"{name}.npz", **scene)
    subprocess.run(
        [sys.executable, "-c", SERVE, exported.parent, inputs, outputs],
        check=True,
        cwd=folder,
        timeout=300,
    )
    return {name: dict(np.load(outputs / f"{name}.npz")) for name in scenes}


@pytest.mark.parametrize("name", ["batch", "single"])
def test_a_fresh_process_serves_the_same(name, served, scenes, sure_network):
    scene, found = scenes[name], served[name]
    origin = scene["points"][:, :1]
    expected = sure_network.detect(
        {key: tf.constant(value) for key, value in scene.items()}
        | {"points": tf.constant(scene["points"] - origin)}
    )["detections"]
    valid = expected.valid.numpy()
    assert valid.any()
    assert set(found) == {"boxes", "classes", "scores", "masks", "valid"}
    np.testing.assert_array_equal(found["valid"], valid)
    np.testing.assert_array_equal(found["classes"], expected.classes)
    np.testing.assert_array_equal(found["masks"], expected.masks)
    np.testing.assert_allclose(found["scores"], expected.scores, atol=1e-5)
    boxes = expected.boxes + np.pad(origin, [(0, 0), (0, 0), (0, 3)])
    np.testing.assert_allclose(found["boxes"][valid], boxes[valid], atol=1e-3)
    for key in ("boxes", "classes", "scores", "masks"):
        assert not found[key][~valid].any()


def test_padding_belongs_to_nothing(served):
    masks = served["batch"]["masks"]
    assert masks.dtype == bool and masks.shape[2] == 512
    assert masks[1].any() and not masks[1, :, 400:].any()


def test_the_folder_is_whole(exported):
    directory = exported.parent
    assert exported.name == "1"
    (library,) = directory.glob("*.so")
    assert {path.name for path in directory.iterdir()} == {
        "1",
        "README.txt",
        library.name,
    }
    assert (
        f'tf.load_op_library("{library.name}")'
        in (directory / "README.txt").read_text()
    )
    classes = (exported / "assets" / "classes.txt").read_text()
    assert classes.splitlines() == list(NAMES)


def test_no_python_function_in_the_graph(exported):
    saved = (exported / "saved_model.pb").read_bytes()
    assert b"Gspn>" in saved  # the names of ops are readable there
    assert b"PyFunc" not in saved


def test_an_existing_version_stays(exported, sure_network):
    before = sorted(path.stat().st_mtime_ns for path in exported.rglob("*"))
    with pytest.raises(FileExistsError, match="give another version"):
        export(sure_network, NAMES, exported.parent)
    assert sorted(path.stat().st_mtime_ns for path in exported.rglob("*")) == before


@pytest.mark.parametrize("broken", ["save", "copy"])
def test_nothing_is_left_where_saving_fails(
    broken, sure_network, tmp_path, monkeypatch
):
    def save(module, path, **kwargs):
        Path(path).mkdir()
        (Path(path) / "half").touch()
        if broken == "save":
            raise OSError("disk full")

    def copy(*args):
        raise OSError("disk full")

    monkeypatch.setattr(tf.saved_model, "save", save)
    monkeypatch.setattr(export_lib.shutil, "copy2", copy)
    with pytest.raises(OSError, match="disk full"):
        export(sure_network, NAMES, tmp_path)
    assert not list(tmp_path.iterdir())
