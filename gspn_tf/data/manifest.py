"""The manifest of a data folder: DIRECTORY/manifest.json.

    {"format": 2,
     "data": "scannet",                      the data set
     "licence": "...",                       its terms, where it has any
     "classes": [[raw_id, name], ...],       of the rows 1..C
     "options": {...},                       whatever else the scenes depend on
     "versions": {"gspn_tf": "0.1.0", ...},
     "absent": {"train": [...]},             scenes that are listed and not there
     "splits": {"train": {
        "labelled": true,
        "names": [...],                      scenes in their order
        "skipped": {name: why},              could not be read; not in the shards
        "scenes": 1201, "points": 178000000, "instances": {"cabinet": 300, ...},
        "shards": {"train-00000-of-00076.tfrecord": its sha256, ...}}},
     "warnings": ["scene0217_00: ...", ...],
     "sources": {"files": 6005, "sha256": of the file sources.sha256}}

Format 1, of earlier versions, has the classes, and scenes and a list of shards of each
split; it is still read.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from gspn_tf import files
from gspn_tf.data.classes import ClassList
from gspn_tf.files.errors import load_json

NAME = "manifest.json"
SOURCES = "sources.sha256"  # as `sha256sum --check` reads it, in the source folder
FORMAT = 2
FEATURES_OPTION = "image_features"  # option: sha256 of the weights, channels


class ShardError(ValueError):
    """A shard whose bytes are not those that were written; names the file."""


def read_manifest(directory: str | Path) -> dict:
    """The manifest of a data directory.

    Raises:
      FileNotFoundError: there is none; says how to make one.
      ValueError: it is damaged or of a later version of this package.
    """
    path = Path(directory) / NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} not found: {directory} must be a folder made by `gspn prepare`"
        )
    manifest = load_json(path)
    try:
        classes, splits = manifest["classes"], manifest["splits"]
        ClassList.from_pairs(classes)
        for split in splits.values():
            _ = split["scenes"], split["shards"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no manifest of `gspn prepare`: {error}") from error
    if manifest.get("format", 1) > FORMAT:
        raise ValueError(
            f"{path} has format {manifest['format']}, this version reads up to "
            f"{FORMAT}: make the folder anew, or install a later gspn-tf"
        )
    return manifest


def read_classes(directory: str | Path) -> ClassList:
    """The class list of a data directory."""
    return ClassList.from_pairs(read_manifest(directory)["classes"])


def read_split(directory: str | Path, split: str) -> dict:
    """The manifest's entry of a split; ValueError where it has no scenes."""
    splits = read_manifest(directory)["splits"]
    if split not in splits:
        raise ValueError(f"split must be one of {sorted(splits)}, got {split!r}")
    if not splits[split]["scenes"]:
        raise ValueError(f"none of the scenes of split {split!r} could be read")
    return splits[split]


def has_scenes(directory: str | Path, split: str) -> bool:
    """Whether there is such a split, and scenes in it."""
    return read_manifest(directory)["splits"].get(split, {"scenes": 0})["scenes"] > 0


def num_scenes(directory: str | Path, split: str) -> int:
    """How many scenes the shards of a split hold."""
    return read_split(directory, split)["scenes"]


def is_labelled(directory: str | Path, split: str) -> bool:
    """Whether the scenes of a split have labels; a benchmark's test scenes do not."""
    return read_split(directory, split).get("labelled", True)


def image_channels(directory: str | Path) -> int:
    """Channels of the image features of all scenes; 0 where they have none."""
    options = read_manifest(directory).get("options", {})
    return options.get(FEATURES_OPTION, {"channels": 0})["channels"]


def check_image_features(directory: str | Path, channels: int) -> None:
    """Raise ValueError unless the scenes have image features of so many channels."""
    there = image_channels(directory)
    if there != channels:
        found = f"image features of {there} channels" if there else "none"
        raise ValueError(
            f"{directory} must have image features of {channels} channels, as the "
            f"config's image_features says, got {found}; make it by gspn prepare "
            "nyuv2, or views, with --image_features FILE"
        )


def checksum(directory: str | Path, split: str) -> str:
    """SHA-256 of a split: of the lines "digest name" of its shards.

    Figures carry it, so that it can be told on which data they were measured.
    """
    shards = read_split(directory, split)["shards"]
    if not isinstance(shards, dict):  # of format 1
        shards = {name: files.sha256(Path(directory) / name) for name in shards}
    lines = "".join(f"{digest}  {name}\n" for name, digest in shards.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def damaged_shards(directory: str | Path) -> list[Path]:
    """Shards that are gone or differ from what the manifest says of them."""
    entries = read_manifest(directory)["splits"].values()
    shards = [entry["shards"] for entry in entries if isinstance(entry["shards"], dict)]
    found = []
    for name, digest in (item for each in shards for item in each.items()):
        path = Path(directory) / name
        if not path.is_file() or files.sha256(path) != digest:
            found.append(path)
    return found


@contextlib.contextmanager
def naming_damage(directory: str | Path) -> Iterator[None]:
    """Turns TensorFlow's "corrupted record at 1234" into a ShardError with a name."""
    import tensorflow as tf

    bad = tf.errors.DataLossError
    # A shard that is gone, or one that ends between two records: fewer scenes.
    try:
        yield
    except (bad, tf.errors.NotFoundError, tf.errors.FailedPreconditionError) as error:
        if not isinstance(error, bad) and not damaged_shards(directory):
            raise
        raise damage(directory) from error


def damage(directory: str | Path) -> ShardError:
    """Make the error that names the damaged shards."""
    names = ", ".join(map(str, damaged_shards(directory))) or f"in {directory}"
    return ShardError(
        f"damaged shard {names}: its bytes are not those that were written; "
        "copy the file again, or repeat `gspn prepare` with --force"
    )
