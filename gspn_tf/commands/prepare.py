"""`gspn prepare own`, and what every `gspn prepare` needs."""

from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gspn_tf.commands.command import Command, UserError, job_share, writable_folder
from gspn_tf.commands.flags import flag, integer, real
from gspn_tf.config import loading as config_loading
from gspn_tf.data.job_share import JobShare
from gspn_tf.startup import load_tensorflow

if TYPE_CHECKING:
    from gspn_tf.datasets.reading import DataSet

Source = TypeVar("Source")
SOURCE_FLAGS = (
    flag("--output", "Folder to make.", required=True),
    flag("--force", "Replace a data folder that is there.", False),
    flag(
        "--keep_going",
        "Leave out scenes that cannot be read, and list them in the manifest.",
        False,
    ),
    flag("--jobs", "Scenes read at a time; as many as cores.", type=integer(1)),
    flag(
        "--shard",
        "Part i/n of the scenes, for n processes with the same --output that share "
        "them; the last one completes the folder.",
    ),
)
SEED = flag("--seed", "Another seed: other scenes, another split.", 0, type=integer(0))
VAL_FRACTION = flag(
    "--val_fraction",
    "Share for validation, where the source has no split.",
    0.1,
    type=real(0, 0.9),
)
IMAGE_NETWORK = flag(
    "--image_features",
    "Network whose features of each frame are kept for its points: bvlc_alexnet.npy, "
    "torchvision's alexnet-owt-*.pth, or a .keras file of gspn train-image.",
)


def seen_by_network(data: "DataSet", path: str | None) -> "DataSet":
    """Let the frames of a data set have the features of `--image_features`, if given.

    Raises:
        UserError: there is no such file.
    """
    if path is None:
        return data
    if not Path(path).is_file():
        raise UserError(f"--image_features: no file {path}")
    load_tensorflow()
    from gspn_tf.datasets.image_features import add_image_features

    return add_image_features(data, path)


def make(flags: Namespace, data: "DataSet") -> None:
    """Write a data set with progress as the flags say, and say what is there."""
    share = wanted_share(flags)
    if data.licence:
        print(data.licence)
    writable_folder(Path(flags.output).absolute().parent, "--output")
    load_tensorflow()
    from gspn_tf.datasets.preparing import prepare_scenes
    from gspn_tf.datasets.sharing import prepare_part

    choices = {name: getattr(flags, name) for name in ("keep_going", "jobs")}
    if share is None:
        manifest = prepare_scenes(flags.output, data, force=flags.force, **choices)
    elif (found := prepare_part(flags.output, data, share, **choices)) is None:
        print(f"{flags.output}: part {flags.shard} is done, other parts are missing")
        return
    else:
        manifest = found
    print(f"{flags.output}: {summary(manifest)}")


def wanted_share(flags: Namespace) -> JobShare | None:
    """The part of the scenes that the flags ask for; UserError where it is none."""
    if flags.shard is None:
        return None
    if flags.force:
        raise UserError(
            "--force would undo what other parts have done: remove "
            f"{flags.output} yourself, or leave out --shard"
        )
    return job_share(flags.shard)


def summary(manifest: dict[str, Any]) -> str:
    """One line: "train 9 scenes (34 instances), test 1 scenes (unlabelled)"."""
    parts = []
    for name, split in manifest["splits"].items():
        objects = f"{sum(split['instances'].values()):,} instances"
        labels = objects if split["labelled"] else "unlabelled"
        missing = len(split["skipped"]) + len(manifest["absent"].get(name, ()))
        less = f", {missing} left out" if missing else ""
        parts.append(f"{name} {split['scenes']} scenes ({labels}{less})")
    return ", ".join(parts)


def run_own(flags: Namespace) -> None:
    """Convert your own labelled scans (npz, PLY, PCD or LAS)."""
    if not Path(flags.source).exists():
        raise UserError(f"no file or folder {flags.source}")
    class_file = config_loading.find_config(flags.classes)
    from gspn_tf.datasets.own import find_scans, read_class_list, read_labelled_scan
    from gspn_tf.datasets.reading import DataSet

    classes, added = read_class_list(class_file)
    if added:
        print(
            f"{class_file} has the id 0, which is no class here: 1 is added to all ids"
        )
    fields = {"semantic": flags.semantic_field, "instance": flags.instance_field}
    names = ("val_fraction", "seed", "instances", "semantic_field", "instance_field")
    data = DataSet(
        name="own",
        classes=classes,
        splits=held_out(find_scans(flags.source), flags.val_fraction, flags.seed),
        read=partial(
            read_labelled_scan,
            classes=classes,
            added=added,
            instances=flags.instances,
            fields=fields,
        ),
        options={name: getattr(flags, name) for name in names},
        root=Path(flags.source),
    )
    make(flags, data)


def held_out(
    sources: list[Source], fraction: float, seed: int
) -> dict[str, list[Source]]:
    """Scenes of the splits `train` and `val`; at least one to train on."""
    import numpy as np

    count = min(round(len(sources) * fraction), len(sources) - 1)
    if fraction > 0 and len(sources) > 1:
        count = max(count, 1)
    held = set(np.random.default_rng(seed).permutation(len(sources))[:count].tolist())
    splits: dict[str, list[Source]] = {"train": [], "val": []}
    for i, source in enumerate(sources):
        splits["val" if i in held else "train"].append(source)
    return {split: members for split, members in splits.items() if members}


OWN_FLAGS = (
    *SOURCE_FLAGS,
    flag(
        "--source",
        "Folder of scans (npz, PLY, PCD, LAS) with colours, classes and objects.",
        required=True,
    ),
    flag(
        "--classes",
        'Text file with one "id name" a line, such as configs/classes/scannet.txt.',
        required=True,
    ),
    flag(
        "--instances",
        "Whether an object's number is its own in the whole scene, or in its class "
        "alone; auto: in its class where most numbers have points of several classes.",
        "auto",
        choices=("auto", "scene", "class"),
    ),
    flag(
        "--semantic_field",
        "Property or array of the class ids; default: semantic, label, or either after "
        "scalar_.",
    ),
    flag(
        "--instance_field",
        "Property or array of numbers of objects; default: instance, scalar_instance.",
    ),
    VAL_FRACTION,
    SEED,
)
OWN = Command("prepare own", OWN_FLAGS, run_own)
