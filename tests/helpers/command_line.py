"""The `gspn` command, called in this process, and scans to call it on."""

import numpy as np

from gspn_tf.commands import main as cli

CLASSES = "5 chair\n7 table\n4 bed\n"


def gspn(*arguments) -> int:
    return cli.main([str(argument) for argument in arguments])


def error_of(capsys) -> str:
    """The one line that a failed command leaves on stderr."""
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("gspn: "), captured.err
    return lines[0]


def write_scans(folder, count: int = 3, num_points: int = 600) -> None:
    """Scans of three objects on a floor, as .npz files."""
    folder.mkdir()
    (folder / "classes.txt").write_text(CLASSES)
    rng = np.random.default_rng(0)
    centers = np.array([[2, 2, 0], [1, 1, 0.5], [3, 1.5, 0.7], [1.5, 3, 0.3]])
    sizes = np.array([[4, 4, 0], [1, 1, 1], [1, 0.5, 1.5], [1.5, 0.7, 0.5]])
    for i in range(count):
        which = rng.integers(0, 4, num_points)
        unit = rng.uniform(-0.5, 0.5, (num_points, 3))
        np.savez(
            folder / f"scan_{i}.npz",
            points=np.float32(centers[which] + sizes[which] * unit),
            colors=rng.integers(0, 256, (num_points, 3)).astype(np.uint8),
            semantic=np.int32([0, 5, 7, 4])[which],
            instance=np.int32(which),
        )
