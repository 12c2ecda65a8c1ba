"""`gspn prepare scannet`."""

from argparse import Namespace

from gspn_tf.commands.command import Command, existing_folder
from gspn_tf.commands.flags import flag
from gspn_tf.commands.prepare import SOURCE_FLAGS, make

FLAGS = (
    *SOURCE_FLAGS,
    flag(
        "--source",
        "Folder of ScanNet v2: scans/, scans_test/ for the split test.",
        required=True,
    ),
    flag("--split", "Splits to prepare, such as train,val; those that have a list."),
    flag("--lists", "Folder of scannetv2_train.txt, _val.txt, _test.txt; in --source."),
    flag("--label_map", "scannetv2-labels.combined.tsv; looked for in --source."),
    flag(
        "--unknown_labels",
        "What labels are that the label map does not have.",
        "error",
        choices=("error", "background"),
    ),
)


def run(flags: Namespace) -> None:
    """Convert ScanNet v2: 18 classes, the official splits."""
    from gspn_tf.datasets import scannet

    data = scannet.data_set(
        existing_folder(flags.source, "--source"),
        splits=flags.split.split(",") if flags.split else (),
        lists=flags.lists,
        label_map=flags.label_map,
        keep_going=flags.keep_going,
        unknown_labels=flags.unknown_labels,
    )
    make(flags, data)


COMMAND = Command("prepare scannet", FLAGS, run)
