"""`gspn prepare partnet`."""

from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gspn_tf.commands import prepare
from gspn_tf.commands.command import Command, existing_folder
from gspn_tf.commands.flags import flag

FLAGS = (
    *prepare.SOURCE_FLAGS,
    flag(
        "--source",
        "Folder of raw shapes (179/result.json ...), or of .h5 files as in ins_seg_h5.",
        required=True,
    ),
    flag(
        "--category", "Such as Chair, Table, Lamp or StorageFurniture.", required=True
    ),
    flag("--level", "Of detail: 1, 2 or 3.", 3, choices=(1, 2, 3)),
    flag(
        "--labels",
        "Folder of the lists of parts (Chair-level-3.txt ...), which is "
        "stats/after_merging_label_ids of the data set; default: meta in the "
        "source.",
    ),
    flag(
        "--splits",
        "Folder of Chair.train.json ..., which is stats/train_val_test_split of "
        "the data set; default: a share of raw shapes is drawn for validation.",
    ),
    prepare.VAL_FRACTION,
    prepare.SEED,
)


def run(flags: Namespace) -> None:
    """Convert PartNet's shapes of one category at one level of detail."""
    source = existing_folder(flags.source, "--source")
    labels = existing_folder(flags.labels or str(source / "meta"), "--labels")
    from gspn_tf.datasets import partnet, partnet_h5
    from gspn_tf.datasets.reading import DataSet

    classes = partnet.read_part_classes(labels, flags.category, flags.level)
    options = {"category": flags.category, "level": flags.level}
    splits = partnet_h5.list_stored_shapes(source, flags.category, flags.level)
    read: Callable = partnet_h5.read_stored_shape
    unlabelled = partnet_h5.unlabelled(splits)
    absent: dict[str, list[str]] = {}
    if splits:
        options["files"] = partnet_h5.digests(splits)
    else:
        read = partnet.read_raw_shape
        splits, absent = _raw_splits(flags, source)
        if not flags.splits:
            options |= {"val_fraction": flags.val_fraction, "seed": flags.seed}
    data = DataSet(
        name="partnet",
        classes=classes,
        splits=splits,
        read=partial(read, classes=classes),
        options=options,
        root=source,
        unlabelled=unlabelled,
        absent=absent,
        licence=partnet.LICENCE,
    )
    prepare.make(flags, data)


def _raw_splits(flags: Namespace, source: Path) -> tuple[dict, dict]:
    """Raw shapes in the data set's splits or in random ones, and those not there."""
    from gspn_tf.datasets import partnet
    from gspn_tf.datasets.reading import choose_listed

    shapes = partnet.list_raw_shapes(source, flags.category)
    if not flags.splits:
        return prepare.held_out(shapes, flags.val_fraction, flags.seed), {}
    lists = partnet.read_split_lists(flags.splits, flags.category)
    there = {shape.name: shape for shape in shapes}
    return choose_listed(lists, there, source, flags.keep_going)


COMMAND = Command("prepare partnet", FLAGS, run)
