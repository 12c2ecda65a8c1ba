"""`gspn prepare rooms` and `gspn prepare own`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from absl import flags as absl_flags

from gspn_tf import config_loading, files
from gspn_tf.commands.command import Arguments, Command, UserError, load_tensorflow

SPLITS = ("train", "val", "test")


def define_common_flags(flags: absl_flags.FlagValues) -> None:
    """Flags of every data set."""
    absl_flags.DEFINE_string("output", None, "Folder to make.", flag_values=flags)
    absl_flags.DEFINE_bool(
        "force", False, "Replace a data folder that is there.", flag_values=flags
    )
    absl_flags.DEFINE_integer(
        "seed", 0, "Another seed, other rooms or another split.", 0, flag_values=flags
    )


def define_rooms_flags(flags: absl_flags.FlagValues) -> None:
    """Flags of `gspn prepare rooms`."""
    define_common_flags(flags)
    for split, count in zip(SPLITS, (192, 16, 16), strict=True):
        text = f"Rooms of the split {split}."
        absl_flags.DEFINE_integer(split, count, text, 0, flag_values=flags)


def define_own_flags(flags: absl_flags.FlagValues) -> None:
    """Flags of `gspn prepare own`."""
    define_common_flags(flags)
    absl_flags.DEFINE_string(
        "source",
        None,
        "Folder of .npz or .ply scans with points, colors, semantic and instance.",
        flag_values=flags,
    )
    absl_flags.DEFINE_string(
        "classes",
        None,
        'Text file with one "id name" a line, such as configs/classes/scannet.txt.',
        flag_values=flags,
    )
    absl_flags.DEFINE_float(
        "val_fraction", 0.1, "Share of scans for validation.", 0, 0.9, flag_values=flags
    )


def run_rooms(arguments: Arguments) -> None:
    """Generate rooms."""
    flags = arguments.flags
    counts = {split: flags[split].value for split in SPLITS}
    prepare_rooms(flags.output, counts, seed=flags.seed, force=flags.force)


def prepare_rooms(
    output: str | Path, counts: dict[str, int], *, seed: int, force: bool
) -> None:
    """Write generated rooms; no two splits and no two seeds share a room."""
    if not any(counts.values()):
        raise UserError("nothing to make: --train, --val and --test are all 0")
    check_output(output, force)
    load_tensorflow()
    from gspn_tf.data import scene, synthetic
    from gspn_tf.data.classes import SCANNET

    with files.replacing(output) as folder:
        for split, count in counts.items():
            if count:
                rooms = synthetic.generate_rooms(room_seeds(seed, split, count))
                scene.write_scenes(
                    folder,
                    split,
                    tracked(rooms, f"{split} rooms", count),
                    num_shards=num_shards(count),
                    classes=SCANNET,
                )
    print(f"{output}: {', '.join(f'{n} {split}' for split, n in counts.items())} rooms")


def room_seeds(seed: int, split: str, count: int) -> list[int]:
    """Seeds of the rooms of a split."""
    import numpy as np

    sequence = np.random.SeedSequence((seed, SPLITS.index(split)))
    return [int(value) for value in sequence.generate_state(count)]


def run_own(arguments: Arguments) -> None:
    """Convert labelled scans."""
    flags = arguments.flags
    check_output(flags.output, flags.force)
    if not Path(flags.source).exists():
        raise UserError(f"no file or folder {flags.source}")
    class_file = config_loading.find(flags.classes)
    load_tensorflow()
    from gspn_tf.data import scene
    from gspn_tf.data.classes import ClassList
    from gspn_tf.data.own import find_scans, read_scan

    classes = ClassList.read(class_file)
    paths = split_paths(find_scans(flags.source), flags.val_fraction, flags.seed)
    with files.replacing(flags.output) as folder:
        for split, members in paths.items():
            scans = (read_scan(path, classes) for path in members)
            scene.write_scenes(
                folder,
                split,
                tracked(scans, f"{split} scans", len(members)),
                num_shards=num_shards(len(members)),
                classes=classes,
            )
    counts = ", ".join(f"{len(v)} {split}" for split, v in paths.items())
    print(f"{flags.output}: {counts} scans of {len(classes)} classes")


def split_paths(paths: list[Path], fraction: float, seed: int) -> dict[str, list[Path]]:
    """Scans of the splits `train` and `val`; at least one to train on."""
    import numpy as np

    count = min(round(len(paths) * fraction), len(paths) - 1)
    if fraction > 0 and len(paths) > 1:
        count = max(count, 1)
    held = set(np.random.default_rng(seed).permutation(len(paths))[:count].tolist())
    splits = {
        "train": [path for i, path in enumerate(paths) if i not in held],
        "val": [path for i, path in enumerate(paths) if i in held],
    }
    return {split: members for split, members in splits.items() if members}


def check_output(output: str | Path, force: bool) -> None:
    """Raise UserError unless the folder is new, or a data folder and `force` is set."""
    path = Path(output)
    if path.is_dir() and not any(path.iterdir()):
        return
    if path.exists() and not force:
        raise UserError(f"{output} exists; --force replaces it")
    if path.exists() and not (path / "manifest.json").is_file():
        raise UserError(f"{output} exists and is no data folder; it is left alone")


def num_shards(count: int) -> int:
    """One file for every 64 scenes."""
    return -(-count // 64)


def tracked(items: Iterable, name: str, total: int) -> Iterator:
    """The items, with a progress bar where there is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(
        items,
        name,
        total=total,
        console=console,
        disable=not console.is_terminal,
    )


ROOMS = Command(
    name="prepare rooms",
    summary="Generate furnished rooms with exact labels.",
    usage="--output DIR [--train N --val N --test N --seed S]",
    define_flags=define_rooms_flags,
    run=run_rooms,
    required=("output",),
)
OWN = Command(
    name="prepare own",
    summary="Convert your own labelled scans (.npz or .ply).",
    usage="--source DIR --classes FILE --output DIR",
    define_flags=define_own_flags,
    run=run_own,
    required=("source", "classes", "output"),
)
