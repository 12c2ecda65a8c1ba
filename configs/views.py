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
`small_features` and `sgpn_features` see features of the images too, of a small network
that is trained on views first (docs/images.md).
`mask_rcnn_small` and `mask_rcnn_small_hha` find the objects in the images of the views.
"""

from gspn_tf import config as c
from gspn_tf.config import image_presets, presets

NUM_CLASSES = 19  # background and ScanNet's


def small() -> c.Config:
    """Minutes on two cores."""
    config = presets.small(epochs=(5, 5), learning_rate=3e-3, warmup_steps=50)
    config.data.augmentation.rotation = 0.0
    return config


# paper: Tables 7 and 8
get_config = presets.choice(
    image_presets.variants(NUM_CLASSES), small=small, paper=c.Config
)
