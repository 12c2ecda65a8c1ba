"""Models of Sweet Home 3D's furniture libraries, converted once and kept in a cache.

A library is a ZIP file `NAME.sh3f` of OBJ files with materials and pictures. Each model
becomes an `.npz` file of the cache, so that rooms are put together in no time.
"""

import functools
import hashlib
import io
import logging
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gspn_tf import files
from gspn_tf.synthetic.homes.furniture.archive import (
    read_obj,
    read_rotations,
    stand_up,
)
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
            build=functools.partial(cached_mesh, _file(cache, row)),
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


def cached_mesh(path: Path) -> Mesh:
    """Read what `write_mesh` wrote.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        return _read_mesh(path)
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged ({error}); delete it, and it is converted again"
        ) from error


def _read_mesh(path: Path) -> Mesh:
    with path.open("rb") as file, np.load(file) as kept:
        images = [kept.get(f"image{row}") for row in range(len(kept["looks"]))]
        materials = tuple(
            Material((red, green, blue), image, alpha, gloss)
            for (red, green, blue, alpha, gloss), image in zip(
                kept["looks"].tolist(), images, strict=True
            )
        )
        points, faces, uv = kept["points"], kept["faces"], kept["uv"]
        return Mesh(points, faces, uv, kept["material"], materials)
