"""Files of `torch.save` with a dict of tensors, read without torch and without risk.

There are two layouts. Since torch 1.6 a file is a ZIP archive of uncompressed parts:
`NAME/data.pkl`, a pickle, and `NAME/data/KEY` with the numbers of each storage. Before,
it was five pickles one after the other (a magic number, a version, what machine wrote
it, the dict, the keys of the storages), then for each storage the number of its entries
(int64) and those. Published weights are of both kinds.
"""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gspn_tf.files.errors import naming_file
from gspn_tf.files.pickles import DAMAGE, Restricted, shaped

_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {
    "Float": "<f4", "Double": "<f8", "Half": "<f2", "Long": "<i8", "Int": "<i4",
    "Short": "<i2", "Char": "|i1", "Byte": "|u1", "Bool": "|b1",
}  # fmt: skip


class _Storage(NamedTuple):
    """Numbers that tensors are cut from."""

    key: str
    dtype: np.dtype
    size: int


class _Tensor:
    """Stands for the function that makes a tensor of a storage."""

    def __init__(
        self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any
    ) -> None:
        numbers = (offset, *shape, *strides)
        if not all(isinstance(number, int) and number >= 0 for number in numbers):
            raise ValueError("a tensor has a shape that is not of numbers")
        if not isinstance(storage, _Storage) or len(shape) != len(strides):
            raise ValueError("a tensor has no storage")
        self.storage, self.offset = storage, offset
        self.shape, self.strides = tuple(shape), tuple(strides)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a tensor has no state")

    def cut(self, numbers: np.ndarray) -> np.ndarray:
        """Return the tensor as a view of its storage; ValueError beyond its end."""
        steps = zip(self.shape, self.strides, strict=True)
        last = self.offset + sum((side - 1) * step for side, step in steps)
        if 0 in self.shape:
            return np.zeros(self.shape, numbers.dtype)
        if last >= len(numbers):
            raise ValueError(f"a tensor ends at {last:,} of {len(numbers):,} numbers")
        strides = [step * numbers.itemsize for step in self.strides]
        start = numbers[self.offset :]
        return np.lib.stride_tricks.as_strided(start, self.shape, strides)


class _Parameter(_Tensor):
    """Stands for the function that makes a parameter of a tensor."""

    def __init__(self, tensor: Any, *_: Any) -> None:
        if not isinstance(tensor, _Tensor):
            raise ValueError("a parameter has no tensor")
        super().__init__(tensor.storage, tensor.offset, tensor.shape, tensor.strides)


class _OrderedDict(dict):
    """Stands for `collections.OrderedDict`, in whose state modules note versions."""

    def __setstate__(self, state: Any) -> None:
        pass


_KNOWN: dict[str, Any] = {
    "collections.OrderedDict": _OrderedDict,
    "torch._utils._rebuild_tensor_v2": _Tensor,
    "torch._utils._rebuild_parameter": _Parameter,
} | {f"torch.{name}Storage": code for name, code in _STORAGES.items()}


def read_tensors(path: str | Path) -> dict[str, np.ndarray]:
    """Read the dict of tensors that a `.pth` file holds.

    Raises:
        ScanError: Missing or damaged file, one of another content, or one that names a
            class or function which tensors do not need; nothing of it is run.
    """
    with naming_file(path, "torch", *DAMAGE, zipfile.BadZipFile, NotImplementedError):
        with open(path, "rb") as file:
            read = _read_archive if zipfile.is_zipfile(file) else _read_pickles
            file.seek(0)
            tensors, numbers_of = read(file)
            if not isinstance(tensors, dict):
                raise ValueError("expected a dict of tensors")
            found = {}
            for name, tensor in tensors.items():
                if not (isinstance(name, str) and isinstance(tensor, _Tensor)):
                    raise ValueError("expected a dict of tensors, as of a state_dict")
                found[name] = tensor.cut(numbers_of(tensor.storage))
            return found


_Content = tuple[Any, Callable[[_Storage], np.ndarray]]


def _storage(pid: Any) -> _Storage:
    """The storage that a persistent id names: (kind, type, key, device, entries)."""
    kind, code, key, _, count, *_ = pid
    if kind != "storage" or code not in _STORAGES.values():
        raise ValueError("it refers to data that is not of a storage")
    if not (isinstance(key, str) and isinstance(count, int) and count >= 0):
        raise ValueError("a storage has no name or size")
    return _Storage(key, np.dtype(code), count)


def _read_archive(file: Any) -> _Content:
    """The dict of a ZIP archive, and what reads a storage of it."""
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(names) != 1:
        raise ValueError("expected an archive with one data.pkl")
    folder = names[0].removesuffix("data.pkl")
    if packed := [x for x in archive.infolist() if x.compress_type]:
        raise ValueError(f"{packed[0].filename} is compressed, as torch writes none")
    if f"{folder}byteorder" in archive.namelist():
        order = archive.read(f"{folder}byteorder")
        if order != b"little":
            raise ValueError("it was written on a machine of another byte order")
    read: dict[_Storage, np.ndarray] = {}

    def numbers_of(storage: _Storage) -> np.ndarray:
        if storage not in read:
            content = archive.read(f"{folder}data/{storage.key}")
            read[storage] = shaped(content, storage.dtype, (storage.size,), "C")
        return read[storage]

    pickled = io.BytesIO(archive.read(names[0]))
    return Restricted(pickled, _KNOWN, _storage).load(), numbers_of


def _read_pickles(file: Any) -> _Content:
    """The dict of the layout before torch 1.6, and what gives a storage of it."""
    magic, _, machine = (Restricted(file, {}).load() for _ in range(3))
    if magic != _MAGIC:
        raise ValueError("expected a file of torch.save")
    if not (isinstance(machine, dict) and machine.get("little_endian") is True):
        raise ValueError("it was written on a machine of another byte order")
    storages: dict[str, _Storage] = {}

    def note(pid: Any) -> _Storage:
        storage = _storage(pid)
        return storages.setdefault(storage.key, storage)

    tensors = Restricted(file, _KNOWN, note).load()
    read: dict[_Storage, np.ndarray] = {}
    for key in Restricted(file, {}).load():
        storage = storages[key]
        (count,) = shaped(file.read(8), np.dtype("<i8"), (1,), "C").tolist()
        if count != storage.size:
            raise ValueError(f"a storage of {storage.size:,} numbers has {count:,}")
        content = file.read(count * storage.dtype.itemsize)
        read[storage] = shaped(content, storage.dtype, (count,), "C")
    return tensors, read.__getitem__
