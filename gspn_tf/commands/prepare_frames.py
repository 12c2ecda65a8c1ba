"""`gspn prepare frames`: frames of scans, to train networks on images."""

from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from gspn_tf.commands import prepare
from gspn_tf.commands.command import Command, UserError, existing_folder
from gspn_tf.commands.flags import flag, integer
from gspn_tf.data import manifest

FLAGS = (
    *prepare.SOURCE_FLAGS,
    flag(
        "--source",
        "Folder of scans in ScanNet's exported layout, with label-filt/ and "
        "instance-filt/; such as --scans of `gspn prepare homes --frames N`.",
        required=True,
    ),
    flag("--every", "Take each n-th frame of a scan.", 1, type=integer(1)),
    flag("--shrink", "Make images n times smaller.", 1, type=integer(1)),
    flag(
        "--label_map",
        "scannetv2-labels.combined.tsv, for the ids of ScanNet's own label-filt; "
        "default: ids are nyu40's.",
    ),
    flag(
        "--splits",
        "Data folder of the same scans, whose splits their frames take; default: "
        "--val_fraction of the scans.",
    ),
    prepare.VAL_FRACTION,
    prepare.SEED,
)


def run(flags: Namespace) -> None:
    """Take the labelled frames of scans as single views, with their images."""
    from gspn_tf.datasets.frames import frames_data_set

    source = existing_folder(flags.source, "--source")
    options: dict[str, Any] = {"val_fraction": flags.val_fraction, "seed": flags.seed}
    hold_out: Callable[[list[Path]], dict[str, list[Path]]] = partial(
        prepare.held_out, fraction=flags.val_fraction, seed=flags.seed
    )
    if flags.splits:
        known = manifest.read_manifest(existing_folder(flags.splits, "--splits"))
        names = {split: entry["names"] for split, entry in known["splits"].items()}
        options, hold_out = {"splits": names}, partial(same_splits, names=names)
    data = frames_data_set(
        source,
        hold_out,
        every=flags.every,
        shrink=flags.shrink,
        label_map=flags.label_map,
        options=options,
    )
    prepare.make(flags, data)


def same_splits(
    scans: list[Path], names: dict[str, list[str]]
) -> dict[str, list[Path]]:
    """Give scans the splits that have their names, and leave out all others.

    Raises:
        UserError: no scan has one of the names.
    """
    found = {
        split: [scan for scan in scans if scan.name in members]
        for split, members in names.items()
    }
    if not any(found.values()):
        raise UserError(
            f"--splits: expected scenes of the names of the {len(scans)} scans, such "
            f"as {scans[0].name}, got none"
        )
    return {split: members for split, members in found.items() if members}


COMMAND = Command("prepare frames", FLAGS, run)
