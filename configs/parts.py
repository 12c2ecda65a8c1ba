r"""Generated shapes of labelled parts: PartNet's task without a data set to obtain.

Aim      the task of Table 2 of the paper (AP50 of part instances); no published number
Command  gspn prepare parts --output datasets/parts --train 400 --val 16 --test 60
         gspn train --config=configs/parts.py:small --data datasets/parts \
             --run runs/parts
         gspn evaluate --run runs/parts --data datasets/parts --split test
Hardware two x86-64 cores, no GPU
Time     14 min of training on one core
Result   AP 0.271, AP50 0.390, AP25 0.440 on the 60 unseen shapes (872 parts) by
         `--protocol scannet`, AP50 0.396 by PartNet's own; mIoU of the proposals 0.259

Large thin parts, as panels, doors and shelves, are hardly ever found: a box 0.03 thick
that is off by as much overlaps its part by less than 0.4. Wheels, backs and seats are.

Shapes are one unit from their middle to their farthest point, so all radii are smaller
than a room's, and they all stand upright and face one way, so nothing is turned.
"""

from gspn_tf import config as c
from gspn_tf.config import presets

NUM_CLASSES = 17  # background and the parts of gspn_tf/synthetic/parts.py


def small() -> c.Config:
    """Minutes on two cores."""
    config = presets.small(
        num_points=6144,
        epochs=(10, 14),
        learning_rate=3e-3,
        warmup_steps=50,
        validation_every=5,
    )
    config.model.detection_margin = 0.01
    return presets.fit_to_shapes(config, NUM_CLASSES)


def paper() -> c.Config:
    """Tables 7 and 8 with half of their radii and the points of a shape."""
    data = c.DataConfig(num_points=10_000, num_points_inference=10_000)
    return presets.fit_to_shapes(c.Config(data=data), NUM_CLASSES)


get_config = presets.choice(small=small, paper=paper)
