"""Reads models of a furniture library of Sweet Home 3D as they are."""

import io
import os
import re
import zipfile
from collections.abc import Iterable

import numpy as np
import trimesh
from trimesh.resolvers import Resolver

from gspn_tf.synthetic.homes.meshes import Material, Mesh

IMAGE_SIDE = 96  # pixels of a kept picture, at most: vertices are 3 cm apart


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
