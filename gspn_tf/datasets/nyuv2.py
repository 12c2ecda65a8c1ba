"""NYUv2: 1449 labelled frames in one HDF5 file, and the official split.

`nyu_depth_v2_labeled.mat` holds images, depths (metres, holes filled by its authors),
labels, instances and names; MATLAB leaves the axes reversed. A class of the paper's
Table 3 is the label of that very name; an object is one (label, instance) pair. All
640 x 480 pixels are lifted, the white frame of the images among them.

The paper uses the improved annotation of Deng and Latecki (its reference 8), which is
not part of this file: counts of objects differ.
"""

from functools import partial
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from gspn_tf import files
from gspn_tf.data.scene import Scene
from gspn_tf.datasets.preparing.reading import DataSet, Item
from gspn_tf.datasets.rgbd import (
    NYUV2,
    CloudFolder,
    FrameError,
    ImageFolder,
    scene_of_images,
)
from gspn_tf.files.hdf5 import opened

LICENCE = "NYUv2 is for non-commercial research and may not be redistributed."
_MAPS = ("depths", "labels", "instances")


class LabelledFile:
    """`nyu_depth_v2_labeled.mat`, read one frame at a time.

    names  "0001" to the number of frames
    """

    classes = NYUV2

    def __init__(self, path: str | Path):
        """Raises FrameError where an array is missing or does not fit the others."""
        self.path = Path(path)
        with opened(path, FrameError) as file:
            missing = {"images", "names", *_MAPS} - set(file)
            if missing:
                raise FrameError(
                    f"{path}: expected {sorted(missing)}, got {list(file)}"
                )
            self._check_shapes(file)
            self.names = [f"{i:04d}" for i in range(1, len(file["images"]) + 1)]
            self._row_of_label = _rows(file)

    def _check_shapes(self, file: h5py.File) -> None:
        shape = file["images"].shape
        if len(shape) != 4 or shape[1] != 3:
            raise FrameError(
                f"{self.path}: images must be [F, 3, W, H], got {list(shape)}"
            )
        expected = (shape[0], *shape[2:])
        for name in _MAPS:
            if file[name].shape != expected:
                raise FrameError(
                    f"{self.path}: {name} must be {list(expected)} as the images are, "
                    f"got {list(file[name].shape)}"
                )

    def files(self, name: str) -> tuple[Path, ...]:
        """None: one file holds all frames, its digest is among the options."""
        return ()

    def options(self) -> dict[str, str]:
        """The digest of the file."""
        return {"source": files.sha256(self.path)}

    def is_labelled(self, name: str) -> bool:
        """Every frame is."""
        return True

    def read(self, name: str) -> Scene:
        """The frame `name`. Raises FrameError where it cannot be read."""
        index = int(name) - 1
        with opened(self.path, FrameError) as file:
            color = np.ascontiguousarray(file["images"][index].T)
            depth, label, instance = (file[key][index].T for key in _MAPS)
        if not np.isfinite(depth).all():
            raise FrameError(f"{self.path}, frame {name}: depths must be finite")
        if label.max() >= len(self._row_of_label):
            raise FrameError(
                f"{self.path}, frame {name}: labels must be at most "
                f"{len(self._row_of_label) - 1} as there are names, got {label.max()}"
            )
        semantic = self._row_of_label[label]
        return scene_of_images(name, color, depth, semantic, instance)


def _rows(file: h5py.File) -> np.ndarray:
    """Rows of `NYUV2` of the labels 0, 1, ..., found by name; others give 0."""
    references = file["names"][()].ravel()
    names = ["".join(map(chr, file[each][()].ravel())) for each in references]
    row_of = {name: row for row, name in enumerate(NYUV2.names, start=1)}
    return np.array([0, *(row_of.get(name, 0) for name in names)], np.int32)


def list_frames(
    path: str | Path, splits: str | Path | None, hold_out: partial
) -> DataSet:
    """The frames of a .mat file, a folder of PNG frames, or PCD frames.

    splits    file with the official split; by default the `splits.mat` of the folder,
              or beside the .mat file, which needs one
    hold_out  gives the splits of a list of names where there is no such file

    Frames without a map of classes make up a split of their own, `unlabelled`.

    Raises:
      FrameError: nothing of the kind is there, or the split file does not fit.
    """
    source = open_source(path)
    root = Path(path) if Path(path).is_dir() else Path(path).parent
    default = root / "splits.mat"
    splits = splits or (default if default.exists() else None)
    if splits is None and isinstance(source, LabelledFile):
        raise FrameError(f"{default} not found: the file with the official split")
    labelled = [name for name in source.names if source.is_labelled(name)]
    found = read_splits(splits, labelled) if splits else hold_out(labelled)
    found["unlabelled"] = [name for name in source.names if name not in set(labelled)]
    by = {"splits": files.sha256(splits)} if splits else hold_out.keywords
    return DataSet(
        name="nyuv2" if source.classes is NYUV2 else "pcd",
        classes=source.classes,
        splits={
            split: [Item(name, source.files(name)) for name in names]
            for split, names in found.items()
            if names
        },
        read=partial(read_frame, source),
        options=source.options() | by,
        root=root,
        unlabelled=("unlabelled",),
        licence=LICENCE if source.classes is NYUV2 else "",
    )


def read_frame(source: LabelledFile | ImageFolder | CloudFolder, item: Item) -> Scene:
    """The frame of an item."""
    return source.read(item.name)


def open_source(path: str | Path) -> LabelledFile | ImageFolder | CloudFolder:
    """The frames of a .mat file, a folder of PNG frames, or PCD frames.

    Raises:
      FrameError: nothing of the kind is there.
    """
    path = Path(path)
    if not path.exists():
        raise FrameError(f"no file or folder {path}")
    kinds = (CloudFolder, ImageFolder)
    if path.is_file():
        kinds = (CloudFolder if path.suffix == ".pcd" else LabelledFile,)
    for kind in kinds:
        source = kind(path)
        if source.names:
            return source
    raise FrameError(f"{path}: expected color/*.png or *.pcd, got neither")


def read_splits(path: str | Path, names: list[str]) -> dict[str, list[str]]:
    """Frames of the splits `train` and `test`, by their numbers in `splits.mat`.

    Frames of the official split that are not among the names are left out.

    Raises:
      FrameError: unreadable file, or a frame that is in no split or in both.
    """
    try:
        numbers = scipy.io.loadmat(str(path))
        splits = {
            split: set(numbers[f"{split}Ndxs"].ravel().tolist())
            for split in ("train", "test")
        }
    except KeyError as error:
        raise FrameError(
            f"{path}: expected trainNdxs and testNdxs, no {error}"
        ) from error
    except (OSError, ValueError, NotImplementedError) as error:
        raise FrameError(f"{path} is not a readable split file: {error}") from error
    found = {
        split: [name for name in names if name.isdigit() and int(name) in members]
        for split, members in splits.items()
    }
    for name in names:
        count = sum(name in members for members in found.values())
        if count != 1:
            raise FrameError(f"{path}: frame {name!r} is in {count} of train and test")
    return {split: members for split, members in found.items() if members}
