"""What the tables and their systems need of data, and what they make of it."""

from pathlib import Path

from gspn_tf.data import manifest
from gspn_tf.paper.experiments.tables import Budget, PaperTable, System

# Data set -> file of configs/, where they differ.
CONFIG_FILES = {"own": "scannet", "homes": "indoor", "frames": "views"}
FRAMES = ("views", "nyuv2", "frames")  # data sets whose scenes have images


def config_file(directory: Path, budget: Budget) -> str:
    """Return FILE.py:VARIANT for a data folder."""
    name = manifest.read_manifest(directory).get("data", "own")
    return f"configs/{CONFIG_FILES.get(name, name)}.py:{budget.base}"


def measured_split(directory: Path) -> str:
    """Return `test` where it has labels, else `val`; ValueError where neither has."""
    for split in ("test", "val"):
        there = manifest.has_scenes(directory, split)
        if there and manifest.is_labelled(directory, split):
            return split
    raise ValueError(
        f"{directory} has no labelled scenes to measure on: the split test or val"
    )


def lacking(system: System, directory: Path, held_out: bool, frames: bool) -> str:
    """Say what is lacking that a system needs; "" for nothing.

    Args:
        system: of a table.
        directory: the data folder.
        held_out: whether its rooms are held out one by one.
        frames: whether there are frames of its scans.
    """
    if system.fine_tuned and not held_out:
        return "own scans, as gspn prepare own makes"
    if system.sees_frames and (held_out or not frames):
        return "--frames and --frames_data, and data with a split to measure on"
    if not system.sees_images:
        return ""
    if manifest.read_manifest(directory).get("data") not in FRAMES:
        return "frames with images, as gspn prepare views, nyuv2 and frames make"
    if system.sees_features and not manifest.image_channels(directory):
        return "image features, as gspn prepare --image_features FILE makes"
    return ""


def holds_rooms_out(table: PaperTable, directory: Path) -> bool:
    """Whether all scans are split anew so often as there are rooms: few own ones."""
    own = manifest.read_manifest(directory).get("data", "own") == "own"
    return table.rooms_apart and own
