"""Models of Sweet Home 3D's furniture libraries, converted once and kept in a cache.

A library is a ZIP file `NAME.sh3f` of OBJ files with materials and pictures. Each model
becomes an `.npz` file of the cache, so that rooms are put together in no time.
"""

import functools
import hashlib
import io
import logging
import os
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import trimesh
from trimesh.resolvers import Resolver

from gspn_tf import files
from gspn_tf.synthetic.homes.furniture.catalogue import (
    LIBRARIES,
    CatalogueRow,
    read_catalogue,
    role_of,
    usable,
)
from gspn_tf.synthetic.homes.meshes import Material, Mesh
from gspn_tf.synthetic.homes.things import Model

GET = (
    "apt-get download sweethome3d-furniture",
    "dpkg-deb -x sweethome3d-furniture_*.deb furniture",
)
"""Commands that get the furniture into a folder `furniture`."""
IMAGE_SIDE = 96  # pixels of a kept picture, at most: vertices are 3 cm apart
MAX_FACES = 100_000
_FORMAT = 2  # of the cache
_log = logging.getLogger(__name__)


def library_models(folder: Path, cache: Path, cc0: bool = False) -> list[Model]:
    """Open the furniture of a folder, converting it first where that was never done.

    Args:
        folder: holds the `.sh3f` files, at any depth: the unpacked Debian package.
        cache: folder for converted models; made where it is missing.
        cc0: leave out models whose licence asks for a notice (CC-BY).

    Raises:
        ValueError: no library is there, or one is damaged; the message has the commands
            that get them.
    """
    rows = [row for row in read_catalogue().values() if usable(row)]
    models: list[Model] = []
    for name, path in find_libraries(folder).items():
        mine = [row for row in rows if row.library == name]
        kept = cache / f"{name}-{fingerprint(path)}-{_FORMAT}"
        _convert_missing(path, mine, kept)
        free = [row for row in mine if row.licence == "CC0-1.0" or not cc0]
        models += _cached_models(free, kept)
    return models


def find_libraries(folder: Path) -> dict[str, Path]:
    """Find the files of the libraries in a folder, at any depth, by their names.

    Raises:
        ValueError: none is there.
    """
    if not folder.is_dir():
        raise ValueError(f"--furniture: no folder {folder}; {how_to_get()}")
    found = {path.name: path for path in sorted(folder.rglob("*.sh3f"))}
    known = {name: found[file] for name, file in LIBRARIES.items() if file in found}
    if not known:
        wanted = ", ".join(LIBRARIES.values())
        raise ValueError(f"--furniture: {folder} has none of {wanted}; {how_to_get()}")
    return known


def fingerprint(path: Path) -> str:
    """Return twelve hexadecimal digits that tell the bytes of a file."""
    return files.sha256(path)[:12]


def how_to_get() -> str:
    """Say in one sentence how the furniture can be had."""
    commands = "` and `".join(GET)
    return f"`{commands}` get it (120 MB) into the folder furniture"


def _cached_models(rows: Iterable[CatalogueRow], cache: Path) -> list[Model]:
    return [
        Model(
            name=row.name,
            role=role_of(row),
            kind=row.kind,
            size=row.size,
            elevation=row.elevation,
            build=functools.partial(read_mesh, _file(cache, row)),
        )
        for row in rows
        if _file(cache, row).stat().st_size
    ]


def _file(cache: Path, row: CatalogueRow) -> Path:
    return cache / f"{hashlib.sha256(row.name.encode()).hexdigest()[:16]}.npz"


def _convert_missing(path: Path, rows: list[CatalogueRow], cache: Path) -> None:
    """Convert the models of a library that the cache lacks; an empty file = none."""
    missing = [row for row in rows if not _file(cache, row).exists()]
    if not missing:
        return
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(path) as archive:
            rotations = read_rotations(archive)
            for row in missing:
                data = _converted(archive, row, rotations.get(row.name))
                with files.replacing(_file(cache, row)) as temporary:
                    temporary.write_bytes(data)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{path} is damaged ({error}); {how_to_get()}") from error


def _converted(
    archive: zipfile.ZipFile, row: CatalogueRow, rotation: np.ndarray | None
) -> bytes:
    mesh = read_obj(archive, row.path)
    if mesh is None or len(mesh.faces) > MAX_FACES:
        count = 0 if mesh is None else len(mesh.faces)
        _log.warning("%s is left out: it has %d triangles", row.name, count)
        return b""
    buffer = io.BytesIO()
    write_mesh(buffer, stand_up(mesh, row.size, rotation))
    return buffer.getvalue()


def read_rotations(archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
    """Read how models of a library are turned, [3, 3] by the model's name."""
    text = archive.read("PluginFurnitureCatalog.properties").decode("latin-1")
    entries = dict(re.findall(r"^(\w+#\d+)\s*=\s*(.*?)\s*$", text, re.MULTILINE))
    return {
        entries[f"id#{key.split('#')[1]}"]: np.array(value.split(), np.float32).reshape(
            3, 3
        )
        for key, value in entries.items()
        if key.startswith("modelRotation#")
    }


def stand_up(mesh: Mesh, size: Iterable[float], rotation: np.ndarray | None) -> Mesh:
    """Bring a mesh of Sweet Home 3D (y up) into a model's frame, at its true size."""
    points = mesh.points if rotation is None else mesh.points @ rotation.T
    points = np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1)
    low, high = points.min(axis=0), points.max(axis=0)
    middle = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    points = (points - middle) * (np.array([*size]) / np.maximum(high - low, 1e-6))
    points = points.astype(np.float32)
    return Mesh(points, mesh.faces, mesh.uv, mesh.material, mesh.materials)


class _Beside(Resolver):
    """Reads files that lie beside a model in its library, as trimesh asks for them."""

    def __init__(self, archive: zipfile.ZipFile, path: str) -> None:
        self._archive, self._folder = archive, os.path.dirname(path)

    def get(self, name: str) -> bytes:
        return self._archive.read(os.path.normpath(os.path.join(self._folder, name)))

    def keys(self) -> list[str]:
        return self._archive.namelist()

    def namespaced(self, namespace: str) -> "_Beside":
        return _Beside(self._archive, os.path.join(self._folder, namespace, "any"))

    def write(self, name: str, data: bytes) -> None:
        raise NotImplementedError("libraries are only read")


def read_obj(archive: zipfile.ZipFile, path: str) -> Mesh | None:
    """Read a model of a library as it is; None where it has no triangles."""
    with np.errstate(all="ignore"):
        scene = trimesh.load_scene(
            io.BytesIO(archive.read(path)),
            file_type="obj",
            resolver=_Beside(archive, path),
            process=False,
        )
    names = sorted(scene.geometry)  # trimesh has them in any order
    parts = [scene.geometry[name] for name in names]
    parts = [each for each in parts if len(getattr(each, "faces", ()))]
    if not parts:
        return None
    faces, uv, material, count = [], [], [], 0
    for row, part in enumerate(parts):
        faces.append(part.faces + count)
        count += len(part.vertices)
        has = getattr(part.visual, "uv", None)
        zeros = np.zeros((len(part.faces), 3, 2))
        uv.append(zeros if has is None else np.asarray(has)[part.faces])
        material.append(np.full(len(part.faces), row))
    points = np.concatenate([part.vertices for part in parts])
    used, flat = np.unique(np.concatenate(faces), return_inverse=True)
    return Mesh(
        points[used].astype(np.float32),
        flat.reshape(-1, 3).astype(np.int32),
        np.concatenate(uv).astype(np.float32),
        np.concatenate(material).astype(np.int32),
        tuple(_material(getattr(part.visual, "material", None)) for part in parts),
    )


def _material(given: object) -> Material:
    """Take over a material of trimesh; the picture gets small."""
    kwargs = getattr(given, "kwargs", {})
    red, green, blue = (float(c) for c in getattr(given, "diffuse", (200,) * 3)[:3])
    alpha = float(np.ravel(kwargs.get("d", 1.0)).astype(float)[-1])
    shine = float(np.mean(kwargs.get("ks", 0.0)))
    gloss = shine if np.mean((red, green, blue)) < 60 else 0.5 * shine
    image = getattr(given, "image", None)
    if image is not None:
        image = image.convert("RGB")
        image.thumbnail((IMAGE_SIDE, IMAGE_SIDE))
        image = np.asarray(image)[::-1].copy()  # v runs upwards
    return Material((red, green, blue), image, alpha, gloss)


def write_mesh(file: io.BytesIO, mesh: Mesh) -> None:
    """Write a mesh as an uncompressed `.npz`."""
    looks = [(*each.color, each.alpha, each.gloss) for each in mesh.materials]
    images = {
        f"image{row}": each.image
        for row, each in enumerate(mesh.materials)
        if each.image is not None
    }
    np.savez(
        file,
        points=mesh.points,
        faces=mesh.faces,
        uv=mesh.uv,
        material=mesh.material,
        looks=np.array(looks, np.float32),
        **images,  # type: ignore[arg-type]
    )


def read_mesh(path: Path) -> Mesh:
    """Read what `write_mesh` wrote."""
    with np.load(path) as kept:
        images = [kept.get(f"image{row}") for row in range(len(kept["looks"]))]
        materials = tuple(
            Material((red, green, blue), image, alpha, gloss)
            for (red, green, blue, alpha, gloss), image in zip(
                kept["looks"].tolist(), images, strict=True
            )
        )
        points, faces, uv = kept["points"], kept["faces"], kept["uv"]
        return Mesh(points, faces, uv, kept["material"], materials)
