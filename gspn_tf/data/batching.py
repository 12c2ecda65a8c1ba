"""Elements of scenes -> padded batches in an order of their own in each epoch.

Every random choice is stateless and keyed by the seed, the epoch and the scene's name:
two datasets built with the same arguments give the same batches, in every epoch, on any
number of threads and wherever they are made. The global seed has no part in it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gspn_tf.config import DataConfig

ONE_HOST = tf.distribute.InputContext()


class Keys(NamedTuple):
    """The keys of all random choices of an epoch."""

    epoch: tf.Tensor  # [] int64, seed and epoch in one

    def of(self, name: tf.Tensor) -> tf.Tensor:
        """Give the seed [2] of a scene by its name."""
        return tf.stack([self.epoch, tf.strings.to_hash_bucket_fast(name, 1 << 62)])

    def of_all(self) -> tf.Tensor:
        """Give the seed [2] of what is drawn for all scenes together."""
        return tf.stack([self.epoch, -1])  # names have keys from 0 on


def batches_of(
    make: Callable[[tf.Tensor, Keys], dict],
    num_scenes: int,
    *,
    batch_size: int,
    training: bool,
    seed: int,
    service: str | None = None,
    context: tf.distribute.InputContext = ONE_HOST,
) -> tf.data.Dataset:
    """The batches of `pipeline.load`, of elements of any kind.

    Args:
        make: Gives the element of a scene, by its index and the epoch's keys.
        num_scenes: How many there are.
        batch_size: As of `load`.
        training: As of `load`.
        seed: As of `load`.
        service: As of `load`.
        context: As of `load`.
    """
    hosts, host = context.num_input_pipelines, context.input_pipeline_id
    if num_scenes < hosts:
        raise ValueError(f"{hosts} hosts need as many scenes, got {num_scenes}")
    block, places = 1, np.arange(num_scenes)
    if training and batch_size > 0 and hosts > 1:  # as many whole batches for each
        block = min(batch_size, num_scenes // hosts)
        places = places[: num_scenes // (block * hosts) * block * hosts]
    own = places[places // block % hosts == host]

    def order(epoch: tf.Tensor) -> tf.Tensor:
        indices = tf.range(num_scenes, dtype=tf.int64)
        if training:
            key = Keys(seed ^ epoch).of_all()
            indices = tf.random.experimental.stateless_shuffle(indices, key)
        return tf.gather(indices, own)

    def element(index: tf.Tensor, epoch: tf.Tensor) -> dict:
        return make(index, Keys(seed ^ epoch))

    def epoch_of(epoch: tf.Tensor) -> tf.data.Dataset:
        indices = tf.data.Dataset.from_tensor_slices(order(epoch))
        return indices.map(lambda index: (index, epoch))

    epochs = _epoch_keys(seed, training)
    if service is None:
        dataset = epochs.flat_map(epoch_of)
        dataset = dataset.map(element, num_parallel_calls=tf.data.AUTOTUNE)
    else:
        epoch = epochs.get_single_element()
        indices = order(epoch)
        dataset = _served(lambda row: element(indices[row], epoch), len(own), service)
    return _batch(dataset, batch_size, len(own), training)


def _epoch_keys(seed: int, training: bool) -> tf.data.Dataset:
    """One number; in training another one in every pass.

    This is `tf.data.Dataset.random`, which mixes the global seed in, without that.
    """
    variant = tf.raw_ops.RandomDatasetV2(
        seed=seed,
        seed2=1,
        seed_generator=tf.raw_ops.DummySeedGenerator(),
        rerandomize_each_iteration=training,
        output_types=[tf.int64],
        output_shapes=[[]],
    )
    spec = tf.TensorSpec([], tf.int64)
    return tf.data.experimental.from_variant(variant, spec).take(1)


def _served(
    element: Callable[[tf.Tensor], dict], count: int, service: str
) -> tf.data.Dataset:
    """Elements 0..count-1 of the workers of a service, in any order, each once.

    A worker that dies never ends its part of a pass, and what it had does not come. So
    they pass over the elements without end: one that comes again tells that all are
    given out. For each of these, the first that is still missing is made here.
    """
    rows = tf.data.Dataset.range(count).repeat()
    made = rows.map(
        lambda row: (row, element(row)), num_parallel_calls=tf.data.AUTOTUNE
    )
    policy = tf.data.experimental.service.ShardingPolicy.DYNAMIC
    made = made.apply(tf.data.experimental.service.distribute(policy, service=service))

    def choose(missing: tf.Tensor, item: tuple[tf.Tensor, dict]) -> tuple:
        row, found = item
        again = tf.logical_not(missing[row])
        row = tf.where(again, tf.argmax(missing), row)
        missing = tf.logical_and(missing, tf.range(count, dtype=tf.int64) != row)
        return missing, (row, again, found)

    def take(row: tf.Tensor, again: tf.Tensor, found: dict) -> dict:
        return tf.cond(again, lambda: element(row), lambda: found)

    chosen = made.scan(tf.ones([count], tf.bool), choose)
    return chosen.map(take, num_parallel_calls=tf.data.AUTOTUNE).take(count)


def _batch(
    dataset: tf.data.Dataset, size: int, num_scenes: int, training: bool
) -> tf.data.Dataset:
    """Padded batches in a fixed order, and how many there are."""
    if size < 1:
        raise ValueError(f"batch_size must be at least 1, got {size}")
    drop = training and num_scenes >= size
    padding = tf.nest.map_structure(lambda _: None, dataset.element_spec)  # zeros
    if "instance" in padding["targets"]:  # of points; masks have none
        padding["targets"]["instance"] = -1
    dataset = dataset.padded_batch(size, padding_values=padding, drop_remainder=drop)
    count = num_scenes // size if drop else -(-num_scenes // size)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
    ordered = tf.data.Options()
    ordered.deterministic = True
    return dataset.with_options(ordered).prefetch(tf.data.AUTOTUNE)


def check_instances(instance: tf.Tensor, options: DataConfig) -> None:
    """InvalidArgumentError on reading where labels [...] have too many instances."""
    tf.debugging.assert_less(
        tf.reduce_max(instance),
        options.max_instances,
        f"a scene may have at most max_instances = {options.max_instances} instances; "
        "--config.data.max_instances=N allows more",
    )
