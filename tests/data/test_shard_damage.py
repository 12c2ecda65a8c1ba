"""Shards whose bytes are not those that were written."""

import pytest
from toy_scenes import toy_data

from gspn_tf.config import DataConfig
from gspn_tf.data import load, read_scenes
from gspn_tf.data.manifest import ShardError, naming_damage
from gspn_tf.datasets.preparing import prepare_scenes


@pytest.fixture
def damaged(tmp_path):
    """A folder of two shards; a bit of the second is flipped."""
    prepare_scenes(tmp_path / "d", toy_data(tmp_path / "raw", {"train": 20}), jobs=1)
    path = tmp_path / "d" / "train-00001-of-00002.tfrecord"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)
    return path


def batches(folder):
    options = DataConfig(num_points=16, num_points_inference=16)
    return list(load(folder, "train", options, batch_size=2, training=True, seed=0))


@pytest.mark.parametrize("records", [None, 3, 10])
def test_a_shard_that_is_gone_cut_or_changed_is_named(damaged, records):
    """Cut between two records, it looks whole; ten are all, with a bit flipped."""
    data = damaged.read_bytes()
    damaged.unlink()
    if records is not None:
        damaged.write_bytes(data[: records * len(data) // 10])
    with pytest.raises(ShardError, match=damaged.name):
        with naming_damage(damaged.parent):
            batches(damaged.parent)
    with pytest.raises(ShardError, match=f"damaged shard {damaged}"):
        list(read_scenes(damaged.parent, "train"))


def test_a_damaged_folder_is_not_taken_for_complete(damaged, tmp_path):
    data = toy_data(tmp_path / "raw", {"train": 20})
    with pytest.raises(ShardError, match=f"damaged shard {damaged}; --force"):
        prepare_scenes(damaged.parent, data, jobs=1)
    prepare_scenes(damaged.parent, data, jobs=1, force=True)
    assert len(list(read_scenes(damaged.parent, "train"))) == 20
