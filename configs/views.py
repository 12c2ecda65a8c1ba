r"""Generated single views: NYUv2's task without a data set to obtain.

Aim      the task of Table 3 of the paper (AP25 in partial clouds of one camera), with
         ScanNet's classes; no published number
Command  gspn prepare views --output datasets/views --train 400 --val 16 --test 48
         gspn train --config=configs/views.py:small --data datasets/views \
             --run runs/views
         gspn evaluate --run runs/views --data datasets/views --split test
Hardware two x86-64 cores, no GPU
Time     7 min of training on one core, five epochs a stage
Result   AP 0.146, AP50 0.307, AP25 0.462 on the 48 unseen views (397 objects); mIoU of
         the proposals 0.345

The camera stands above the origin and looks along y. `small` turns no view: what is
hidden always lies behind what is seen. `paper` turns them as the paper does.
"""

import dataclasses as dc

from gspn_tf import config as c
from gspn_tf.config import presets


def small() -> c.Config:
    """Minutes on two cores."""
    proposals = c.StageConfig(
        epochs=5,
        learning_rate=3e-3,
        final_learning_rate=1e-5,
        schedule="cosine",
        warmup_steps=50,
        clip_norm=5.0,
    )
    return c.Config(
        model=presets.small_rpointnet(),
        data=c.DataConfig(
            num_points=8192,
            num_points_inference=8192,
            num_shape_points=256,
            rotate=False,
        ),
        train=c.TrainConfig(
            batch_size=2,
            gspn=proposals,
            rpointnet=dc.replace(proposals, epochs=5),
            validation_every=10,
        ),
    )


def sgpn() -> c.Config:
    """SGPN on the same data, for as many epochs as both stages of `small`."""
    return presets.small_sgpn(small())


def sgpn_paper() -> c.Config:
    """SGPN on the backbone of `paper`, for as many epochs as both of its stages."""
    return presets.with_sgpn(c.Config())


# paper: Tables 7 and 8
VARIANTS = {"small": small, "paper": c.Config, "sgpn": sgpn, "sgpn_paper": sgpn_paper}


def get_config(variant: str = "small") -> c.Config:
    """The config called `variant`."""
    if variant not in VARIANTS:
        raise ValueError(f"views.py has no variant {variant!r}, has {list(VARIANTS)}")
    return VARIANTS[variant]()
