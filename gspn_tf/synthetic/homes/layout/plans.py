"""Furniture of each kind of room."""

from gspn_tf.synthetic.homes.layout import arranging, fitments
from gspn_tf.synthetic.homes.layout.arranging import Arrange, alone, row_of
from gspn_tf.synthetic.homes.layout.placing import Group, Rng
from gspn_tf.synthetic.homes.layout.stock import Stock

COMPOSITE = "counter+sink+cabinet (composite: split by material)"
"""Kind of models that are several classes in one; unscored."""

ARRANGEMENTS: dict[str, Arrange] = {
    "armchair": alone("chair", where="free"),
    "bar": alone("counter", where="free"),
    "bath": fitments.bath_group,
    "bed": arranging.bed_group,
    "bidet": alone("bidet"),
    "board": fitments.board_group,
    "cabinet": alone("cabinet"),
    "cabinets": row_of("cabinet", low=(0.25, 0.2, 0.5)),
    "cabinet wall": row_of("cabinet", low=(0.4, 0.25, 1.6)),
    "chair": alone("chair"),
    "counter": alone("counter"),
    "curtain": fitments.curtain_group,
    "desk": arranging.desk_group,
    "desks": arranging.desk_cluster,
    "dining": arranging.dining_group,
    "dresser": alone("dresser"),
    "furniture": alone("otherfurniture"),
    "kitchen row": fitments.kitchen_row,
    "lessons": arranging.class_rows,
    "meeting": arranging.meeting_group,
    "mirror": alone("mirror"),
    "night stand": alone("night stand"),
    "pictures": fitments.picture_group,
    "radiator": alone("radiator"),
    "refrigerator": alone("refrigerator"),
    "shelf": alone("bookshelf", "shelves"),
    "shelves": row_of("bookshelf", "shelves"),
    "shower": fitments.shower_group,
    "sink": alone("sink"),
    "sofa": arranging.sofa_group,
    "stool": alone("stool", where="free"),
    "structure": alone("otherstructure", COMPOSITE),
    "table": alone("table"),
    "table amid": alone("table", where="free"),
    "television": arranging.television_group,
    "toilet": alone("toilet"),
    "wardrobes": row_of("otherfurniture", "cabinet", low=(0.4, 0.3, 1.5)),
}
"""Ways to arrange furniture, by name."""

Counts = dict[str, tuple[int, int]]

RECIPES: dict[str, Counts] = {
    "bedroom": {
        "bed": (1, 2),
        "wardrobes": (0, 1),
        "desk": (0, 1),
        "dresser": (0, 1),
        "shelf": (0, 1),
        "cabinet wall": (0, 1),
        "television": (0, 1),
        "armchair": (0, 1),
        "furniture": (0, 2),
        "pictures": (1, 3),
        "mirror": (0, 1),
    },
    "living room": {
        "sofa": (1, 3),
        "dining": (0, 1),
        "television": (0, 1),
        "shelf": (0, 1),
        "cabinet wall": (0, 1),
        "table": (0, 2),
        "armchair": (0, 3),
        "cabinet": (0, 2),
        "furniture": (0, 2),
        "pictures": (1, 4),
    },
    "office": {
        "desks": (0, 2),
        "desk": (1, 4),
        "shelf": (0, 1),
        "cabinets": (0, 2),
        "cabinet wall": (0, 1),
        "armchair": (0, 3),
        "table amid": (0, 1),
        "board": (0, 1),
        "furniture": (0, 2),
        "pictures": (0, 2),
    },
    "kitchen": {
        "kitchen row": (1, 2),
        "refrigerator": (0, 1),
        "dining": (0, 1),
        "bar": (0, 1),
        "cabinet wall": (0, 1),
        "structure": (0, 2),
        "cabinet": (0, 2),
        "stool": (0, 3),
        "furniture": (0, 1),
        "pictures": (0, 2),
    },
    "bathroom": {
        "bath": (0, 1),
        "shower": (0, 1),
        "toilet": (1, 1),
        "sink": (1, 2),
        "cabinet": (0, 2),
        "mirror": (0, 1),
        "bidet": (0, 1),
        "furniture": (0, 2),
        "pictures": (0, 1),
    },
    "hall": {
        "furniture": (0, 2),
        "cabinet": (0, 1),
        "chair": (0, 2),
        "table": (0, 1),
        "mirror": (0, 1),
        "pictures": (1, 3),
    },
    "meeting room": {
        "meeting": (1, 1),
        "board": (0, 2),
        "television": (0, 1),
        "cabinets": (0, 1),
        "chair": (0, 6),
        "pictures": (0, 2),
    },
    "storage": {
        "shelf": (0, 2),
        "shelves": (0, 1),
        "wardrobes": (0, 2),
        "cabinets": (0, 2),
        "furniture": (1, 4),
        "table": (0, 1),
        "chair": (0, 3),
        "refrigerator": (0, 1),
    },
    "classroom": {
        "lessons": (1, 1),
        "desk": (0, 1),
        "board": (1, 2),
        "shelf": (0, 1),
        "cabinets": (0, 1),
        "sink": (0, 1),
        "pictures": (0, 3),
    },
    "lounge": {
        "sofa": (1, 4),
        "meeting": (0, 1),
        "dining": (1, 3),
        "armchair": (1, 5),
        "counter": (0, 1),
        "kitchen row": (0, 1),
        "television": (0, 1),
        "pictures": (0, 3),
    },
    "mixed": {},
}
"""How many (fewest, most) of which arrangement a room of each kind begins with."""

CLASS_WAYS: dict[str, tuple[str, ...]] = {
    "cabinet": ("cabinet", "cabinets", "cabinet wall", "kitchen row"),
    "bed": ("bed",),
    "chair": ("armchair", "chair", "desk", "dining"),
    "sofa": ("sofa",),
    "table": ("table", "table amid", "dining"),
    "bookshelf": ("shelf",),
    "picture": ("pictures",),
    "counter": ("counter", "bar", "kitchen row"),
    "desk": ("desk", "desks"),
    "curtain": ("curtain",),
    "refrigerator": ("refrigerator",),
    "shower curtain": ("shower", "bath"),
    "toilet": ("toilet",),
    "sink": ("sink",),
    "bathtub": ("bath",),
    "otherfurniture": ("furniture", "furniture", "wardrobes"),
}
"""Arrangements that bring a class into a room; doors and windows have openings."""

_OTHERS = ("night stand", "dresser", "television", "board", "stool", "structure")


def draw_group(rng: Rng, stock: Stock, kind: str) -> Group:
    """Draw one more group for a room that is not full yet.

    Most are of the room's own kind. In a "mixed" room all of ScanNet's classes are as
    probable, so that things stand together that hardly ever do.
    """
    own = list(RECIPES[kind])
    if own and rng.random() < 0.7:
        name = own[int(rng.integers(len(own)))]
    elif rng.random() < 0.12:
        name = _OTHERS[int(rng.integers(len(_OTHERS)))]
    else:
        classes = list(CLASS_WAYS)
        ways = CLASS_WAYS[classes[int(rng.integers(len(classes)))]]
        name = ways[int(rng.integers(len(ways)))]
    return ARRANGEMENTS[name](rng, stock)
