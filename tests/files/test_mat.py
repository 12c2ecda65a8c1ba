"""Arrays of MAT files: those that scipy writes, and what is damaged."""

import struct

import numpy as np
import pytest
import scipy.io

from gspn_tf.files.errors import ScanError
from gspn_tf.files.mat import read_arrays

ARRAYS = {
    "trainNdxs": np.arange(1, 90, dtype=np.uint16)[:, None],
    "x": np.linspace(0, 1, 24).reshape(2, 3, 4),
    "one": np.int8([[5]]),
    "long_name_of_an_array": np.float32([[1, np.nan, 3]]),
}
OTHERS = {"text": "abc", "cells": np.array([[1, "a"]], object), "z": np.array([[1j]])}


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_of_numbers_come_back(compressed, tmp_path):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, ARRAYS | OTHERS, do_compression=compressed)
    found = read_arrays(path)
    assert set(found) == set(ARRAYS)
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype


def test_bytes_in_the_other_order(tmp_path):
    parts = struct.pack(">4I", 6, 8, 11, 0)  # flags: class 11, uint16
    parts += struct.pack(">4i", 5, 8, 1, 3)  # shape
    parts += struct.pack(">HH4s", 1, 1, b"n")  # name, in four bytes
    parts += struct.pack(">2I4H", 4, 6, 7, 8, 300, 0)
    head = b"MATLAB 5.0".ljust(124) + b"\1\0MI"
    path = tmp_path / "a.mat"
    path.write_bytes(head + struct.pack(">2I", 14, len(parts)) + parts)
    assert read_arrays(path)["n"].tolist() == [[7, 8, 300]]


@pytest.mark.parametrize("compressed", [False, True])
def test_changed_bytes_are_arrays_or_one_line(compressed, tmp_path):
    path, rng = tmp_path / "a.mat", np.random.default_rng(0)
    scipy.io.savemat(path, ARRAYS, do_compression=compressed)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    refused = 0
    for _ in range(300):
        changed = whole.copy()
        changed[rng.integers(0, len(whole), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(changed.tobytes())
        try:
            assert all(len(values.shape) > 1 for values in read_arrays(path).values())
        except ScanError as error:
            refused += 1
            assert str(path) in str(error) and "\n" not in str(error)
    assert refused > 20


def test_random_bytes_are_one_line(tmp_path):
    path, rng = tmp_path / "a.mat", np.random.default_rng(0)
    scipy.io.savemat(path, ARRAYS)
    head = path.read_bytes()[:128]
    for size in (1, 7, 8, 9, 100, 1000):
        body = rng.integers(0, 256, size).astype(np.uint8).tobytes()
        for content in (body, head + body):
            path.write_bytes(content)
            with pytest.raises(ScanError, match="a.mat is not a readable MAT file: "):
                read_arrays(path)
