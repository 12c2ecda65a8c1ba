r"""NYUv2: what one RGB-D camera sees, 19 classes.

Aim      Table 3 of the paper, test frames: AP25 0.393, the mean of 19 classes
Command  gspn prepare nyuv2 --source nyu_depth_v2_labeled.mat --output datasets/nyuv2
         gspn train --config=configs/nyuv2.py:paper --data datasets/nyuv2 \
             --run runs/nyuv2
         gspn evaluate --run runs/nyuv2 --data datasets/nyuv2 --split test
Hardware not measured yet
Time     not measured yet
Result   not measured yet

`splits.mat`, the official split, lies beside the file. The paper adds features of an
AlexNet, trained on images, to those of the points (section 4.3); here colours are all
that the network has of the image. `small` is the network of `configs/views.py:small`
for a few frames on two cores. `mask_rcnn` (MRCNN of Table 3) and `mask_rcnn_hha`
(MRCNN*) are the paper's rivals on images, see docs/images.md. For PCD frames, with the
classes that they have:

    gspn prepare nyuv2 --source FRAMES --output datasets/frames
    gspn train --config=configs/nyuv2.py:small --data datasets/frames \
        --run runs/frames
"""

from gspn_tf import config as c
from gspn_tf.config import image_presets, presets

NUM_CLASSES = 20  # background and the 19 of Table 3


def paper() -> c.Config:
    """Tables 7 and 8."""
    config = c.Config()
    config.model.proposal.num_classes = NUM_CLASSES
    return config


def small() -> c.Config:
    """A few frames on two cores."""
    config = presets.small(scene_repeats=8)
    config.model.proposal.num_classes = NUM_CLASSES
    config.data.augmentation.rotation = 0.0
    return config


get_config = presets.choice(
    paper=paper, small=small, **image_presets.variants(NUM_CLASSES)
)
