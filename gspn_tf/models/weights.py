"""Weight files of networks: whole or not at all; damaged ones are named."""

import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import h5py
import keras
import numpy as np

from gspn_tf import files
from gspn_tf.files import hdf5


def save_weights(model: keras.Model, path: Path, half: bool = False) -> None:
    """Write the weights alone: Keras adds a compiled model's optimiser, thrice them.

    With `half` matrices are rounded to float16, which halves the file; vectors stay, as
    float16 has no room for small variances of batch norms.

    Raises:
        ValueError: an entry of a matrix is not finite in float16.
    """
    optimizer, memory = getattr(model, "optimizer", None), _HDF5Memory()
    model.optimizer = None
    try:
        model.save_weights(memory)
    finally:
        model.optimizer = optimizer
    memory = halved(memory) if half else memory
    with files.replacing(path) as beside:
        beside.write_bytes(memory.getbuffer())


def halved(whole: "_HDF5Memory") -> "_HDF5Memory":
    """Copy an HDF5 file in memory with its float32 matrices as float16."""
    half = _HDF5Memory()
    with h5py.File(whole) as source, h5py.File(half, "w") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                value = item[()]
                if value.ndim > 1 and value.dtype == np.float32:
                    if not np.all(np.abs(value) <= np.finfo(np.float16).max):
                        raise ValueError(f"weight {name} does not fit float16")
                    value = value.astype(np.float16)
                target[name] = value
            else:
                target.require_group(name)
            target[name].attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    return half


def copy_weights(
    source: keras.Model,
    name: str,
    target: keras.Model,
    skipped: Sequence[keras.layers.Layer] = (),
) -> None:
    """Give a network another one's weights, but for some of its layers.

    Raises:
        ValueError: the other one, of that name, is of another shape; nothing is copied.
    """
    kept = {id(weight) for layer in skipped for weight in layer.weights}
    pairs = [
        (theirs, own)
        for theirs, own in itertools.zip_longest(source.weights, target.weights)
        if id(own) not in kept
    ]
    for pair in pairs:
        if len({weight is not None and tuple(weight.shape) for weight in pair}) > 1:
            raise ValueError(f"{name} does not fit this config's network")
    for theirs, own in pairs:
        own.assign(theirs)


def load_weights(
    model: keras.Model, path: Path, skipped: Sequence[keras.layers.Layer] = ()
) -> None:
    """Read a weight file, but for some layers.

    Raises:
        ValueError: it is damaged, or of another network.
    """
    hdf5.check(path)
    others = [*skipped, getattr(model, "optimizer", None)]  # the file has none
    try:
        model.load_weights(path, objects_to_skip=others)
    except (OSError, RuntimeError, LookupError, ValueError) as error:
        raise ValueError(f"{path} does not fit this config's network") from error


class _HDF5Memory(io.BytesIO):
    """A file in memory, as the HDF5 library crashes where a disk is full."""

    def __str__(self) -> str:
        return "memory.weights.h5"  # Keras asks for this ending
