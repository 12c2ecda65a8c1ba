"""Weights in pickles are read, and nothing that a pickle names is run."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import weight_files
from weight_files import Call, Named, dumped

from gspn_tf.files.errors import ScanError
from gspn_tf.files.pickles import read_named_lists
from gspn_tf.files.torch_file import read_tensors

RNG = np.random.default_rng(0)
TENSORS = {
    "a.weight": RNG.normal(size=(4, 3, 2, 2)).astype(np.float32),
    "a.bias": RNG.normal(size=4),
    "count": np.array(7),
    "turned": np.asfortranarray(RNG.normal(size=(3, 5)).astype(np.float32)),
}
LAYERS = {
    "conv1": [RNG.normal(size=(3, 3, 2, 4)).astype(np.float32), np.ones(4, ">f4")],
    "fc6": [np.asfortranarray(RNG.normal(size=(6, 5))), np.arange(5)],
}
TORCH = {"zip": weight_files.write_torch, "legacy": weight_files.write_legacy_torch}


@pytest.mark.parametrize("layout", TORCH)
def test_tensors_are_those_that_were_written(layout, tmp_path):
    found = read_tensors(TORCH[layout](tmp_path / "model.pth", TENSORS))
    assert list(found) == list(TENSORS)
    for name, expected in TENSORS.items():
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == expected.dtype


def test_arrays_are_those_that_were_written(tmp_path):
    modern, old = tmp_path / "modern.npy", tmp_path / "old.npy"
    np.save(modern, np.array(LAYERS, dtype=object), allow_pickle=True)
    weight_files.write_caffe(old, LAYERS)
    for path in (modern, old):
        found = read_named_lists(path)
        assert list(found) == ["conv1", "fc6"]
        for name, pair in LAYERS.items():
            for expected, array in zip(pair, found[name], strict=True):
                np.testing.assert_array_equal(array, expected)


def hostile(kind: str, marker):
    """Objects whose pickles would write a file."""
    code = f"open({str(marker)!r}, 'w').close()"
    return {
        "exec": Call(Named("builtins", "exec"), code),
        "system": Call(Named("os", "system"), f"touch {marker}"),
        "attribute": Call(Named("torch._utils", "os.system"), f"touch {marker}"),
        "numpy": Call(Named("numpy.testing._private.utils", "runstring"), code, {}),
    }[kind]


@pytest.mark.parametrize("kind", ["exec", "system", "attribute", "numpy"])
@pytest.mark.parametrize("layout", ["npy", "zip", "legacy"])
def test_a_hostile_pickle_runs_nothing(kind, layout, tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "model.pth"
    bad = {"conv1": [hostile(kind, marker)]}
    if layout == "npy":
        weight_files.write_caffe(path, bad)
    elif layout == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/data.pkl", dumped(bad))
    else:
        path.write_bytes(dumped(bad))
    with pytest.raises(ScanError) as error:
        (read_named_lists if layout == "npy" else read_tensors)(path)
    assert not marker.exists()
    message = str(error.value)
    assert str(path) in message and "nothing of it was run" in message
    assert "\n" not in message and len(message) < 400


def test_the_hostile_pickle_is_one(tmp_path):
    marker = tmp_path / "ran"
    pickle.loads(dumped(hostile("exec", marker)))
    assert marker.exists()


def damaged(data: bytes):
    """Parts of a file, and the file with bytes changed."""
    rng = np.random.default_rng(1)
    yield b""
    for end in rng.integers(1, len(data) - 1, 40):
        yield data[:end]
    for at in rng.integers(0, len(data), 200):
        changed = bytearray(data)
        changed[at] = rng.integers(256)
        yield bytes(changed)


@pytest.mark.parametrize("layout", ["npy", "zip", "legacy"])
def test_damage_is_one_line(layout, tmp_path):
    path = tmp_path / "model"
    if layout == "npy":
        weight_files.write_caffe(path, LAYERS)
    else:
        TORCH[layout](path, TENSORS)
    read, errors = (read_named_lists if layout == "npy" else read_tensors), 0
    for data in damaged(path.read_bytes()):
        path.write_bytes(data)
        try:
            read(path)
        except ScanError as error:
            errors += 1
            assert str(path) in str(error) and "\n" not in str(error)
    assert errors > 40


def test_sizes_that_a_pickle_makes_up_take_no_memory(tmp_path):
    path = tmp_path / "model.npy"
    header = io.BytesIO()
    form = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(header, form)
    huge = [
        pickle.PROTO + b"\4" + pickle.EMPTY_LIST + pickle.LONG_BINPUT + b"\xff" * 4,
        pickle.PROTO + b"\4" + pickle.BINBYTES8 + b"\xff" * 7 + b"\x00",
        dumped(Call(Named("numpy", "ndarray"), (2**50,))),
    ]
    for content in huge:
        path.write_bytes(header.getvalue() + content + pickle.STOP)
        with pytest.raises(ScanError, match="is not a readable npy file"):
            read_named_lists(path)


@pytest.mark.parametrize(
    "content, message",
    [
        ([1, 2], "expected a dict of tensors"),
        ({"a": 1}, "expected a dict of tensors, as of a state_dict"),
    ],
)
def test_other_content_is_named(content, message, tmp_path):
    path = tmp_path / "model.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", dumped(content))
    with pytest.raises(ScanError, match=message):
        read_tensors(path)


def test_a_tensor_beyond_its_storage_is_named(tmp_path):
    array = np.zeros(6, np.float32)
    path = tmp_path / "model.pth"
    calls, _ = weight_files.tensors_of({"a": array})
    calls["a"].arguments = (*calls["a"].arguments[:1], 3, (2, 3), (3, 1), False, None)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", dumped(calls))
        archive.writestr("model/data/0", array.tobytes())
    with pytest.raises(ScanError, match="a tensor ends at 8 of 6 numbers"):
        read_tensors(path)
