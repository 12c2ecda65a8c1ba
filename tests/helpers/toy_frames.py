"""A small NYUv2: three frames as its .mat file, and as a folder of PNG images."""

import h5py
import numpy as np
import scipy.io
from PIL import Image

SIZE = (12, 16)  # rows, columns
COUNT = 3
CHAIR, BED, WALL = 5, 157, 21  # ids among NYUv2's 894 names
NAMES = {CHAIR: "chair", BED: "bed", WALL: "wall"}


def frames() -> dict[str, np.ndarray]:
    """Colours, metres of depth, labels and instances: [F, H, W] and [F, H, W, 3].

    Left half: chair 1 above chair 2; right half: bed 1 above a wall. Pixel (0, 0) of
    every frame has no depth.
    """
    rng = np.random.default_rng(0)
    label = np.full((COUNT, *SIZE), CHAIR, np.uint16)
    label[:, :6, 8:], label[:, 6:, 8:] = BED, WALL
    instance = np.ones((COUNT, *SIZE), np.uint8)
    instance[:, 6:, :8] = 2
    millimetres = rng.integers(500, 4000, (COUNT, *SIZE))
    millimetres[:, 0, 0] = 0
    return {
        "color": rng.integers(0, 256, (COUNT, *SIZE, 3)).astype(np.uint8),
        "depth": millimetres / 1000,
        "label": label,
        "instance": instance,
    }


def write_splits(path, **splits) -> None:
    columns = {f"{name}Ndxs": np.array(rows)[:, None] for name, rows in splits.items()}
    scipy.io.savemat(path, columns)


def write_source(folder) -> None:
    """The .mat file and its official split."""
    folder.mkdir()
    write_mat(folder / "labeled.mat")
    write_splits(folder / "splits.mat", train=(1, 2), test=(3,))


def write_mat(path) -> None:
    """As MATLAB 7.3 does: reversed axes, names as references."""
    arrays = frames()
    with h5py.File(path, "w") as file:
        file["images"] = arrays["color"].transpose(0, 3, 2, 1)
        file["depths"] = arrays["depth"].transpose(0, 2, 1).astype(np.float32)
        file["labels"] = arrays["label"].transpose(0, 2, 1)
        file["instances"] = arrays["instance"].transpose(0, 2, 1)
        references = []
        for number in range(1, max(NAMES) + 1):
            text = NAMES.get(number, f"thing {number}")
            codes = np.array([[ord(letter)] for letter in text], np.uint16)
            references.append(file.create_dataset(f"#refs#/{number}", data=codes).ref)
        file.create_dataset("names", data=np.array([references], h5py.ref_dtype))


def write_images(folder) -> None:
    arrays = frames()
    arrays["depth"] = np.round(arrays["depth"] * 1000).astype(np.uint16)
    for kind, stack in arrays.items():
        (folder / kind).mkdir(parents=True)
        for number, array in enumerate(stack, start=1):
            Image.fromarray(array).save(folder / kind / f"{number:04d}.png")


def write_pcd(path, label, encoding="binary", points=None) -> None:
    """A PCD file of points in the camera frame: x = number, y = 0.5, z = 2."""
    kinds = [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("label", "<u4")]
    rows = np.zeros(len(label), [*kinds, ("rgba", "<u4")])
    rows["x"], rows["y"], rows["z"] = np.arange(len(label)), 0.5, 2.0
    if points is not None:
        for i, name in enumerate("xyz"):
            rows[name] = points[:, i]
    rows["label"], rows["rgba"] = label, 0xFF102030
    lines = ["# .PCD v0.7", "VERSION 0.7", "FIELDS x y z label rgba"]
    lines += ["SIZE 4 4 4 4 4", "TYPE F F F U U", "COUNT 1 1 1 1 1"]
    lines += [f"WIDTH {len(rows)}", "HEIGHT 1", "VIEWPOINT 0 0 0 1 0 0 0"]
    lines += [f"POINTS {len(rows)}", f"DATA {encoding}", ""]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes("\n".join(lines).encode() + _body(rows, encoding))


def _body(rows, encoding) -> bytes:
    if encoding == "binary":
        return rows.tobytes()
    if encoding == "ascii":
        lines = (" ".join(map(str, row)) + "\n" for row in rows.tolist())
        return "".join(lines).encode()
    plain = b"".join(rows[name].tobytes() for name in rows.dtype.names)
    pieces = [plain[i : i + 32] for i in range(0, len(plain), 32)]
    packed = b"".join(bytes([len(piece) - 1]) + piece for piece in pieces)
    return np.uint32([len(packed), len(plain)]).tobytes() + packed
