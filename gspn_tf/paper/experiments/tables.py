"""The tables of the paper, as data, and what each `--budget` means.

Average precision is a share, not in percent.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from gspn_tf.config import Config, MaskRCNNConfig, RPointNetConfig
from gspn_tf.datasets.rgbd import NYUV2


class System(NamedTuple):
    """One system of a table, and its figures in the paper.

    Its key names it in `--rows`, and says which config it has: `ours`, `sgpn`, one of
    the two with image features (`_cnn`), `mask_rcnn`, `mask_rcnn_hha` or `pmrcnn`, or
    an ablation of `configs/ablations.py`.
    """

    key: str
    name: str  # in the paper
    paper: Mapping[str, float] = {}  # name of a metric -> figure
    preset: str | None = None  # that it starts from, and has its config of

    @property
    def config_name(self) -> str:
        """The key without the suffix of systems that are pretrained."""
        return self.key.removesuffix("_pretrained")

    @property
    def pretrained(self) -> bool:
        """Whether it starts from the same system trained on generated rooms."""
        return self.key != self.config_name

    @property
    def fine_tuned(self) -> bool:
        """Whether it starts from weights of other data."""
        return self.pretrained or self.preset is not None

    @property
    def sees_frames(self) -> bool:
        """Whether it sees the frames of scans, and is projected on these (PMRCNN)."""
        return self.key == "pmrcnn"

    @property
    def sees_features(self) -> bool:
        """Whether it sees image features beside the points."""
        return self.key.endswith("_cnn")

    @property
    def sees_images(self) -> bool:
        """Whether it is for scenes that are frames with an image."""
        return self.sees_features or self.key in ("mask_rcnn", "mask_rcnn_hha")

    def variant(self, base: str, budget: "Budget") -> str:
        """Return its variant of a config file, where that of "Ours" is `base`."""
        name = self.config_name.removesuffix("_cnn")
        variants = {
            "ours": base,
            "sgpn": budget.sgpn,
            "mask_rcnn": budget.mask_rcnn,
            "mask_rcnn_hha": f"{budget.mask_rcnn}_hha",
            "pmrcnn": budget.mask_rcnn,
        }
        variant = variants.get(name, f"{base}+{name}")
        return f"{variant}_features" if self.sees_features else variant


class Metric(NamedTuple):
    """One column of a table: see `measuring` for the names of figures."""

    name: str
    figure: str


class PaperTable(NamedTuple):
    """Systems that are trained alike and measured alike."""

    name: str
    title: str
    systems: Sequence[System]
    metrics: Sequence[Metric]
    # Further columns, one for each category, class or room that the data has.
    parts: Literal["category", "class", "room"] | None = None
    transposed: bool = False  # a column for each system
    rooms_apart: bool = False  # every room of own scans is held out once

    @property
    def proposals_alone(self) -> bool:
        """Whether no metric needs stage two."""
        return all(metric.figure.startswith("proposals/") for metric in self.metrics)


_AP = (
    Metric("AP", "instances/scannet/AP"),
    Metric("AP@0.5", "instances/scannet/AP50"),
    Metric("AP@0.25", "instances/scannet/AP25"),
)
_MIOU = Metric("mIoU", "proposals/mIoU")
_CATEGORIES = ("Chair", "Table", "Lamp", "Storage")


def _figures(names: Sequence[str], *values: float) -> dict[str, float]:
    return dict(zip(names, values, strict=True))


def _ap(*values: float) -> dict[str, float]:
    return _figures([metric.name for metric in _AP], *values)


def _miou_ap(miou: float, *values: float) -> dict[str, float]:
    return {"mIoU": miou} | _ap(*values)


def _percent(*values: float) -> dict[str, float]:
    shares = (round(value / 100, 4) for value in values)
    return _figures(("Mean", *NYUV2.names), *shares)


TABLE1 = PaperTable(
    "table1",
    "Instances in scans",
    (
        System("sgpn", "SGPN"),
        System("sgpn_pretrained", "SGPN, pretrained on rooms"),
        System("pmrcnn", "PMRCNN"),
        System("ours", "Ours"),
        System("ours_pretrained", "Ours, pretrained on rooms"),
        System("ours_indoor", "Ours, preset `indoor`", preset="indoor"),
    ),
    _AP[1:],
    parts="room",
    transposed=True,
    rooms_apart=True,
)
TABLE2 = PaperTable(
    "table2",
    "Part instance segmentation",
    (
        System("sgpn", "SGPN", _figures(_CATEGORIES, 0.194, 0.146, 0.144, 0.215)),
        System("ours", "Ours", _figures(_CATEGORIES, 0.268, 0.219, 0.183, 0.267)),
    ),
    (Metric("All", "instances/partnet/AP50"),),
    parts="category",
)
# fmt: off
TABLE3 = PaperTable(
    "table3",
    "Instance segmentation of single views, AP@0.25",
    (
        System("mask_rcnn", "MRCNN", _percent(
            29.3, 26.3, 54.1, 23.4, 3.1, 39.3, 34.0, 6.2, 17.8, 23.7, 23.1, 31.1, 35.1,
            25.4, 26.6, 36.4, 47.1, 21.0, 23.3, 58.8)),
        System("mask_rcnn_hha", "MRCNN*", _percent(
            31.5, 24.7, 66.3, 20.1, 1.4, 44.9, 43.9, 6.8, 16.6, 29.5, 22.1, 29.2, 29.3,
            36.9, 34.6, 37.1, 48.4, 26.6, 21.9, 58.5)),
        System("sgpn", "SGPN"),
        System("sgpn_cnn", "SGPN-CNN", _percent(
            33.6, 45.3, 62.5, 43.9, 0.0, 45.6, 40.7, 30.0, 20.2, 42.6, 8.8, 28.2, 15.5,
            43.0, 30.4, 51.4, 58.9, 25.6, 6.6, 39.0)),
        System("ours", "Ours, points alone"),
        System("ours_cnn", "Ours", _percent(
            39.3, 62.8, 51.4, 35.1, 11.4, 54.6, 45.8, 38.0, 22.9, 43.3, 8.4, 36.8, 18.3,
            58.1, 42.0, 45.4, 54.8, 29.1, 20.8, 67.5)),
    ),
    (Metric("Mean", "instances/nyuv2/AP25"),),
    parts="class",
    transposed=True,
)
# fmt: on
TABLE4 = PaperTable(
    "table4",
    "3D proposal approaches",
    (
        System("box_regression", "Bbox Reg", _miou_ap(0.514, 0.158, 0.331, 0.513)),
        System(
            "binary_segmentation", "Binary Seg", _miou_ap(0.543, 0.149, 0.309, 0.477)
        ),
        System("ours", "Ours", _miou_ap(0.581, 0.193, 0.378, 0.534)),
    ),
    (_MIOU, *_AP),
)
TABLE5 = PaperTable(
    "table5",
    "Generative model designs",
    (
        System("ours", "Ours", {"CD": 0.0450, "mIoU": 0.581}),
        System("encoder_decoder", "E-D", {"CD": 0.0532, "mIoU": 0.408}),
        System("one_context", "1-Context", {"CD": 0.0524, "mIoU": 0.486}),
        System("no_center", "No Center Pred", {"CD": 0.0571, "mIoU": 0.409}),
    ),
    (Metric("CD", "proposals/CD"), _MIOU),
    transposed=True,
)
TABLE6 = PaperTable(
    "table6",
    "Feature backbones",
    (
        System("no_context_features", "w/o f_c", _ap(0.178, 0.349, 0.515)),
        System("no_semantic_features", "w/o f_sem", _ap(0.161, 0.319, 0.477)),
        System("no_pretraining", "w/o pretraining", _ap(0.180, 0.364, 0.517)),
        System("ours", "Ours", _ap(0.191, 0.376, 0.541)),
    ),
    _AP,
)
TABLES = {t.name: t for t in (TABLE1, TABLE2, TABLE3, TABLE4, TABLE5, TABLE6)}


SPLITS = ("train", "val", "test")


class Budget(NamedTuple):
    """The variants of a data set's config file, and how many scenes are generated."""

    name: str
    base: str  # variant of the R-PointNet
    sgpn: str  # variant of the SGPN
    mask_rcnn: str  # variant of the Mask R-CNN, of single views
    rooms: tuple[int, int, int]  # scenes of each of `SPLITS`
    parts: tuple[int, int, int]
    views: tuple[int, int, int]

    def counts(self, data: str) -> dict[str, int]:
        """Return the scenes of each split of a generated data set."""
        return dict(zip(SPLITS, getattr(self, data), strict=True))


FEW = (4, 1, 2)
_SMALL_NETWORKS = ("small", "sgpn", "mask_rcnn_small")
SMOKE = Budget("smoke", *_SMALL_NETWORKS, FEW, FEW, FEW)
SMALL = Budget("small", *_SMALL_NETWORKS, (300, 8, 48), (400, 16, 60), (400, 16, 48))
FULL = Budget(
    "full",
    *("paper", "sgpn_paper", "mask_rcnn"),
    (1200, 60, 120),
    (1200, 60, 240),
    (795, 60, 240),
)
BUDGETS = {budget.name: budget for budget in (SMOKE, SMALL, FULL)}


def reduce_training(config: Config) -> None:
    """Leave next to nothing of the data and the epochs."""
    data, train = config.data, config.train
    data.num_points = data.num_points_inference = 1024
    data.num_shape_points = 64
    train.scene_repeats = train.validation_every = 1
    for stage in (train.gspn, train.rpointnet, train.sgpn, train.mask_rcnn):
        stage.epochs, stage.warmup_steps = 2, 0


def reduce_network(config: Config) -> None:
    """Leave next to nothing of a network."""
    model = config.model
    if isinstance(model, MaskRCNNConfig):
        model.blocks, model.width = (1, 1, 1, 1), 8
        return
    if isinstance(model, RPointNetConfig):
        proposal, backbone = model.proposal, model.proposal.backbone
        proposal.num_seeds, proposal.num_seeds_inference = 32, 64
        proposal.num_context_points = 256
    else:
        backbone = model.backbone
    backbone.num_centers, backbone.radii = (128, 32), backbone.radii[1:3]
    backbone.abstraction_units = backbone.abstraction_units[:2]
    backbone.propagation_units = backbone.propagation_units[-2:]
