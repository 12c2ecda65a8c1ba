r"""Generated rooms: no data set to obtain, and a run that fits two cores.

Aim      `make demo`: AP50 >= 0.50 and AP25 >= 0.65 on rooms never seen
Command  gspn prepare rooms --output datasets/rooms --train 300 --val 8 --test 24
         gspn train --config=configs/rooms.py:small --data datasets/rooms \
             --run runs/rooms
         gspn evaluate --run runs/rooms --data datasets/rooms --split test
Hardware two CPU cores, 4 GB
Time     21 minutes with its rooms and report, half of them beside other work
Result   AP50 0.737, AP25 0.873 on 24 unseen rooms (`make demo SEED=7`)
"""

from gspn_tf import config as c
from gspn_tf.config import presets


def small() -> c.Config:
    """Minutes on two cores."""
    return presets.small(
        epochs=(13, 20), learning_rate=3e-3, warmup_steps=50, validation_every=4
    )


def overfit() -> c.Config:
    """One room, as it is, until its every instance is found."""
    config = small()
    config.data.augmentation = c.AugmentationConfig(rotation=0.0, translation=0.0)
    config.train.batch_size, config.train.scene_repeats = 1, 100
    config.train.gspn.epochs, config.train.rpointnet.epochs = 20, 30
    return config


# paper: Tables 7 and 8
get_config = presets.choice(small=small, overfit=overfit, paper=c.Config)
