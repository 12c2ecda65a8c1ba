"""`gspn prepare nyuv2`: RGB-D frames."""

from argparse import Namespace
from functools import partial

from gspn_tf.commands import prepare
from gspn_tf.commands.command import Command, UserError
from gspn_tf.commands.flags import flag

FLAGS = (
    *prepare.SOURCE_FLAGS,
    flag(
        "--source",
        "nyu_depth_v2_labeled.mat, a folder with color/*.png and depth/*.png (and "
        "label or class40, and instance), or a folder of labelled .pcd frames.",
        required=True,
    ),
    flag(
        "--splits",
        "The official split; default: splits.mat in the folder or beside the file.",
    ),
    prepare.VAL_FRACTION,
    prepare.SEED,
    prepare.IMAGE_NETWORK,
)


def run(flags: Namespace) -> None:
    """Lift RGB-D frames: NYUv2, folders of PNG frames, PCD frames."""
    from gspn_tf.datasets.nyuv2 import rgbd_data_set

    hold_out = partial(prepare.held_out, fraction=flags.val_fraction, seed=flags.seed)
    data = rgbd_data_set(flags.source, flags.splits, hold_out)
    if flags.image_features and data.name == "pcd":
        raise UserError("--image_features needs images, PCD frames are points alone")
    prepare.make(flags, prepare.seen_by_network(data, flags.image_features))


COMMAND = Command("prepare nyuv2", FLAGS, run)
