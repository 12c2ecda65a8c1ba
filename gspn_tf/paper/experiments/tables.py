"""The tables of the paper, as data; average precision as a share, not in percent."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple


class Row(NamedTuple):
    """One system: a config, and what the paper says of it."""

    key: str  # of --rows
    name: str  # in the paper
    variant: str  # of the config; {base} and {sgpn} are those of the budget
    paper: Mapping[str, float] = {}  # column -> figure
    pretrained: bool = False  # starts from the same system trained on generated rooms


class Column(NamedTuple):
    """One figure: see `measuring` for the names of figures."""

    name: str
    figure: str  # "KIND/...", where KIND says what is measured
    better: Literal["more", "less"] = "more"


class Table(NamedTuple):
    """Rows that are trained alike and measured alike."""

    name: str
    title: str
    rows: Sequence[Row]
    columns: Sequence[Column]
    # Further columns, one for each category, class or room that the data has.
    parts: Literal["category", "class", "room"] | None = None
    transposed: bool = False  # a column for each system
    rooms_apart: bool = False  # every room is held out once

    def kinds(self) -> list[str]:
        """What is measured: of `proposals` and `instances`."""
        return list(dict.fromkeys(c.figure.split("/")[0] for c in self.columns))


OURS, SGPN = "{base}", "{sgpn}"
_AP = (
    Column("AP", "instances/scannet/AP"),
    Column("AP@0.5", "instances/scannet/AP50"),
    Column("AP@0.25", "instances/scannet/AP25"),
)
_MIOU = Column("mIoU", "proposals/mIoU")
_CATEGORIES = ("Chair", "Table", "Lamp", "Storage")
_NYU = (
    *("Mean", "bathtub", "bed", "bookshelf", "box", "chair", "counter", "desk", "door"),
    *("dresser", "garbage bin", "lamp", "monitor", "night stand", "pillow", "sink"),
    *("sofa", "table", "television", "toilet"),
)


def _figures(names: Sequence[str], *values: float) -> dict[str, float]:
    return dict(zip(names, values, strict=True))


def _percent(names: Sequence[str], *values: float) -> dict[str, float]:
    return {n: round(v / 100, 4) for n, v in _figures(names, *values).items()}


def _ap(*values: float) -> dict[str, float]:
    return _figures([column.name for column in _AP], *values)


TABLE1 = Table(
    "table1",
    "Instances in scans, every room held out once",
    (
        Row("sgpn", "SGPN", SGPN),
        Row("sgpn_pretrained", "SGPN, pretrained on rooms", SGPN, pretrained=True),
        Row("ours", "Ours", OURS),
        Row("ours_pretrained", "Ours, pretrained on rooms", OURS, pretrained=True),
    ),
    _AP[1:],
    parts="room",
    transposed=True,
    rooms_apart=True,
)
TABLE2 = Table(
    "table2",
    "Part instance segmentation",
    (
        Row("sgpn", "SGPN", SGPN, _figures(_CATEGORIES, 0.194, 0.146, 0.144, 0.215)),
        Row("ours", "Ours", OURS, _figures(_CATEGORIES, 0.268, 0.219, 0.183, 0.267)),
    ),
    (Column("All", "instances/partnet/AP50"),),
    parts="category",
)
# fmt: off
TABLE3 = Table(
    "table3",
    "Instance segmentation of single views, AP@0.25",
    (
        Row("sgpn", "SGPN", SGPN, _percent(
            _NYU, 33.6, 45.3, 62.5, 43.9, 0.0, 45.6, 40.7, 30.0, 20.2, 42.6, 8.8, 28.2,
            15.5, 43.0, 30.4, 51.4, 58.9, 25.6, 6.6, 39.0)),
        Row("ours", "Ours", OURS, _percent(
            _NYU, 39.3, 62.8, 51.4, 35.1, 11.4, 54.6, 45.8, 38.0, 22.9, 43.3, 8.4, 36.8,
            18.3, 58.1, 42.0, 45.4, 54.8, 29.1, 20.8, 67.5)),
    ),
    (Column("Mean", "instances/nyuv2/AP25"),),
    parts="class",
    transposed=True,
)
# fmt: on
_PROPOSERS = ("mIoU", *_ap(0, 0, 0))
TABLE4 = Table(
    "table4",
    "3D proposal approaches",
    (
        Row(
            "box_regression",
            "Bbox Reg",
            "{base}+box_regression",
            _figures(_PROPOSERS, 0.514, 0.158, 0.331, 0.513),
        ),
        Row(
            "binary_segmentation",
            "Binary Seg",
            "{base}+binary_segmentation",
            _figures(_PROPOSERS, 0.543, 0.149, 0.309, 0.477),
        ),
        Row("ours", "Ours", OURS, _figures(_PROPOSERS, 0.581, 0.193, 0.378, 0.534)),
    ),
    (_MIOU, *_AP),
)
TABLE5 = Table(
    "table5",
    "Generative model designs",
    (
        Row("ours", "Ours", OURS, {"CD": 0.0450, "mIoU": 0.581}),
        Row(
            "encoder_decoder",
            "E-D",
            "{base}+encoder_decoder",
            {"CD": 0.0532, "mIoU": 0.408},
        ),
        Row(
            "one_context",
            "1-Context",
            "{base}+one_context",
            {"CD": 0.0524, "mIoU": 0.486},
        ),
        Row(
            "no_center",
            "No Center Pred",
            "{base}+no_center",
            {"CD": 0.0571, "mIoU": 0.409},
        ),
    ),
    (Column("CD", "proposals/CD", "less"), _MIOU),
    transposed=True,
)
TABLE6 = Table(
    "table6",
    "Feature backbones",
    (
        Row(
            "no_context_features",
            "w/o f_c",
            "{base}+no_context_features",
            _ap(0.178, 0.349, 0.515),
        ),
        Row(
            "no_semantic_features",
            "w/o f_sem",
            "{base}+no_semantic_features",
            _ap(0.161, 0.319, 0.477),
        ),
        Row(
            "no_pretraining",
            "w/o pretraining",
            "{base}+no_pretraining",
            _ap(0.180, 0.364, 0.517),
        ),
        Row("ours", "Ours", OURS, _ap(0.191, 0.376, 0.541)),
    ),
    _AP,
)
TABLES = {t.name: t for t in (TABLE1, TABLE2, TABLE3, TABLE4, TABLE5, TABLE6)}
