"""Reads the rooms of Sweet Home 3D's example homes.

Only the plans are read: walls, doors, windows and which class of furniture stands
where. The homes' authors are Véronique Puybaret and Emmanuel Puybaret (CC-BY 3.0).
"""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from gspn_tf.files.text import visible_files
from gspn_tf.synthetic.homes.layout.home_xml import leaves, metres, point, walls_of
from gspn_tf.synthetic.homes.layout.outlines import FloorPlan, Opening, Space, Wall
from gspn_tf.synthetic.homes.layout.placing import in_outline
from gspn_tf.synthetic.homes.things import Size

_FOLDER = "com/eteks/sweethome3d/io/resources/examples/"
_KINDS = {
    "bath": "bathroom",
    "bed": "bedroom",
    "dining": "living room",
    "dressing": "storage",
    "garage": "storage",
    "hall": "hall",
    "corridor": "hall",
    "kitchen": "kitchen",
    "living": "living room",
    "office": "office",
}
OPENINGS = ("door", "window", "opening")
"""Kinds of pieces that are in walls; an "opening" is bare, such as a door's frame."""

_OUTDOORS = ("balcony", "terrace", "roof")
_NEAR = 0.45  # metres


class HomePiece(NamedTuple):
    """A piece of furniture of an example home.

    model       name of its model, "eTeks#bed"
    role, kind  as of a `Model`; "object" and a class of ScanNet, for instance
    size        (w, d, h) metres
    at          (x, y, z) metres of the middle of its foot
    angle       radians, counter-clockwise seen from above
    """

    model: str
    role: str
    kind: str
    size: Size
    at: tuple[float, float, float]
    angle: float


@dataclass(frozen=True)
class HomePlan:
    """One room of an example home.

    name      of the home and the room
    kind      of room, a key of `plans.RECIPES`
    plan      the room, the walls about it, their openings
    pieces    furniture and clutter, on its floor or hung
    fillings  what is in each opening of the plan: a door, a window or nothing
    """

    name: str
    kind: str
    plan: FloorPlan
    pieces: tuple[HomePiece, ...]
    fillings: tuple[HomePiece, ...]


def read_example_homes(
    jar_or_folder: Path, catalogue: Mapping[str, tuple[str, str]]
) -> list[HomePlan]:
    """Read the rooms of all example homes, but for balconies, terraces and roofs.

    Args:
        jar_or_folder: `sweethome3d.jar`, or a folder of its example homes' XML files.
        catalogue: (role, kind) of each model by its name ("eTeks#bed"); pieces whose
            model is not in it or excluded are left out, but for holes in walls.

    Raises:
        FileNotFoundError: no such file or folder, or no XML files in it.
        ValueError: a file that is no home; says which.
    """
    texts = dict(_texts(jar_or_folder))
    if not texts:
        raise FileNotFoundError(f"no example homes (*.xml) in {jar_or_folder}")
    homes = []
    for name, text in texts.items():
        try:
            homes += list(_rooms(Path(name).stem, text, catalogue))
        except (ElementTree.ParseError, KeyError, TypeError, ValueError) as error:
            message = f"{jar_or_folder}: {name} is no home of Sweet Home 3D: {error}"
            raise ValueError(message) from error
    return homes


def _texts(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each home, in the order of their names."""
    if path.is_dir():
        for file in visible_files(path, "*.xml"):
            yield file.name, file.read_bytes()
        return
    if not path.is_file():
        raise FileNotFoundError(f"no file or folder {path}")
    try:
        with zipfile.ZipFile(path) as jar:
            for name in sorted(jar.namelist()):
                if name.startswith(_FOLDER) and name.endswith(".xml"):
                    yield name.removeprefix(_FOLDER), jar.read(name)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is no jar file: {error}") from error


def _rooms(
    home: str, text: bytes, catalogue: Mapping[str, tuple[str, str]]
) -> Iterator[HomePlan]:
    root = ElementTree.fromstring(text)
    if root.tag != "home":
        raise ValueError(f"its root is <{root.tag}>")
    height = metres(root, "wallHeight", 250.0)
    walls = [part for e in root.iter("wall") for part in walls_of(e, height)]
    pieces = [_piece(e, level, catalogue) for e, level in leaves(root, "")]
    for number, room in enumerate(root.iter("room")):
        name = room.get("name") or ""
        outline = np.array([point(e, "x", "y") for e in room.findall("point")])
        if len(outline) < 3 or any(word in name.lower() for word in _OUTDOORS):
            continue
        outline, level = _counter_clockwise(outline), room.get("level")
        kind = next((k for w, k in _KINDS.items() if w in name.lower()), "mixed")
        near = _near([wall for wall, of in walls if of == level], outline)
        own = [p for p, of in pieces if p is not None and of == level]
        low, high = outline.min(axis=0), outline.max(axis=0)
        if near and min(high - low) > 1.4 and max(high - low) < 12.0:
            plan = FloorPlan([Space(kind, outline)], near, max(w.height for w in near))
            yield _home_plan(f"{home}: {number} {name}".strip(), plan, own)


def _home_plan(name: str, plan: FloorPlan, pieces: list[HomePiece]) -> HomePlan:
    """Keep what is in the room, and the openings of its walls."""
    kind, outline = plan.spaces[0]
    inside = in_outline(np.array([p.at[:2] for p in pieces]).reshape(-1, 2), outline)
    fillings = []
    for piece in pieces:
        opening = _opening(piece)
        if piece.kind in OPENINGS and _touches_room(opening, outline):
            plan.openings.append(opening)
            fillings.append(piece)
    kept = [
        piece
        for piece, here in zip(pieces, inside, strict=True)
        if here and piece.kind not in OPENINGS
    ]
    return HomePlan(name, kind, plan, tuple(kept), tuple(fillings))


def _opening(piece: HomePiece) -> Opening:
    width, _, height = piece.size
    x, y, low = piece.at
    return Opening((x, y), piece.angle, width, low, low + height)


def _touches_room(opening: Opening, outline: np.ndarray) -> bool:
    """Whether a step through an opening, forwards or backwards, leads into a room."""
    across = np.array([-np.sin(opening.angle), np.cos(opening.angle)])
    steps = np.array([-_NEAR, _NEAR])[:, None] * across + opening.at
    return bool(in_outline(steps, outline).any())


def _near(walls: list[Wall], outline: np.ndarray) -> list[Wall]:
    """Return the parts of walls near the upright box round an outline."""
    low, high = outline.min(axis=0) - _NEAR, outline.max(axis=0) + _NEAR
    out = []
    for wall in walls:
        steps = wall.end - wall.start
        steps = np.where(np.abs(steps) < 1e-9, 1e-9, steps)
        stops = np.stack([low - wall.start, high - wall.start]) / steps
        first = max(float(stops.min(axis=0).max()), 0.0)
        last = min(float(stops.max(axis=0).min()), 1.0)
        if first < last:
            ends = (wall.start + first * steps, wall.start + last * steps)
            out.append(wall._replace(start=ends[0], end=ends[1]))
    return out


def _piece(
    e: ElementTree.Element, level: str | None, catalogue: Mapping[str, tuple[str, str]]
) -> tuple[HomePiece | None, str | None]:
    """Return a piece, or None for what is not in the catalogue; and its level."""
    name = e.get("catalogId", "")
    role, kind = catalogue.get(name, ("excluded", ""))
    if e.tag == "doorOrWindow" and kind not in OPENINGS:
        role, kind = "excluded", "opening"
    elif role == "excluded":
        return None, level
    size = (metres(e, "width"), metres(e, "depth"), metres(e, "height"))
    if min(size) <= 0:
        raise ValueError(f"{e.get('name')} has no size")
    angle = -float(e.get("angle", 0.0))
    x, y = point(e, "x", "y")
    if kind in OPENINGS:
        # An open door reaches into the room: its wall is at a part of its depth.
        thick, off = (
            float(e.get(k, v))
            for k, v in (("wallThickness", 1.0), ("wallDistance", 0.0))
        )
        back = size[1] * (0.5 - off - thick / 2)
        x, y = x - np.sin(angle) * back, y + np.cos(angle) * back
    at = (float(x), float(y), metres(e, "elevation", 0.0))
    return HomePiece(name, role, kind, size, at, angle), level


def _counter_clockwise(outline: np.ndarray) -> np.ndarray:
    x, y = outline.T
    return outline if x @ np.roll(y, -1) > y @ np.roll(x, -1) else outline[::-1]
