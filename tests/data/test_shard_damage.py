"""Shards whose bytes are not those that were written."""

import random

import pytest
import tensorflow as tf
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


def test_a_flipped_bit_is_found_and_its_shard_named(damaged):
    with pytest.raises(ShardError, match=f"damaged shard {damaged}"):
        list(read_scenes(damaged.parent, "train"))
    options = DataConfig(num_points=16, num_points_inference=16)
    arguments = {"batch_size": 2, "training": True, "seed": 0}
    with pytest.raises(ShardError, match=damaged.name):
        with naming_damage(damaged.parent):
            list(load(damaged.parent, "train", options, **arguments))
    with pytest.raises(tf.errors.DataLossError):
        list(load(damaged.parent, "train", options, **arguments))


@pytest.mark.slow
def test_any_flipped_bit_is_found(damaged):
    """Of lengths, checksums and scenes alike."""
    flipped = damaged.read_bytes()
    whole = bytearray(flipped)
    whole[len(whole) // 2] ^= 16
    rng = random.Random(0)
    for place in [*range(16), *rng.sample(range(len(whole)), 30)]:
        data = bytearray(whole)
        data[place] ^= 1 << rng.randrange(8)
        damaged.write_bytes(data)
        with pytest.raises(ShardError, match=f"damaged shard {damaged}"):
            list(read_scenes(damaged.parent, "train"))
    damaged.write_bytes(whole)
    assert len(list(read_scenes(damaged.parent, "train"))) == 20


@pytest.mark.parametrize("records", [None, 0, 3])
def test_a_shard_that_is_gone_or_cut_between_two_records_is_named(damaged, records):
    record = len(damaged.read_bytes()) // 10
    data = damaged.read_bytes()[: (records or 0) * record]
    damaged.unlink()
    if records is not None:
        damaged.write_bytes(data)
    options = DataConfig(num_points=16, num_points_inference=16)
    arguments = {"batch_size": 2, "training": True, "seed": 0}
    with pytest.raises(ShardError, match=damaged.name):
        with naming_damage(damaged.parent):
            list(load(damaged.parent, "train", options, **arguments))
    with pytest.raises(ShardError, match="must hold 20 scenes, got 1|damaged shard"):
        list(read_scenes(damaged.parent, "train"))


def test_a_damaged_folder_is_not_taken_for_complete(damaged, tmp_path):
    data = toy_data(tmp_path / "raw", {"train": 20})
    with pytest.raises(ShardError, match=f"damaged shard {damaged}; --force"):
        prepare_scenes(damaged.parent, data, jobs=1)
    prepare_scenes(damaged.parent, data, jobs=1, force=True)
    assert len(list(read_scenes(damaged.parent, "train"))) == 20
