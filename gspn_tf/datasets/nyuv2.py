"""NYUv2: 1449 labelled frames in one HDF5 file, and the official split.

`nyu_depth_v2_labeled.mat` holds images, depths (metres, holes filled by its authors),
labels, instances and names; MATLAB leaves the axes reversed. A class of the paper's
Table 3 is the label of that very name; an object is one (label, instance) pair. All
640 x 480 pixels are lifted, the white frame of the images among them.

The paper uses the improved annotation of Deng and Latecki (its reference 8), which is
not part of this file: counts of objects differ.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from gspn_tf import files
from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import Scene
from gspn_tf.datasets import rgbd
from gspn_tf.datasets.reading import DataSet, SceneSource
from gspn_tf.files.errors import ScanError, check_shape
from gspn_tf.files.hdf5 import opened
from gspn_tf.files.mat import read_arrays

LICENCE = "NYUv2 is for non-commercial research and may not be redistributed."
_MAPS = ("depths", "labels", "instances")


class Frames(NamedTuple):
    """RGB-D frames of one kind, and the function that reads one."""

    sources: list[SceneSource]
    read: Callable[[SceneSource], Scene]
    classes: ClassList
    options: dict[str, str] = {}


def rgbd_data_set(
    path: str | Path, splits: str | Path | None, hold_out: partial
) -> DataSet:
    """The frames of a .mat file, a folder of PNG frames, or PCD frames.

    splits    file with the official split; by default the `splits.mat` of the folder,
              or beside the .mat file, which needs one
    hold_out  gives the splits of a list of sources where there is no such file

    Frames without a map of classes make up a split of their own, `unlabelled`.

    Raises:
      ScanError: nothing of the kind is there, or the split file does not fit.
    """
    path = Path(path)
    frames = find_rgbd_frames(path)
    root = path if path.is_dir() else path.parent
    default = root / "splits.mat"
    splits = splits or (default if default.exists() else None)
    if splits is None and frames.options:
        raise ScanError(f"{default} not found: the file with the official split")
    labelled = [source for source in frames.sources if rgbd.has_classes(source)]
    found = read_official_split(splits, labelled) if splits else hold_out(labelled)
    found["unlabelled"] = [s for s in frames.sources if not rgbd.has_classes(s)]
    by = {"splits": files.sha256(splits)} if splits else hold_out.keywords
    is_nyuv2 = frames.classes is rgbd.NYUV2
    return DataSet(
        name="nyuv2" if is_nyuv2 else "pcd",
        classes=frames.classes,
        splits={split: sources for split, sources in found.items() if sources},
        read=frames.read,
        options=frames.options | by,
        root=root,
        unlabelled=("unlabelled",),
        licence=LICENCE if is_nyuv2 else "",
    )


def find_rgbd_frames(path: Path) -> Frames:
    """The frames of a .mat file, a folder of PNG frames, or PCD frames.

    Raises:
      ScanError: nothing of the kind is there.
    """
    if not path.exists():
        raise ScanError(f"no file or folder {path}")
    if path.is_file() and path.suffix != ".pcd":
        return list_labelled_file(path)
    if clouds := rgbd.list_clouds(path):
        return Frames(clouds, rgbd.read_cloud, rgbd.TABLETOP)
    if images := rgbd.list_images(path):
        return Frames(images, rgbd.read_images, rgbd.NYUV2)
    raise ScanError(f"{path}: expected color/*.png or *.pcd, got neither")


def list_labelled_file(path: Path) -> Frames:
    """The frames of `nyu_depth_v2_labeled.mat`, "0001" to their number.

    Raises:
      ScanError: an array is missing or does not fit the others.
    """
    with opened(path) as file:
        missing = {"images", "names", *_MAPS} - set(file)
        if missing:
            raise ScanError(f"{path}: expected {sorted(missing)}, got {list(file)}")
        check_shape(f"{path}: images", file["images"], ("F", 3, "W", "H"))
        count, _, *size = file["images"].shape
        for name in _MAPS:
            check_shape(f"{path}: {name}", file[name], (count, *size))
        read = partial(read_mat_frame, path=path, row_of_label=_rows_of_labels(file))
    sources = [SceneSource(f"{i + 1:04d}", detail=i) for i in range(count)]
    return Frames(sources, read, rgbd.NYUV2, {"source": files.sha256(path)})


def read_mat_frame(source: SceneSource, path: Path, row_of_label: np.ndarray) -> Scene:
    """One frame of the file at `path`. Raises ScanError where it cannot be read."""
    with opened(path) as file:
        color = np.ascontiguousarray(file["images"][source.detail].T)
        depth, label, instance = (file[key][source.detail].T for key in _MAPS)
    if label.max() >= len(row_of_label):
        raise ScanError(
            f"{path}, frame {source.name}: labels must be at most "
            f"{len(row_of_label) - 1} as there are names, got {label.max()}"
        )
    return rgbd.lifted(source.name, color, depth, row_of_label[label], instance)


def _rows_of_labels(file: h5py.File) -> np.ndarray:
    """Rows of `NYUV2` of the labels 0, 1, ..., found by name; others give 0."""
    references = file["names"][()].ravel()
    names = ["".join(map(chr, file[each][()].ravel())) for each in references]
    row_of = {name: row for row, name in enumerate(rgbd.NYUV2.names, start=1)}
    return np.array([0, *(row_of.get(name, 0) for name in names)], np.int32)


def read_official_split(
    path: str | Path, sources: list[SceneSource]
) -> dict[str, list[SceneSource]]:
    """Frames of the splits `train` and `test`, by their numbers in `splits.mat`.

    Frames of the official split that are not among the sources are left out.

    Raises:
      ScanError: unreadable file, or a frame that is in no split or in both.
    """
    numbers = read_arrays(path)
    arrays = {split: f"{split}Ndxs" for split in ("train", "test")}
    if not set(arrays.values()) <= set(numbers):
        raise ScanError(f"{path}: expected {[*arrays.values()]}, got {list(numbers)}")
    members = {split: set(numbers[name].flat) for split, name in arrays.items()}
    found: dict[str, list[SceneSource]] = {split: [] for split in members}
    for source in sources:
        number = int(source.name) if source.name.isdigit() else 0
        splits = [split for split, numbers in members.items() if number in numbers]
        if len(splits) != 1:
            raise ScanError(
                f"{path}: frame {source.name!r} is in {len(splits)} of train and test"
            )
        found[splits[0]].append(source)
    return found
