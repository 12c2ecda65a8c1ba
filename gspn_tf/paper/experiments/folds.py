"""Leave-one-room-out: data folders that share their scans' files.

    DIRECTORY/scans/scene0000_00.tfrecord      every labelled scan, once
    DIRECTORY/without-scene0000/manifest.json  its splits name those files: train has
                                               other rooms, test the scans of this one

`scene0000_00` and `scene0000_01` are scans of one room: what comes before the last `_`.
There is no split `val`, so the last weights are the ones that are kept.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

from gspn_tf import files
from gspn_tf.data import manifest as manifests

PREFIX = "without-"


def room_of(scan: str) -> str:
    """Return the room that a scan is of."""
    return scan.rpartition("_")[0] or scan


def list_folds(directory: Path) -> list[Path]:
    """List the folders that `write_folds` made, by their rooms."""
    return sorted(directory.glob(f"{PREFIX}*"))


def write_folds(source: Path, directory: Path) -> None:
    """Make the folds of the labelled scans of a data folder, all of them or none.

    Raises:
        ValueError: the scans are of fewer than two rooms.
    """
    from gspn_tf.data.shards import read_scenes, write_shard

    head = manifests.read_manifest(source)
    rooms: dict[str, dict[str, str]] = defaultdict(dict)  # SHA-256 by scan
    with files.replacing(directory) as folder:
        (folder / "scans").mkdir(parents=True)
        labelled = [s for s in head["splits"] if manifests.is_labelled(source, s)]
        for scene in (x for split in labelled for x in read_scenes(source, split)):
            name = f"scans/{scene.name}.tfrecord"
            rooms[room_of(scene.name)][scene.name] = write_shard(folder / name, [scene])
        if len(rooms) < 2:
            raise ValueError(
                f"{source} must have scans of two rooms at least to hold one out, got "
                f"{', '.join(rooms)}: scene0000_01 is a scan of the room scene0000"
            )
        for room in rooms:
            others = {n: s for r in rooms if r != room for n, s in rooms[r].items()}
            splits = {"train": _split_entry(others), "test": _split_entry(rooms[room])}
            fold = head | {"splits": splits, "options": {"held_out": room}}
            files.write_json(folder / f"{PREFIX}{room}" / manifests.NAME, fold)


def _split_entry(scans: dict[str, str]) -> dict[str, Any]:
    shards = {f"../scans/{name}.tfrecord": digest for name, digest in scans.items()}
    facts = {"labelled": True, "names": list(scans), "scenes": len(scans)}
    return facts | {"shards": shards}
