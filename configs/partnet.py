r"""PartNet: the parts of one category at one level of detail.

Aim      Table 2 of the paper, AP50 of part instances: Chair 0.268, Table 0.219,
         Lamp 0.183, StorageFurniture 0.267
Command  gspn prepare partnet --source SOURCE --output datasets/chair-3 \
             --category Chair --level 3 --labels LISTS --splits SPLITS
         gspn train --config=configs/partnet.py:paper --data datasets/chair-3 \
             --run runs/chair-3 --config.model.proposal.num_classes=39
         gspn evaluate --run runs/chair-3 --data datasets/chair-3 --split test
Hardware not measured yet
Time     not measured yet
Result   not measured yet

`num_classes` is that of the category and level, and one for the background; `gspn
prepare partnet` prints it. Here it is Chair's at level 3: Table 2 names no level.

Shapes are about one unit from their middle to their farthest point: radii are smaller
than the paper's for rooms. They stand upright and face one way, so none is turned or
moved. `small` is the network of `configs/parts.py:small`: two cores, a few shapes.
"""

import dataclasses as dc

from gspn_tf import config as c
from gspn_tf.config import presets

NUM_CLASSES = 39  # background and the 38 parts of Chair at level 3


def paper() -> c.Config:
    """Tables 7 and 8, with all 10,000 points of a shape."""
    data = c.DataConfig(num_points=10_000, num_points_inference=10_000)
    return presets.fit_to_shapes(c.Config(data=data), NUM_CLASSES)


def small() -> c.Config:
    """A few shapes on two cores."""
    stage = c.StageConfig(
        epochs=10,
        learning_rate=1e-3,
        final_learning_rate=1e-5,
        schedule="cosine",
        clip_norm=5.0,
    )
    model = dc.replace(presets.small_rpointnet(), detection_margin=0.01)
    config = c.Config(
        model=model,
        data=c.DataConfig(
            num_points=6144, num_points_inference=6144, num_shape_points=256
        ),
        train=c.TrainConfig(batch_size=2, scene_repeats=8, gspn=stage, rpointnet=stage),
    )
    return presets.fit_to_shapes(config, NUM_CLASSES)


def sgpn() -> c.Config:
    """SGPN on the same data, for as many epochs as both stages of `small`."""
    return presets.small_sgpn(small())


def sgpn_paper() -> c.Config:
    """SGPN on the backbone of `paper`, for as many epochs as both of its stages."""
    return presets.with_sgpn(paper())


VARIANTS = {"paper": paper, "small": small, "sgpn": sgpn, "sgpn_paper": sgpn_paper}


def get_config(variant: str = "paper") -> c.Config:
    """The config called `variant`."""
    if variant not in VARIANTS:
        raise ValueError(f"partnet.py has no variant {variant!r}, has {list(VARIANTS)}")
    return VARIANTS[variant]()
