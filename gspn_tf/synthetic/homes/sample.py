"""Makes the scan that ships with the package.

    python -m gspn_tf.synthetic.homes.sample FURNITURE CACHE home.ply

Only models under CC0 and parametric ones stand in it.
"""

import sys
from pathlib import Path

from gspn_tf.files.ply import write_ply
from gspn_tf.synthetic.homes.generating import draw_home, labels_on_disk, scene_of
from gspn_tf.synthetic.homes.source import Furniture

SEED = 20


def write_sample(furniture: Furniture, path: Path) -> None:
    """Draw the home of `SEED` and write its vertices with their labels."""
    scene = scene_of(draw_home(SEED, *furniture.load()), path.stem)
    write_ply(path, scene.points, scene.colors, labels_on_disk(scene))


if __name__ == "__main__":
    folder, cache, output = map(Path, sys.argv[1:])
    write_sample(Furniture(folder, cache, cc0=True), output)
