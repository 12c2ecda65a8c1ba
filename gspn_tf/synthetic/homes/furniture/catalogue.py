"""Furniture of Debian's package `sweethome3d-furniture`, and its terms.

`furniture.csv` has a line for each model of Sweet Home 3D's libraries: its class among
ScanNet's 18, or the part that it plays else; its size; its licence and its author.
"""

import csv
from importlib import resources
from typing import NamedTuple, cast

from gspn_tf.synthetic.homes.things import Role, Size

LIBRARIES = {
    "BlendSwap-CC-0": "BlendSwap-CC-0.sh3f",
    "BlendSwap-CC-BY": "BlendSwap-CC-BY.sh3f",
    "KatorLegaz": "KatorLegaz.sh3f",
    "Scopia": "Scopia.sh3f",
}
"""File of each library whose licence (CC0 or CC-BY) is free of further conditions.

Models of the program itself (eTeks) are left out: Debian has them under the GPL.
"""


class CatalogueRow(NamedTuple):
    """A model of a library.

    role     "object" is labelled, "unscored" furniture and "clutter" are not,
             "excluded" is not used
    kind     class of an object, word for other furniture, reason of an exclusion
    size     (w, d, h) metres    elevation  metres above the floor where it hangs
    path     of its OBJ file in the library
    """

    name: str
    title: str
    role: str
    kind: str
    size: Size
    elevation: float
    licence: str
    author: str
    library: str
    path: str


def read_catalogue() -> dict[str, CatalogueRow]:
    """Read every line of `furniture.csv`, by the model's name."""
    file = resources.files(__package__).joinpath("furniture.csv")
    lines = file.read_text(encoding="utf-8").splitlines()
    return {line["model_id"]: _row(line) for line in csv.DictReader(lines)}


def usable(row: CatalogueRow) -> bool:
    """Whether a model may and can be used."""
    return row.library in LIBRARIES and row.role != "excluded"


def role_of(row: CatalogueRow) -> Role:
    """Return the role of a usable model."""
    return cast(Role, row.role)


def _row(line: dict[str, str]) -> CatalogueRow:
    sides = (line[f"{side}_cm"] for side in ("width", "depth", "height"))
    width, depth, height = (float(side) / 100 for side in sides)
    return CatalogueRow(
        name=line["model_id"],
        title=line["name"],
        role=line["role"],
        kind=line["class_or_reason"],
        size=(width, depth, height),
        elevation=float(line["elevation_cm"] or 0) / 100,
        licence=line["licence"],
        author=line["author"],
        library=line["source"],
        path=line["obj_path"].lstrip("/"),
    )
