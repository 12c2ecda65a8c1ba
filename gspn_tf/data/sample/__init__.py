"""A labelled scan that ships with the package, for documents, tests and first tries.

`home.ply` is a virtual scan of a living room: parametric furniture and models under
CC0. `gspn_tf.synthetic.homes.sample` makes it.
"""

from pathlib import Path


def sample_scan() -> Path:
    """Return the path of the scan: a PLY file of points, colours and labels.

    It has 32,387 vertices with `semantic` (ids of nyu40) and `instance` (from 1), 0 =
    none, in metres, z up, as `gspn prepare own` and `gspn segment` read them.
    """
    return Path(__file__).with_name("home.ply")
