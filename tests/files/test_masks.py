"""The mask file holds exactly what was written, in the form its module describes."""

import numpy as np
import pytest

from gspn_tf.masks import read_masks, write_masks


@pytest.mark.parametrize("num_masks, num_points", [(0, 9), (1, 0), (5, 1001)])
def test_round_trip(tmp_path, num_masks, num_points):
    masks = np.random.default_rng(0).random((num_masks, num_points)) < 0.3
    write_masks(tmp_path / "masks.npz", masks, num_points)
    np.testing.assert_array_equal(read_masks(tmp_path / "masks.npz"), masks)


def test_index_masks_and_the_documented_recipe(tmp_path):
    masks = [np.array([9, 0, 3]), np.zeros(10, bool), np.array([], int)]
    write_masks(tmp_path / "masks.npz", masks, 10)
    with np.load(tmp_path / "masks.npz") as archive:
        file = dict(archive)
    assert file["bits"].tolist() == [[0b1001, 0b10], [0, 0], [0, 0]]
    unpacked = np.unpackbits(
        file["bits"], axis=1, count=file["num_points"], bitorder="little"
    ).astype(bool)
    back = read_masks(tmp_path / "masks.npz")
    assert back.dtype == bool
    np.testing.assert_array_equal(unpacked, back)
    assert np.flatnonzero(unpacked[0]).tolist() == [0, 3, 9]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "masks.npz"
    write_masks(path, [np.ones(3, bool)], 3)
    with pytest.raises(ValueError, match=r"masks\[1\] must be bool \[3\]"):
        write_masks(path, [np.ones(3, bool), np.ones(4, bool)], 3)
    with pytest.raises(ValueError, match=r"\.npz"):
        write_masks(tmp_path / "masks.bin", [], 3)
    assert read_masks(path).all()
    assert [p.name for p in tmp_path.iterdir()] == ["masks.npz"]


def test_broken_files_are_one_clear_error(tmp_path):
    path = tmp_path / "masks.npz"
    with pytest.raises(ValueError, match=r"masks\.npz cannot be read: No such file"):
        read_masks(path)
    write_masks(path, np.eye(500, dtype=bool), 500)
    whole = path.read_bytes()
    other = tmp_path / "other.npz"
    np.savez(other, num_points=np.int64(9), bits=np.zeros((1, 9), np.uint8))
    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"masks\.npz is not a readable npz file"):
            read_masks(path)
    with pytest.raises(ValueError, match=r"bits must be uint8 \[D, 2\]"):
        read_masks(other)
