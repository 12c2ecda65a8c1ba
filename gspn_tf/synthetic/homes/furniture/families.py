"""Parametric furniture: every class without a library of models.

Each family draws pieces of one kind from random numbers. The libraries lack or have few
counters, curtains, shower curtains, pictures, bathtubs, refrigerators, toilets and
windows; the families of the other kinds let a home be furnished without any library.
"""

from collections.abc import Sequence
from functools import partial
from zlib import crc32

import numpy as np

from gspn_tf.data.classes import SCANNET
from gspn_tf.synthetic.homes.furniture.bath import BATH_FAMILIES
from gspn_tf.synthetic.homes.furniture.devices import DEVICE_FAMILIES
from gspn_tf.synthetic.homes.furniture.kitchen import KITCHEN_FAMILIES
from gspn_tf.synthetic.homes.furniture.seats import SEAT_FAMILIES
from gspn_tf.synthetic.homes.furniture.shapes import Family
from gspn_tf.synthetic.homes.furniture.small import SMALL_FAMILIES
from gspn_tf.synthetic.homes.furniture.storage import STORAGE_FAMILIES
from gspn_tf.synthetic.homes.furniture.tables import TABLE_FAMILIES
from gspn_tf.synthetic.homes.furniture.walls import WALL_FAMILIES
from gspn_tf.synthetic.homes.meshes import Material, Mesh
from gspn_tf.synthetic.homes.things import Model

FAMILIES: dict[str, Family] = {
    **STORAGE_FAMILIES,
    **KITCHEN_FAMILIES,
    **SEAT_FAMILIES,
    **TABLE_FAMILIES,
    **WALL_FAMILIES,
    **BATH_FAMILIES,
    **SMALL_FAMILIES,
    **DEVICE_FAMILIES,
}
"""All families by kind: ScanNet's 18 classes, unscored furniture and clutter."""

FAMILY_CLASSES = tuple(name for name in SCANNET.names if name in FAMILIES)
"""The classes of ScanNet that families exist for: all 18."""


def family_models(
    seed: int, count: int = 6, kinds: Sequence[str] | None = None
) -> list[Model]:
    """Return parametric models; each depends on the seed, its kind and its number.

    Args:
        seed: of all of them.
        count: models of each kind.
        kinds: keys of `FAMILIES`; None = all.

    Returns:
        Models named "family#KIND-NUMBER", which can be pickled, kind by kind.

    Raises:
        ValueError: a kind that no family has, or a negative seed or count.
    """
    kinds = tuple(FAMILIES) if kinds is None else kinds
    unknown = sorted(set(kinds) - set(FAMILIES))
    if unknown:
        raise ValueError(f"no family of {', '.join(unknown)}: {', '.join(FAMILIES)}")
    if seed < 0 or count < 0:
        raise ValueError(f"seed {seed} and count {count} must not be negative")
    return [_model(seed, kind, number) for kind in kinds for number in range(count)]


def _model(seed: int, kind: str, number: int) -> Model:
    mesh, elevation = _hung(seed, kind, number)
    width, depth, height = (float(x) for x in mesh.size)
    return Model(
        name=f"family#{kind}-{number}",
        role=FAMILIES[kind].role,
        kind=kind,
        size=(width, depth, height),
        elevation=elevation,
        build=partial(build_family_mesh, seed, kind, number),
    )


def build_family_mesh(seed: int, kind: str, number: int) -> Mesh:
    """Return the mesh of a family's piece: foot on z = 0, middle at x = y = 0."""
    return _hung(seed, kind, number)[0]


def _hung(seed: int, kind: str, number: int) -> tuple[Mesh, float]:
    """Return the mesh in its model's frame, and metres of its foot above the floor."""
    rng = np.random.default_rng([seed, crc32(kind.encode()), number])
    mesh = _shared_materials(FAMILIES[kind].draw(rng))
    low, high = mesh.points.min(axis=0), mesh.points.max(axis=0)
    foot = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    elevation = round(float(low[2]), 4)
    return mesh.placed(0.0, -foot), elevation if elevation > 0.03 else 0.0


def _shared_materials(mesh: Mesh) -> Mesh:
    """Keep one row of each material, however many parts are of it."""
    rows: dict[int, int] = {}
    kept: list[Material] = []
    for material in mesh.materials:
        if id(material) not in rows:
            rows[id(material)] = len(kept)
            kept.append(material)
    row = np.array([rows[id(material)] for material in mesh.materials], np.int32)
    return Mesh(mesh.points, mesh.faces, mesh.uv, row[mesh.material], tuple(kept))
