"""A room of boxes whose every surface is known, for tests of virtual scans."""

from functools import partial

import numpy as np

from gspn_tf.synthetic.homes.meshes import Builder, Material, Mesh
from gspn_tf.synthetic.homes.things import FurnishedRoom, Model, Role, Thing

SIDES = 4.0, 3.0, 2.5
WHITE = Material((200.0, 200.0, 200.0))


def box_mesh(size: tuple[float, float, float], material: Material) -> Mesh:
    builder, (w, d, h) = Builder(), size
    builder.box((-w / 2, -d / 2, 0), (w / 2, d / 2, h), material)
    return builder.mesh()


def box_model(
    kind: str,
    size: tuple[float, float, float],
    material: Material = WHITE,
    role: Role = "object",
) -> Model:
    return Model(
        f"box#{kind}", role, kind, size, 0.0, partial(box_mesh, size, material)
    )  # type: ignore[arg-type]


def box_thing(
    kind: str,
    size: tuple[float, float, float],
    x: float,
    y: float,
    material: Material = WHITE,
) -> Thing:
    return Thing(box_model(kind, size, material), (x, y, 0.0), 0.0, size)


def box_room(*things: Thing) -> FurnishedRoom:
    """Make a closed room of 4 x 3 x 2.5 metres with some things in it."""
    shell = Builder()
    shell.box((0, 0, 0), SIDES, Material((120.0, 110.0, 100.0)))
    floor = np.array([[0.0, 0.0, SIDES[0], SIDES[1]]])
    return FurnishedRoom("test", shell.mesh(), list(things), floor, SIDES[2])
