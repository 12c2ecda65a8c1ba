"""Files of published weights, written in their layouts without torch or Python 2."""

import io
import pickle
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np

STORAGES = {"f4": "FloatStorage", "f8": "DoubleStorage", "i8": "LongStorage"}


class Named:
    """A name that a pickle has, of a module that need not be there."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self, *_):
        raise AssertionError("nothing calls it")


class Call:
    """A call that a pickle asks for."""

    def __init__(self, function: Named, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class Storage:
    def __init__(self, key: str, array: np.ndarray) -> None:
        self.key, self.array = key, array


class Writer(pickle._Pickler):
    """Pickler of calls by name; `legacy` storages have a sixth part in their ids."""

    dispatch = dict(pickle._Pickler.dispatch)
    legacy = False

    def save_named(self, named: Named) -> None:
        self.write(pickle.GLOBAL + f"{named.module}\n{named.name}\n".encode())
        self.memoize(named)

    dispatch[Named] = save_named

    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        kind = Named("torch", STORAGES[value.array.dtype.str[1:]])
        found = ("storage", kind, value.key, "cpu", value.array.size)
        return (*found, None) if self.legacy else found


class Python2Writer(Writer):
    """Pickler that writes text and bytes as Python 2's `str`."""

    dispatch = dict(Writer.dispatch)

    def save_string(self, value) -> None:
        data = value.encode("latin1") if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_string


def dumped(value, writer=Writer) -> bytes:
    file = io.BytesIO()
    writer(file, protocol=2).dump(value)
    return file.getvalue()


def tensors_of(arrays: dict[str, np.ndarray]) -> tuple[dict, list[Storage]]:
    """Calls that make the tensors, as a state_dict of parameters has them."""
    storages = [Storage(str(i), a) for i, a in enumerate(arrays.values())]
    calls = {}
    for name, storage in zip(arrays, storages, strict=True):
        array = storage.array
        strides = tuple(step // array.itemsize for step in array.strides)
        rebuild = Named("torch._utils", "_rebuild_tensor_v2")
        hooks = Call(Named("collections", "OrderedDict"))
        calls[name] = Call(rebuild, storage, 0, array.shape, strides, False, hooks)
    return calls, storages


def write_torch(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """A file as `torch.save` writes it since torch 1.6."""
    calls, storages = tensors_of(arrays)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/data.pkl", dumped(calls))
        archive.writestr(f"{path.stem}/byteorder", "little")
        for storage in storages:
            content = storage.array.tobytes(order="A")
            archive.writestr(f"{path.stem}/data/{storage.key}", content)
        archive.writestr(f"{path.stem}/version", "3\n")
    return path


def write_legacy_torch(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """A file as `torch.save` wrote it before."""

    class LegacyWriter(Writer):
        legacy = True

    calls, storages = tensors_of(arrays)
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    parts = [0x1950A86A20F9469CFC6C, 1001, machine, calls, [x.key for x in storages]]
    content = [dumped(part, LegacyWriter) for part in parts]
    for storage in storages:
        content += [
            struct.pack("<q", storage.array.size),
            storage.array.tobytes(order="A"),
        ]
    path.write_bytes(b"".join(content))
    return path


def write_caffe(path: Path, layers: dict[str, list[np.ndarray]]) -> Path:
    """A file as NumPy wrote it under Python 2."""
    holder = np.empty((), object)
    holder[()] = layers
    header = io.BytesIO()
    form = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(header, form)
    content = dumped(holder, Python2Writer).replace(b"numpy._core", b"numpy.core")
    path.write_bytes(header.getvalue() + content)
    return path


def write_keras2(path: Path, arrays: dict[str, np.ndarray], **models: str) -> Path:
    """A file of Keras 2's `save_weights`; `models` have layers of another's group."""
    groups: dict[str, list[str]] = {}
    for name in arrays:
        layer = name.split("/")[0]
        groups.setdefault(models.get(layer, layer), []).append(name)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [group.encode() for group in groups]
        for group, names in groups.items():
            file.create_group(group).attrs["weight_names"] = [
                f"{name}:0".encode() for name in names
            ]
            for name in names:
                file[f"{group}/{name}:0"] = arrays[name]
    return path
