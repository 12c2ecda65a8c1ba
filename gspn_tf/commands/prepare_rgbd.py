"""`gspn prepare nyuv2` and `gspn prepare views`: what one camera sees."""

from functools import partial
from typing import TYPE_CHECKING

from gspn_tf.commands import prepare
from gspn_tf.commands.command import Arguments, Command
from gspn_tf.commands.flags import flag

if TYPE_CHECKING:
    from gspn_tf.datasets.reading import DataSet


def run_nyuv2(arguments: Arguments) -> None:
    """Lift RGB-D frames."""
    flags = arguments.flags
    from gspn_tf.datasets.nyuv2 import rgbd_data_set

    hold_out = partial(prepare.held_out, fraction=flags.val_fraction, seed=flags.seed)
    prepare.make(flags, rgbd_data_set(flags.source, flags.splits, hold_out))


def run_views(arguments: Arguments) -> None:
    """Generate views."""
    flags = arguments.flags
    prepare.make(flags, generated_views(prepare.wanted(flags), flags.seed))


def generated_views(counts: dict[str, int], seed: int) -> "DataSet":
    """Views of rooms."""
    from gspn_tf.data.classes import SCANNET
    from gspn_tf.datasets.reading import DataSet, read_generated
    from gspn_tf.synthetic.views import generate_view, view_name

    splits = prepare.generated(counts, seed, view_name)
    read = partial(read_generated, generate=generate_view)
    return DataSet("views", SCANNET, splits, read, {"seed": seed})


NYUV2 = Command(
    name="prepare nyuv2",
    summary="Lift RGB-D frames: NYUv2, folders of PNG frames, PCD frames.",
    usage="--source FILE_OR_DIR --output DIR [--splits FILE]",
    flags=(
        *prepare.SOURCE_FLAGS,
        flag(
            "--source",
            "nyu_depth_v2_labeled.mat, a folder with color/*.png and depth/*.png (and "
            "label or class40, and instance), or a folder of labelled .pcd frames.",
        ),
        flag(
            "--splits",
            "The official split; default: splits.mat in the folder or beside the file.",
        ),
        prepare.VAL_FRACTION,
        prepare.SEED,
    ),
    run=run_nyuv2,
    required=("source", "output"),
)
VIEWS = Command(
    name="prepare views",
    summary="Generate rooms as one depth camera sees them, with exact labels.",
    usage="--output DIR [--train N --val N --test N --seed S]",
    flags=prepare.generated_flags("Views", (400, 16, 48)),
    run=run_views,
    required=("output",),
)
