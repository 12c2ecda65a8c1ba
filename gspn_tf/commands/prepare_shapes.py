"""`gspn prepare partnet` and `gspn prepare parts`."""

from argparse import Namespace
from functools import partial
from typing import TYPE_CHECKING, Any

from gspn_tf import files
from gspn_tf.commands.command import Arguments, Command, existing_folder
from gspn_tf.commands.flags import flag, integer
from gspn_tf.commands.prepare import (
    SEED,
    SOURCE_FLAGS,
    VAL_FRACTION,
    generated,
    generated_flags,
    make,
    split_paths,
    wanted,
)

if TYPE_CHECKING:
    from gspn_tf.datasets.preparing.reading import DataSet

LICENCE = (
    "PartNet is for non-commercial research and education and may not be passed on; "
    "its terms are ShapeNet's."
)


def run_partnet(arguments: Arguments) -> None:
    """Convert PartNet."""
    flags = arguments.flags
    source = existing_folder(flags.source, "--source")
    labels = existing_folder(flags.labels or str(source / "meta"), "--labels")
    from gspn_tf.datasets import partnet, partnet_h5

    classes = partnet.read_classes(labels, flags.category, flags.level)
    common: dict[str, Any] = {"name": "partnet", "classes": classes, "root": source}
    common["licence"] = LICENCE
    options = {"category": flags.category, "level": flags.level}
    stored = partnet_h5.list_shapes(source, flags.category, flags.level)
    data = _stored(stored, common, options) if stored else _raw(flags, common, options)
    make(flags, data)
    print(f"train with --config.model.proposal.num_classes={len(classes) + 1}")


def _stored(splits: dict[str, list], common: dict, options: dict) -> "DataSet":
    """Shapes of HDF5 files; each file, of a thousand shapes, is summed up once."""
    from gspn_tf.datasets import partnet_h5
    from gspn_tf.datasets.preparing.reading import DataSet

    items = [item for members in splits.values() for item in members]
    paths = sorted({item.detail.path for item in items})
    options["files"] = {path.name: files.sha256(path) for path in paths}
    bare = (s for s, i in splits.items() if not all(x.detail.labelled for x in i))
    read = partial(partnet_h5.read_shape, classes=common["classes"])
    return DataSet(
        splits=splits, read=read, options=options, unlabelled=tuple(bare), **common
    )


def _raw(flags: Namespace, common: dict, options: dict) -> "DataSet":
    """Raw shapes, in the data set's splits or in random ones."""
    from gspn_tf.datasets import partnet
    from gspn_tf.datasets.preparing.reading import DataSet, check_absent

    items = partnet.list_shapes(common["root"], flags.category)
    absent: dict[str, list[str]] = {}
    if flags.splits:
        there = {item.name: item for item in items}
        names = partnet.read_splits(flags.splits, flags.category)
        found = {s: [there[n] for n in names[s] if n in there] for s in names}
        splits = {split: members for split, members in found.items() if members}
        absent = {s: [n for n in names[s] if n not in there] for s in names}
        check_absent(common["root"], absent, flags.keep_going)
    else:
        splits = split_paths(items, flags.val_fraction, flags.seed)
        options |= {"val_fraction": flags.val_fraction, "seed": flags.seed}
    read = partial(partnet.read_shape, classes=common["classes"])
    return DataSet(splits=splits, read=read, options=options, absent=absent, **common)


def run_parts(arguments: Arguments) -> None:
    """Generate shapes."""
    flags = arguments.flags
    make(flags, generated_parts(wanted(flags), flags.seed, flags.points))


def generated_parts(
    counts: dict[str, int], seed: int, points: int = 12_000
) -> "DataSet":
    """Shapes of `points` points."""
    from gspn_tf.datasets.preparing.reading import DataSet
    from gspn_tf.synthetic import parts

    splits = generated(counts, seed, parts.shape_name)
    read = partial(parts.read_shape, num_points=points)
    options = {"seed": seed, "points": points}
    return DataSet("parts", parts.PARTS, splits, read, options)


PARTNET = Command(
    name="prepare partnet",
    summary="Convert PartNet's shapes of one category at one level of detail.",
    usage="--source DIR --output DIR --category Chair [--level 3]",
    flags=(
        *SOURCE_FLAGS,
        flag(
            "--source",
            "Folder of raw shapes (179/result.json ...), or of .h5 files as in "
            "ins_seg_h5.",
        ),
        flag("--category", "Such as Chair, Table, Lamp or StorageFurniture."),
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
        VAL_FRACTION,
        SEED,
    ),
    run=run_partnet,
    required=("source", "output", "category"),
)
PARTS = Command(
    name="prepare parts",
    summary="Generate shapes of labelled parts: chairs, tables, lamps, storage.",
    usage="--output DIR [--train N --val N --test N --seed S]",
    flags=(
        *generated_flags("Shapes", (400, 16, 60)),
        flag("--points", "Points of a shape.", 12_000, type=integer(7_800)),
    ),
    run=run_parts,
    required=("output",),
)
