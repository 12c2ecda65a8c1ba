"""`gspn prepare rooms`, `parts` and `views`: scenes that ship with the project."""

from argparse import Namespace
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gspn_tf.commands import prepare
from gspn_tf.commands.command import Command, UserError
from gspn_tf.commands.flags import Flag, flag, integer

if TYPE_CHECKING:
    from gspn_tf.datasets.reading import DataSet, SceneSource

SPLITS = ("train", "val", "test")
POINTS = {"rooms": 40_000, "parts": 12_000}  # of a scene; views have one a pixel


def run_generated(kind: str, flags: Namespace) -> None:
    """Generate the scenes of each split that the flags ask for."""
    points, network = (vars(flags).get(name) for name in ("points", "image_features"))
    data = generated_data(kind, wanted(flags), flags.seed, points)
    prepare.make(flags, prepare.seen_by_network(data, network))


def wanted(flags: Namespace) -> dict[str, int]:
    """Return the scenes of each split that the flags ask for.

    Raises:
        UserError: there are none.
    """
    counts = {split: vars(flags)[split] for split in SPLITS if vars(flags)[split]}
    if not counts:
        raise UserError("nothing to make: --train, --val and --test are all 0")
    return counts


def generated_data(
    kind: str, counts: Mapping[str, int], seed: int, points: int | None = None
) -> "DataSet":
    """Scenes to generate, from a seed each; no two splits or seeds share one."""
    from gspn_tf.data.classes import SCANNET
    from gspn_tf.datasets.reading import DataSet, read_generated
    from gspn_tf.synthetic import parts, rooms, views

    classes, name, generate = {
        "rooms": (SCANNET, rooms.NAME, rooms.generate_room),
        "parts": (parts.PARTS, parts.NAME, parts.generate_shape),
        "views": (SCANNET, views.NAME, views.generate_view),
    }[kind]
    splits = seeded_sources(name, seed, counts)
    options, read = {"seed": seed}, partial(read_generated, generate=generate)
    if kind in POINTS:
        options["points"] = points or POINTS[kind]
        read = partial(read, num_points=options["points"])
    return DataSet(kind, classes, splits, read, options)


def seeded_sources(
    name: str, seed: int, counts: Mapping[str, int]
) -> dict[str, list["SceneSource"]]:
    """Draw a seed for each scene of each split; `name` is formatted with it."""
    import numpy as np

    from gspn_tf.datasets.reading import SceneSource

    splits = {}
    for split, count in counts.items():
        sequence = np.random.SeedSequence((seed, SPLITS.index(split)))
        seeds = sequence.generate_state(count).tolist()
        splits[split] = [SceneSource(name.format(each), detail=each) for each in seeds]
    return splits


def write_generated(
    output: Path | str, kind: str, counts: Mapping[str, int], seed: int = 0
) -> None:
    """Write generated scenes in place of any others, or go on with the same ones."""
    flags = Namespace(
        output=output, force=True, keep_going=False, jobs=None, shard=None
    )
    prepare.make(flags, generated_data(kind, counts, seed))


def run_rooms(flags: Namespace) -> None:
    """Generate furnished rooms with exact labels."""
    run_generated("rooms", flags)


def run_parts(flags: Namespace) -> None:
    """Generate shapes of labelled parts: chairs, tables, lamps, storage."""
    run_generated("parts", flags)


def run_views(flags: Namespace) -> None:
    """Generate rooms as one depth camera sees them, with exact labels."""
    run_generated("views", flags)


def split_flags(noun: str, *counts: int) -> tuple[Flag, ...]:
    """Declare the flags of a generator: a number of scenes for each split, a seed."""
    numbers = (
        flag(f"--{split}", f"{noun} of the split {split}.", count, type=integer(0))
        for split, count in zip(SPLITS, counts, strict=True)
    )
    return (*prepare.SOURCE_FLAGS, prepare.SEED, *numbers)


ROOM_FLAGS = (
    *split_flags("Rooms", 192, 16, 16),
    flag("--points", "Points of a room, at most.", 40_000, type=integer(20_000)),
)
SHAPE_FLAGS = (
    *split_flags("Shapes", 400, 16, 60),
    flag("--points", "Points of a shape.", 12_000, type=integer(7_800)),
)
ROOMS = Command("prepare rooms", ROOM_FLAGS, run_rooms)
PARTS = Command("prepare parts", SHAPE_FLAGS, run_parts)
VIEW_FLAGS = (*split_flags("Views", 400, 16, 48), prepare.IMAGE_NETWORK)
VIEWS = Command("prepare views", VIEW_FLAGS, run_views)
