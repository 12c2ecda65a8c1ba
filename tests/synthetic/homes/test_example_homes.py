"""Example homes: their rooms are read and furnished anew."""

import numpy as np
import pytest
from box_furniture import box_model, box_models

from gspn_tf.synthetic.homes.layout.example_homes import read_example_homes
from gspn_tf.synthetic.homes.layout.furnished import FEWEST, furnish_home
from gspn_tf.synthetic.homes.layout.refurnishing import refurnish
from gspn_tf.synthetic.homes.layout.stock import Stock

WALL = "<wall xStart='{}' yStart='{}' xEnd='{}' yEnd='{}' thickness='10'{}/>"
PIECE = (
    "<{} catalogId='{}' name='p' x='{}' y='{}' angle='{}' elevation='{}' "
    "width='{}' depth='{}' height='{}'{}/>"
)
CATALOGUE = {
    "eTeks#bed": ("object", "bed"),
    "eTeks#lamp": ("clutter", "Lights"),
    "eTeks#door": ("object", "door"),
    "eTeks#cat": ("excluded", "person or animal"),
    "Free#desk": ("object", "desk"),
}


def level(of):
    """A room of 4 x 3 metres on a level."""
    at = f" level='{of}'"
    stops = [(0, 0), (400, 0), (400, 300), (0, 300), (0, 0)]
    walls = [
        WALL.format(*a, *b, at) for a, b in zip(stops[:-1], stops[1:], strict=True)
    ]
    points = "".join(f"<point x='{x}' y='{y}'/>" for x, y in stops[:-1])
    return "".join(walls) + f"<room{at} name='Bedroom {of}'>{points}</room>"


@pytest.fixture
def folder(tmp_path):
    up = " level='up'"
    pieces = [
        PIECE.format("pieceOfFurniture", "eTeks#bed", 200, 110, 0, 0, 150, 200, 80, up),
        PIECE.format("light", "eTeks#lamp", 200, 110, 0, 80, 20, 20, 40, up),
        PIECE.format("doorOrWindow", "eTeks#door", 90, 300, 0, 0, 90, 15, 205, up),
        PIECE.format("pieceOfFurniture", "eTeks#cat", 300, 200, 0, 0, 20, 50, 40, up),
        PIECE.format("doorOrWindow", "No#frame", 0, 150, 1.5708, 0, 90, 15, 205, up),
        PIECE.format("pieceOfFurniture", "No#such", 300, 250, 0, 0, 20, 50, 40, up),
    ]
    # The desk has the level of its group alone.
    desk = PIECE.format(
        "pieceOfFurniture", "Free#desk", 340, 150, 1.5708, 0, 140, 70, 75, ""
    )
    text = (
        "<home wallHeight='260'><level id='low'/><level id='up'/>"
        f"<furnitureGroup level='low'>{desk}</furnitureGroup>"
        f"{''.join(pieces)}{level('low')}{level('up')}</home>"
    )
    (tmp_path / "home.xml").write_text(text)
    return tmp_path


def test_a_home_is_read_level_by_level(folder):
    low, up = read_example_homes(folder, CATALOGUE)
    assert [piece.kind for piece in low.pieces] == ["desk"]
    assert [piece.kind for piece in up.pieces] == ["bed", "Lights"]
    assert not low.plan.openings and len(up.plan.openings) == 2
    assert [piece.kind for piece in up.fillings] == ["door", "opening"]
    assert low.kind == up.kind == "bedroom"
    assert len(up.plan.walls) == 4 and up.plan.height == pytest.approx(2.6)
    assert up.pieces[0].size == pytest.approx((1.5, 2.0, 0.8))
    assert up.pieces[0].at == pytest.approx((2.0, -1.1, 0.0))
    assert low.pieces[0].angle == pytest.approx(-1.5708)
    assert up.plan.openings[0].at == pytest.approx((0.9, -3.0))


def test_homes_are_refurnished_with_near_models(folder):
    models = box_models()
    low, up = read_example_homes(folder, CATALOGUE)
    free = box_model("Free#desk", "object", "desk", (1.4, 0.7, 0.75))
    kept = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        _, ground = refurnish(rng, up, Stock(models))
        (bed,) = (t for t in ground.things if t.model.kind == "bed")
        assert bed.model.name.startswith("box#bed")
        ratio = np.array(bed.size) / up.pieces[0].size
        assert (ratio > 0.8).all() and (ratio < 1.22).all()
        assert sum(t.label == "door" for t in ground.things) == 1
        _, ground = refurnish(rng, low, Stock([*models, free]))
        kept += any(t.model is free for t in ground.things)
    assert 3 < kept < 40
    room = furnish_home(np.random.default_rng(1), models, [up] * 3)
    assert sum(t.model.role != "clutter" for t in room.things) >= FEWEST


@pytest.mark.parametrize(
    "text",
    ["<home>", "<house/>", "<home><wall xStart='a'/></home>", "not a home"],
)
def test_what_is_no_home_is_named(folder, text):
    (folder / "other.xml").write_text(text)
    with pytest.raises(ValueError, match=r"other\.xml is no home"):
        read_example_homes(folder, CATALOGUE)


def test_missing_homes_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no example homes"):
        read_example_homes(tmp_path, {})
    with pytest.raises(FileNotFoundError, match=r"absent\.jar"):
        read_example_homes(tmp_path / "absent.jar", {})
    (tmp_path / "bad.jar").write_text("no zip")
    with pytest.raises(ValueError, match=r"bad\.jar is no jar"):
        read_example_homes(tmp_path / "bad.jar", {})
