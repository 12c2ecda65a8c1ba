"""Weight files of networks: whole or not at all; damaged ones are named."""

import io
from collections.abc import Sequence
from pathlib import Path

import keras

from gspn_tf import files
from gspn_tf.files import hdf5


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the weights alone: Keras adds a compiled model's optimiser, thrice them."""
    optimizer, memory = getattr(model, "optimizer", None), _HDF5Memory()
    model.optimizer = None
    try:
        model.save_weights(memory)
    finally:
        model.optimizer = optimizer
    with files.replacing(path) as beside:
        beside.write_bytes(memory.getbuffer())


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
