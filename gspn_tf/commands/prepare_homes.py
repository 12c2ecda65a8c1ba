"""`gspn prepare homes`: furnished homes, scanned virtually as ScanNet was."""

import importlib.util
import os
from argparse import Namespace
from functools import partial
from pathlib import Path

from gspn_tf.commands import prepare
from gspn_tf.commands.command import Command, UserError, writable_folder
from gspn_tf.commands.flags import flag, integer
from gspn_tf.commands.prepare_generated import seeded_sources, split_flags, wanted

FURNITURE = "/usr/share/sweethome3d/furniture"  # where Debian's package puts it
COUNTS = (300, 16, 32)
NEEDS = ("embreex", "fast_simplification", "skimage")


def run(flags: Namespace) -> None:
    """Scan homes of freely licensed furniture virtually, as ScanNet was."""
    counts = wanted(flags)
    if missing := [name for name in NEEDS if not importlib.util.find_spec(name)]:
        raise UserError(
            f"virtual scans need {', '.join(missing)}: pip install 'gspn-tf[homes]'"
        )
    if flags.frames and not flags.scans:
        raise UserError("--frames keeps them in the folder --scans, which is not given")
    cache = Path(flags.cache).expanduser()
    scans = Path(flags.scans) if flags.scans else None
    places = {"--output": Path(flags.output).absolute().parent, "--cache": cache}
    for purpose, place in (places | ({"--scans": scans} if scans else {})).items():
        writable_folder(place, purpose)
    from gspn_tf.data.classes import SCANNET
    from gspn_tf.datasets.reading import DataSet
    from gspn_tf.synthetic.homes.furniture import library
    from gspn_tf.synthetic.homes.generating import NAME
    from gspn_tf.synthetic.homes.source import Furniture, read_home

    jar = Path(flags.homes) if flags.homes else None
    furniture = Furniture(Path(flags.furniture), cache, jar, flags.cc0)
    libraries = library.find_libraries(Path(flags.furniture))
    furniture.load()  # converts what was never converted, once, before the processes
    splits = seeded_sources(NAME, flags.seed, counts)
    read = partial(read_home, furniture=furniture, scans=scans, frames=flags.frames)
    options = {
        "seed": flags.seed,
        "furniture": {n: library.fingerprint(p) for n, p in libraries.items()},
        "cc0": flags.cc0,
        "scans": bool(scans),  # else finished data would silently get no meshes
        "frames": flags.frames,
        "homes": library.fingerprint(furniture.homes) if furniture.homes else "",
    }
    prepare.make(flags, DataSet("homes", SCANNET, splits, read, options))


FLAGS = (
    *split_flags("Scans", *COUNTS),
    flag(
        "--furniture",
        "Folder of Debian's package sweethome3d-furniture, or of its .sh3f files.",
        FURNITURE,
    ),
    flag(
        "--homes",
        "sweethome3d.jar, for the layouts of its example homes: half of the rooms.",
    ),
    flag(
        "--cc0",
        "Use models under CC0 and parametric ones alone: no notice is asked for.",
        False,
    ),
    flag(
        "--cache",
        "Folder that keeps converted models.",
        os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "gspn-tf"),
    ),
    flag("--scans", "Folder that also gets each scan as a mesh, NAME/NAME.ply."),
    flag(
        "--frames",
        "Frames of each scan that --scans also gets: colour, depth, poses, masks.",
        0,
        type=integer(0),
    ),
)
COMMAND = Command("prepare homes", FLAGS, run)
