"""The mask file holds exactly what was written, in the form its module describes."""

import numpy as np
import pytest

from gspn_tf.masks import read_masks, write_masks


@pytest.mark.parametrize("num_masks, num_points", [(0, 9), (1, 0), (5, 8), (5, 1001)])
def test_round_trip(tmp_path, num_masks, num_points):
    rng = np.random.default_rng(num_points)
    masks = rng.random((num_masks, num_points)) < 0.3
    write_masks(tmp_path / "masks.npz", masks, num_points)
    back = read_masks(tmp_path / "masks.npz")
    assert back.dtype == bool and back.shape == masks.shape
    np.testing.assert_array_equal(back, masks)


def test_index_masks_and_the_documented_recipe(tmp_path):
    masks = [np.array([9, 0, 3]), np.zeros(10, bool), np.array([], int)]
    write_masks(tmp_path / "masks.npz", masks, 10)
    with np.load(tmp_path / "masks.npz") as archive:
        file = dict(archive)
    assert file["bits"].tolist() == [[0b1001, 0b10], [0, 0], [0, 0]]
    unpacked = np.unpackbits(
        file["bits"], axis=1, count=file["num_points"], bitorder="little"
    ).astype(bool)
    np.testing.assert_array_equal(unpacked, read_masks(tmp_path / "masks.npz"))
    assert np.flatnonzero(unpacked[0]).tolist() == [0, 3, 9]


def test_same_masks_give_the_same_bytes(tmp_path):
    masks = np.eye(20, dtype=bool)
    for name in ("a.npz", "b.npz"):
        write_masks(tmp_path / name, masks, 20)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "masks.npz"
    write_masks(path, [np.ones(3, bool)], 3)
    with pytest.raises(ValueError, match=r"masks\[1\] must be bool \[3\]"):
        write_masks(path, [np.ones(3, bool), np.ones(4, bool)], 3)
    with pytest.raises(ValueError, match=r"masks\[0\]"):
        write_masks(path, [np.array([3])], 3)
    with pytest.raises(ValueError, match=r"\.npz"):
        write_masks(tmp_path / "masks.bin", [], 3)
    assert read_masks(path).all()
    assert [p.name for p in tmp_path.iterdir()] == ["masks.npz"]


def test_broken_files_are_one_clear_error(tmp_path):
    path = tmp_path / "masks.npz"
    with pytest.raises(FileNotFoundError):
        read_masks(path)
    write_masks(path, np.eye(500, dtype=bool), 500)
    whole = path.read_bytes()
    other = tmp_path / "other.npz"
    np.savez(other, num_points=np.int64(9), bits=np.zeros((1, 9), np.uint8))
    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a whole mask file"):
            read_masks(path)
    with pytest.raises(ValueError, match=r"bits must be uint8 \[D, 2\]"):
        read_masks(other)
