"""RGB-D frames of a folder -> coloured partial clouds with z up.

PNG  Frames of one name in `color` (8-bit RGB), `depth` (16 bit, millimetres, 0 = none,
     aligned to the colours) and, where there are labels, `label` (ids of NYUv2's 894
     names) or `class40` (ids of its 40 classes, which lack garbage bin and monitor),
     and `instance`. Camera: `depth.NYUV2`.
PCD  Files of PCD 0.7 with the fields x, y, z, label and rgba (or rgb), in the camera
     frame, as the data set OSD labels its tables: 0 is nothing, 1 to 9 the table; from
     20 on `label // 10 - 1` is the number of an object and the last digit that of its
     part. Of what class an object is, they do not tell.

Pixels without depth are dropped, and points that are not finite; with a label, those
are an error.
"""

import logging
from pathlib import Path

import numpy as np
from PIL import Image

from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import Scene
from gspn_tf.datasets import depth as depths
from gspn_tf.datasets.own import number_instances
from gspn_tf.files.pcd import PcdError, read_pcd

_log = logging.getLogger(__name__)
_IDS = {
    "bathtub": (136, 36), "bed": (157, 4), "bookshelf": (88, 10), "box": (26, 29),
    "chair": (5, 5), "counter": (7, 12), "desk": (36, 14), "door": (28, 8),
    "dresser": (169, 17), "garbage bin": (12, None), "lamp": (144, 35),
    "monitor": (49, None), "night stand": (158, 32), "pillow": (119, 18),
    "sink": (24, 34), "sofa": (83, 6), "table": (19, 7), "television": (172, 25),
    "toilet": (124, 33),
}  # fmt: skip
NYUV2 = ClassList.from_pairs([(raw, name) for name, (raw, _) in _IDS.items()])
"""The 19 classes of the paper's Table 3 under their ids among NYUv2's 894 names."""
TABLETOP = ClassList((1, 2), ("table", "object"))
"""The classes of PCD frames."""
_ROW_OF_CLASS40 = {raw: row for row, (_, raw) in enumerate(_IDS.values(), 1) if raw}
_DEPTH_MODES = ("I;16", "I;16B", "I")
_MAP_MODES = ("L", "P", *_DEPTH_MODES)


class FrameError(ValueError):
    """A frame that cannot be used: names the file, what was expected, what came."""


class ImageFolder:
    """A folder of PNG frames.

    names  of its frames, sorted
    """

    classes = NYUV2

    def __init__(self, path: str | Path):
        self.path = Path(path)
        found = (self.path.glob(f"{kind}/*.png") for kind in ("color", "depth"))
        self.names = sorted({file.stem for paths in found for file in paths})

    def files(self, name: str) -> tuple[Path, ...]:
        """The images of a frame that are there, and those that must be."""
        kinds = ("color", "depth", "label", "class40", "instance")
        paths = [self._file(kind, name) for kind in kinds]
        return tuple(path for i, path in enumerate(paths) if i < 2 or path.exists())

    def options(self) -> dict[str, str]:
        """None."""
        return {}

    def is_labelled(self, name: str) -> bool:
        """Whether a frame has a map of classes."""
        return any(self._file(kind, name).exists() for kind in ("label", "class40"))

    def read(self, name: str) -> Scene:
        """The frame `name`; all of it background where it has no map of classes.

        Raises:
          FrameError: an image is missing, unreadable, or has another size or kind.
        """
        color = read_image(self.path / "color" / f"{name}.png", ("RGB", "RGBA", "P"))
        depth = self._map("depth", name, color, _DEPTH_MODES)
        if depth is None:
            raise FrameError(f"{self._file('depth', name)} not found")
        instance = self._map("instance", name, color)
        if instance is None:
            instance = np.zeros(depth.shape, np.int32)
            if self.is_labelled(name):
                _log.warning("no %s: no instances", self._file("instance", name))
        semantic = self._semantic(name, color)
        return scene_of_images(name, color, depth / 1000.0, semantic, instance)

    def _semantic(self, name: str, color: np.ndarray) -> np.ndarray:
        label = self._map("label", name, color)
        if label is not None:
            return NYUV2.to_rows(label)
        class40 = self._map("class40", name, color)
        if class40 is None:
            return np.zeros(color.shape[:2], np.int32)
        row_of = np.zeros(class40.max(initial=40) + 1, np.int32)
        row_of[list(_ROW_OF_CLASS40)] = list(_ROW_OF_CLASS40.values())
        return row_of[class40]

    def _file(self, kind: str, name: str) -> Path:
        return self.path / kind / f"{name}.png"

    def _map(
        self, kind: str, name: str, color: np.ndarray, modes: tuple = _MAP_MODES
    ) -> np.ndarray | None:
        """An image [H, W] int32 as large as the colours, None where there is none."""
        path = self._file(kind, name)
        if not path.exists():
            return None
        image = read_image(path, modes)
        if image.shape != color.shape[:2]:
            raise FrameError(
                f"{path} must be {list(color.shape[:2])} as the colours are, "
                f"got {list(image.shape)}"
            )
        return image.astype(np.int32)


class CloudFolder:
    """A folder of PCD frames, or one of them.

    names  of its frames, sorted
    """

    classes = TABLETOP

    def __init__(self, path: str | Path):
        path = Path(path)
        files = [path] if path.is_file() else path.glob("*.pcd")
        self._files = {file.stem: file for file in sorted(files)}
        self.names = list(self._files)

    def files(self, name: str) -> tuple[Path, ...]:
        """The file of a frame."""
        return (self._files[name],)

    def options(self) -> dict[str, str]:
        """None."""
        return {}

    def is_labelled(self, name: str) -> bool:
        """Every frame is."""
        return True

    def read(self, name: str) -> Scene:
        """The frame `name`.

        Raises:
          PcdError: unreadable or corrupt file.
          FrameError: a field is missing, or no point is finite.
        """
        path = self._files[name]
        columns = read_pcd(path)
        packed = "rgba" if "rgba" in columns else "rgb"
        missing = [
            key for key in ("x", "y", "z", "label", packed) if key not in columns
        ]
        if missing:
            raise FrameError(
                f"{path}: expected the fields x, y, z, label and rgba, "
                f"got {list(columns)}"
            )
        for key in ("label", packed):
            if columns[key].dtype.itemsize != 4:
                raise PcdError(f"{path}: {key} must have 4 bytes")
        points = np.stack([columns[key] for key in "xyz"], axis=1).astype(np.float64)
        keep = np.isfinite(points).all(axis=1)
        if (columns["label"][~keep] > 0).any():
            raise FrameError(f"{path}: points with a label must be finite, got NaN")
        colors = columns[packed].view(np.uint32)[keep, None] >> np.uint32([16, 8, 0])
        label = columns["label"][keep].astype(np.int64)
        is_table, is_object = (label > 0) & (label < 10), label >= 20
        return scene_of_points(
            name,
            points[keep],
            colors.astype(np.uint8),
            semantic=np.select([is_table, is_object], [1, 2]).astype(np.int32),
            number=np.select([is_table, is_object], [1, label // 10]),
            num_classes=len(TABLETOP),
        )


def scene_of_images(
    name: str,
    color: np.ndarray,
    depth: np.ndarray,
    semantic: np.ndarray,
    number: np.ndarray,
) -> Scene:
    """The pixels that have depth, lifted by NYUv2's camera.

    color [H, W, 3] uint8      depth [H, W] metres      semantic [H, W] rows of `NYUV2`
    number [H, W] of the object among those of its class; 0 = none
    """
    where = depths.valid(depth)
    semantic = semantic[where]
    # Numbers begin anew in every class, so an object is a (class, number) pair.
    number = number[where].astype(np.int64)
    unique = np.where(number > 0, number * (len(NYUV2) + 1) + semantic, 0)
    points = depths.lift(depth, where, depths.NYUV2)
    return scene_of_points(name, points, color[where], semantic, unique, len(NYUV2))


def scene_of_points(
    name: str,
    points: np.ndarray,
    colors: np.ndarray,
    semantic: np.ndarray,
    number: np.ndarray,
    num_classes: int,
) -> Scene:
    """Points [V, 3] of the camera frame in the room frame, their objects numbered."""
    if not len(points):
        raise FrameError(f"frame {name!r}: expected a pixel with depth, got none")
    return Scene(
        name=name,
        points=depths.to_room(points),
        colors=colors,
        semantic=semantic,
        instance=number_instances(number, semantic, num_classes),
    )


def read_image(path: Path, modes: tuple[str, ...]) -> np.ndarray:
    """An image of one of Pillow's modes: [H, W, 3] uint8 of colours, else [H, W]."""
    try:
        with Image.open(path) as image:
            if image.mode not in modes:
                raise FrameError(
                    f"{path} must be an image of mode {' or '.join(modes)}, "
                    f"got {image.mode}"
                )
            return np.asarray(image.convert("RGB") if "RGB" in modes else image)
    except FrameError:
        raise
    except FileNotFoundError as error:
        raise FrameError(f"{path} not found") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FrameError(f"{path} is not a readable image: {error}") from error
