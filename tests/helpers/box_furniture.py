"""Boxes of each class in place of furniture."""

from functools import partial

from gspn_tf.synthetic.homes.meshes import Builder, Material
from gspn_tf.synthetic.homes.things import Model

SIZES = {
    "cabinet": (0.8, 0.5, 0.9, 0.0),
    "bed": (1.5, 2.0, 0.8, 0.0),
    "chair": (0.5, 0.5, 0.9, 0.0),
    "sofa": (1.9, 0.9, 0.8, 0.0),
    "table": (1.3, 0.8, 0.73, 0.0),
    "door": (0.95, 0.15, 2.1, 0.0),
    "window": (1.2, 0.2, 1.2, 0.9),
    "bookshelf": (0.9, 0.35, 1.8, 0.0),
    "picture": (0.5, 0.03, 0.4, 1.4),
    "counter": (1.8, 0.6, 0.9, 0.0),
    "desk": (1.4, 0.7, 0.75, 0.0),
    "curtain": (1.2, 0.1, 2.2, 0.05),
    "refrigerator": (0.7, 0.7, 1.8, 0.0),
    "shower curtain": (1.2, 0.08, 1.8, 0.2),
    "toilet": (0.4, 0.7, 0.8, 0.0),
    "sink": (0.6, 0.45, 0.5, 0.4),
    "bathtub": (1.7, 0.75, 0.6, 0.0),
    "otherfurniture": (0.8, 0.5, 1.2, 0.0),
}


def _box(size):
    b = Builder()
    w, d, h = size
    b.box((-w / 2, -d / 2, 0), (w / 2, d / 2, h), Material((120.0, 100.0, 80.0)))
    return b.mesh()


def box_model(name, role, kind, size, elevation=0.0):
    return Model(name, role, kind, size, elevation, partial(_box, size))


def box_models():
    out = []
    for kind, (*size, elevation) in SIZES.items():
        for number in range(3):
            sides = tuple(float(s * (0.9 + 0.1 * number)) for s in size)
            out.append(
                box_model(f"box#{kind}-{number}", "object", kind, sides, elevation)
            )
    out.append(box_model("box#night", "unscored", "night stand", (0.45, 0.4, 0.5)))
    out.append(box_model("box#radiator", "unscored", "radiator", (0.8, 0.1, 0.5), 0.1))
    for number, size in enumerate(((0.1, 0.1, 0.2), (0.3, 0.2, 0.03), (0.4, 0.3, 0.4))):
        out.append(box_model(f"box#clutter-{number}", "clutter", "box", size))
    out.append(box_model("box#clock", "clutter", "clock", (0.3, 0.1, 0.3), 1.6))
    return out
