"""Scenes: generated, read from files, and fed to the networks."""

from gspn_tf.data.pipeline import load
from gspn_tf.data.scene import Scene, read_scenes, write_scenes

__all__ = ["Scene", "load", "read_scenes", "write_scenes"]
