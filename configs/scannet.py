r"""ScanNet v2: indoor scans, 18 classes.

Aim      Table 4 of the paper, validation scans: AP 0.193, AP50 0.378, AP25 0.534,
         mIoU of the proposals 0.581
Command  gspn prepare scannet --source ScanNet --output datasets/scannet
         gspn train --config=configs/scannet.py:paper --data datasets/scannet \
             --run runs/scannet
         gspn evaluate --run runs/scannet --data datasets/scannet --split val
Hardware not measured yet
Time     not measured yet
Result   not measured yet

`paper` is Tables 7 and 8 with the schedule of the release, 800 epochs a stage.
`released` is the network and the numbers of the authors' code as they meant it to run,
`released_literal` as it ran; `gspn import-checkpoint` fills either with their weights.
`small` is the network of `configs/rooms.py:small` at a lower learning rate: two cores,
a few scans, started from a run on generated rooms:

    gspn train --config=configs/scannet.py:small --data datasets/own --run runs/own \
        --init runs/rooms
"""

from gspn_tf import config as c
from gspn_tf.config import presets


def small() -> c.Config:
    """Fine-tuning on two cores."""
    return presets.small(clip_norm=10.0, scene_repeats=8)


def released() -> c.Config:
    """The authors' code as meant: 2048 seeds, 384 regions of 1024 points."""
    return c.Config(model=presets.released(), data=c.DataConfig(sampling="farthest"))


def released_literal() -> c.Config:
    """The authors' code as it ran: 256 seeds, 96 regions of 256 points."""
    return c.Config(
        model=presets.released_literal(), data=c.DataConfig(sampling="farthest")
    )


get_config = presets.choice(
    paper=c.Config, released=released, released_literal=released_literal, small=small
)
