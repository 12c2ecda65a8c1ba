"""RGB-D frames of a folder -> coloured partial clouds with z up.

PNG  Frames of one name in `color` (8-bit RGB), `depth` (16 bit, millimetres, 0 = none,
     aligned to the colours) and, where there are labels, `label` (ids of NYUv2's 894
     names) or `class40` (ids of its 40 classes, which lack garbage bin and monitor),
     and `instance`. Camera: `depth.NYUV2_CAMERA`.
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

from gspn_tf.data.classes import ClassList
from gspn_tf.data.rgbd_image import RgbdImage
from gspn_tf.data.scene import Scene, number_instances, numbers_per_class
from gspn_tf.datasets.reading import SceneSource
from gspn_tf.files import depth as depths
from gspn_tf.files.errors import ScanError, check_shape
from gspn_tf.files.images import COLOR_MODES, DEPTH_MODES, MAP_MODES, read_image
from gspn_tf.files.pcd import read_pcd
from gspn_tf.files.text import printable, visible_files

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


def list_images(folder: Path) -> list[SceneSource]:
    """The PNG frames of a folder by name; `detail` has the images by their kinds."""
    kinds = ("color", "depth", "label", "class40", "instance")
    names = {
        path.stem
        for kind in kinds[:2]
        for path in visible_files(folder / kind, "*.png")
    }
    sources = []
    for name in sorted(names):
        paths = {kind: folder / kind / f"{name}.png" for kind in kinds}
        there = {k: p for k, p in paths.items() if k in kinds[:2] or p.exists()}
        sources.append(SceneSource(printable(name), tuple(there.values()), there))
    return sources


def has_classes(source: SceneSource) -> bool:
    """Whether a frame has labels: of PNG frames, one of the maps of classes."""
    images = source.detail
    return not isinstance(images, dict) or bool({"label", "class40"} & set(images))


def read_images(source: SceneSource) -> Scene:
    """A PNG frame; all of it background where it has no map of classes.

    Raises:
      ScanError: an image is missing, unreadable, or has another size or kind.
    """
    images: dict[str, Path] = source.detail
    color = read_image(images["color"], COLOR_MODES)
    size = color.shape[:2]
    maps = {}
    for kind, path in images.items():
        if kind != "color":
            image = read_image(path, DEPTH_MODES if kind == "depth" else MAP_MODES)
            check_shape(f"{path}, as large as the colours,", image, size)
            maps[kind] = image.astype(np.int32)
    semantic = instance = np.zeros(size, np.int32)
    if "label" in maps:
        semantic = NYUV2.to_rows(maps["label"])
    elif "class40" in maps:
        row_of = np.zeros(maps["class40"].max(initial=40) + 1, np.int32)
        row_of[list(_ROW_OF_CLASS40)] = list(_ROW_OF_CLASS40.values())
        semantic = row_of[maps["class40"]]
    if "instance" in maps:
        instance = maps["instance"]
    elif has_classes(source):
        _log.warning("no instance/%s.png: no instances", source.name)
    return lifted(source.name, color, maps["depth"] / 1000.0, semantic, instance)


def list_clouds(path: Path) -> list[SceneSource]:
    """The PCD frames of a folder by name, or the one that `path` is."""
    files = [path] if path.is_file() else visible_files(path, "*.pcd")
    return [SceneSource(printable(file.stem), (file,)) for file in files]


def read_cloud(source: SceneSource) -> Scene:
    """A PCD frame.

    Raises:
      ScanError: unreadable or corrupt file, a field is missing, or no point is finite.
    """
    (path,) = source.files
    columns = read_pcd(path)
    packed = "rgba" if "rgba" in columns else "rgb"
    if not {"x", "y", "z", "label", packed} <= set(columns):
        raise ScanError(
            f"{path}: expected the fields x, y, z, label and rgba, got {list(columns)}"
        )
    if columns[packed].dtype.itemsize != 4:
        raise ScanError(f"{path}: {packed} must have 4 bytes")
    points = np.stack([columns[key] for key in "xyz"], axis=1).astype(np.float64)
    keep = np.isfinite(points).all(axis=1)
    if (columns["label"][~keep] > 0).any():
        raise ScanError(f"{path}: points with a label must be finite, got NaN")
    shifts = np.array([16, 8, 0], np.uint32)
    colors = columns[packed].view(np.uint32)[keep, None] >> shifts
    label = columns["label"][keep].astype(np.int64)
    is_table, is_object = (label > 0) & (label < 10), label >= 20
    return _frame(
        source.name,
        points[keep],
        colors.astype(np.uint8),
        semantic=np.select([is_table, is_object], [1, 2]).astype(np.int32),
        number=np.select([is_table, is_object], [1, label // 10]),
    )


def lifted(
    name: str,
    color: np.ndarray,
    depth: np.ndarray,
    semantic: np.ndarray,
    number: np.ndarray,
    camera: depths.Intrinsics = depths.NYUV2_CAMERA,
) -> Scene:
    """The pixels that have depth, lifted by a camera.

    color [H, W, 3] uint8      depth [H, W] metres      semantic [H, W] rows of classes
    number [H, W] of the object in its class; 0 = none
    """
    where = depths.measured(depth)
    semantic = semantic[where]
    number = numbers_per_class(number[where], semantic)
    points = depths.lift(depth, where, camera)
    depth = np.where(where, depth, 0).astype(np.float32)
    image = RgbdImage(color, depth, camera)
    return _frame(name, points, color[where], semantic, number, image)


def _frame(
    name: str,
    points: np.ndarray,
    colors: np.ndarray,
    semantic: np.ndarray,
    number: np.ndarray,
    image: RgbdImage | None = None,
) -> Scene:
    """Points [V, 3] of the camera frame in the room frame, their objects numbered."""
    if not len(points):
        raise ScanError(f"frame {name!r}: expected a pixel with depth, got none")
    instance = number_instances(number, semantic)
    points = (points @ depths.ROOM_FROM_CAMERA.T).astype(np.float32)
    return Scene(name, points, colors, semantic, instance, image)
