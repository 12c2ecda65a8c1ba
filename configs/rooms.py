r"""Generated rooms: no data set to obtain, and a run that fits two cores.

Aim      `make demo`: AP50 >= 0.50 and AP25 >= 0.65 on rooms never seen
Command  gspn prepare rooms --output datasets/rooms --train 300 --val 8 --test 24
         gspn train --config=configs/rooms.py:small --data datasets/rooms \
             --run runs/rooms
         gspn evaluate --run runs/rooms --data datasets/rooms --split test
Hardware two CPU cores, 4 GB
Time     582 s with its rooms and report, by `make demo`
Result   AP50 0.735, AP25 0.884 on 24 unseen rooms (`make demo SEED=7`)
"""

import dataclasses as dc

from gspn_tf import config as c
from gspn_tf.config import presets


def small() -> c.Config:
    """Minutes on two cores."""
    proposals = c.StageConfig(
        epochs=13,
        learning_rate=3e-3,
        final_learning_rate=1e-5,
        schedule="cosine",
        warmup_steps=50,
        clip_norm=5.0,
    )
    return c.Config(
        model=presets.small_rpointnet(),
        data=c.DataConfig(
            num_points=8192, num_points_inference=8192, num_shape_points=256
        ),
        train=c.TrainConfig(
            batch_size=2,
            gspn=proposals,
            rpointnet=dc.replace(proposals, epochs=20),
            validation_every=4,
        ),
    )


def overfit() -> c.Config:
    """One room, as it is, until its every instance is found."""
    config = small()
    config.data.rotate, config.data.translate_std = False, 0.0
    config.train.batch_size, config.train.scene_repeats = 1, 100
    config.train.gspn.epochs, config.train.rpointnet.epochs = 20, 30
    return config


def sgpn() -> c.Config:
    """SGPN on the same data, for as many epochs as both stages of `small`."""
    return presets.small_sgpn(small())


def sgpn_paper() -> c.Config:
    """SGPN on the backbone of `paper`, for as many epochs as both of its stages."""
    return presets.with_sgpn(c.Config())


VARIANTS = {
    "small": small,
    "overfit": overfit,
    "paper": c.Config,
    "sgpn": sgpn,
    "sgpn_paper": sgpn_paper,
}  # paper: Tables 7 and 8


def get_config(variant: str = "small") -> c.Config:
    """The config called `variant`."""
    if variant not in VARIANTS:
        raise ValueError(f"rooms.py has no variant {variant!r}, has {list(VARIANTS)}")
    return VARIANTS[variant]()
