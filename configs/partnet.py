r"""PartNet: the parts of one category at one level of detail.

Aim      Table 2 of the paper, AP50 of part instances: Chair 0.268, Table 0.219,
         Lamp 0.183, StorageFurniture 0.267
Command  gspn prepare partnet --source SOURCE --output datasets/chair-3 \
             --category Chair --level 3 --labels LISTS --splits SPLITS
         gspn train --config=configs/partnet.py:paper --data datasets/chair-3 \
             --run runs/chair-3
         gspn evaluate --run runs/chair-3 --data datasets/chair-3 --split test
Hardware not measured yet
Time     not measured yet
Result   not measured yet

The network has the classes of the category and level. Here these are Chair's at level
3: Table 2 names no level.

Shapes are about one unit from their middle to their farthest point: radii are smaller
than the paper's for rooms. They stand upright and face one way, so none is turned or
moved. `small` is the network of `configs/parts.py:small`: two cores, a few shapes.
"""

from gspn_tf import config as c
from gspn_tf.config import presets

NUM_CLASSES = 39  # background and the 38 parts of Chair at level 3


def paper() -> c.Config:
    """Tables 7 and 8, with all 10,000 points of a shape."""
    data = c.DataConfig(num_points=10_000, num_points_inference=10_000)
    return presets.fit_to_shapes(c.Config(data=data), NUM_CLASSES)


def small() -> c.Config:
    """A few shapes on two cores."""
    config = presets.small(num_points=6144, scene_repeats=8)
    config.model.detection_margin = 0.01
    return presets.fit_to_shapes(config, NUM_CLASSES)


get_config = presets.choice(paper=paper, small=small)
