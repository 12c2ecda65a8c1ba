"""Where the furniture of homes lies, and the scene of a seed."""

import functools
from pathlib import Path
from typing import NamedTuple

from gspn_tf.data.scene import Scene
from gspn_tf.datasets.reading import SceneSource
from gspn_tf.synthetic.homes.frames import write_scan
from gspn_tf.synthetic.homes.furniture.catalogue import read_catalogue
from gspn_tf.synthetic.homes.furniture.families import FAMILIES, family_models
from gspn_tf.synthetic.homes.furniture.library import library_models
from gspn_tf.synthetic.homes.generating import draw_home, scene_of
from gspn_tf.synthetic.homes.layout.example_homes import HomePlan, read_example_homes
from gspn_tf.synthetic.homes.things import Model

FAMILY_SEED = 16  # all homes choose from the same parametric furniture
SCARCE = (
    "counter",
    "curtain",
    "shower curtain",
    "picture",
    "bathtub",
    "refrigerator",
    "toilet",
    "window",
)
"""Classes of which the libraries have few shapes: most are parametric."""


class Furniture(NamedTuple):
    """Files that homes are furnished from.

    folder  of the `.sh3f` libraries, or None for parametric furniture alone
    cache   folder of converted models
    homes   `sweethome3d.jar`, or None
    cc0     whether models that ask for a notice are left out
    """

    folder: Path | None
    cache: Path
    homes: Path | None = None
    cc0: bool = False

    def load(self) -> tuple[list[Model], list[HomePlan]]:
        """Open the models and the plans of the example homes, once in a process."""
        return _load(self)


@functools.cache
def _load(files: Furniture) -> tuple[list[Model], list[HomePlan]]:
    rest = [kind for kind in FAMILIES if kind not in SCARCE]
    models = family_models(FAMILY_SEED, 24, SCARCE) + family_models(
        FAMILY_SEED, 6, rest
    )
    if files.folder:
        models += library_models(files.folder, files.cache, files.cc0)
    if not files.homes:
        return models, []
    known = {name: (row.role, row.kind) for name, row in read_catalogue().items()}
    return models, read_example_homes(files.homes, known)


def read_home(
    source: SceneSource,
    furniture: Furniture,
    scans: Path | None = None,
    frames: int = 0,
) -> Scene:
    """Draw the home of the seed in the source's `detail`.

    Args:
        source: its name is the scan's.
        furniture: to choose from.
        scans: folder that gets the mesh and the frames, or None.
        frames: of each scan that are kept.
    """
    models, homes = furniture.load()
    home = draw_home(source.detail, models, homes)
    if scans:
        write_scan(scans, home, source.name, source.detail, frames)
    return scene_of(home, source.name)
