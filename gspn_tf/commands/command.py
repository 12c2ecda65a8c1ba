"""A command's name, flags and function, and what all commands need."""

import os
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gspn_tf import files, startup
from gspn_tf.commands.flags import Flag
from gspn_tf.config import Config, preset_folder
from gspn_tf.config import loading as config_loading
from gspn_tf.data.job_share import JobShare
from gspn_tf.files.text import printable


class UserError(Exception):
    """Something that the user can put right; its text is all that is shown."""


class Command(NamedTuple):
    """One program, which the first line of the docstring of `run` describes.

    `run` gets a value for each flag, None where it is not given; the list `overrides`
    of words such as --config.a.b=value; and the whole line as `typed`.
    """

    name: str  # "train", "prepare rooms"
    flags: tuple[Flag, ...]
    run: Callable[[Namespace], None]

    @property
    def summary(self) -> str:
        """The sentence that the help says of it."""
        return (self.run.__doc__ or "").partition("\n")[0]


def start_tensorflow(join: Callable[[], Any] = lambda: None) -> Any:
    """Import TensorFlow; the first time, say on stderr what the command runs on.

    Args:
        join: What must be done before TensorFlow computes.

    Returns:
        The value of `join`.
    """
    fresh = "tensorflow" not in sys.modules
    said = startup.load_tensorflow()
    joined = join()
    if fresh:
        print(device_line(said), file=sys.stderr, flush=True)
    return joined


def device_line(said: Sequence[str]) -> str:
    """Name the GPUs and whose ops run on them, or the cores and why there is no GPU.

    Args:
        said: What TensorFlow said of GPUs that it cannot use.
    """
    import tensorflow as tf

    from gspn_tf import ops

    found = tf.config.list_physical_devices("GPU")
    if not found:
        cores = len(os.sched_getaffinity(0))
        # Where there is no driver, the rest only follows from it.
        said = said[:1] if "cuda drivers" in "".join(said[:1]) else said
        return f"on {cores} CPU cores" + "".join(f"; {message}" for message in said)
    details = map(tf.config.experimental.get_device_details, found)
    names = ", ".join(each.get("device_name", "of unknown name") for each in details)
    one = tf.zeros([1, 1, 3])
    native = "GPU" in ops.knn(one, one, 1)[0].device
    where = "native CUDA ops" if native else "its point operations on the CPU"
    return "; ".join([f"on GPU {names}, {where}", *said])


def invoke(command: Command, **flags: Any) -> None:
    """Run a command from another one, with its defaults for the flags not given."""
    values = {each.name: each.options["default"] for each in command.flags}
    command.run(Namespace(**values | flags, overrides=[]))


def config_of(flags: Namespace) -> Config:
    """Read the config of `--config`, with the overrides of the command line."""
    return config_loading.override(
        config_loading.load_config(flags.config), flags.overrides
    )


def write_metrics(flags: Namespace, metrics: dict[str, Any]) -> None:
    """Write metrics where `--json` says, if it is given."""
    if flags.json:
        files.write_json(flags.json, metrics)


def model_folder(name: str, purpose: str = "--model") -> Path:
    """Return the folder of a run or preset; UserError if there is none of the name."""
    try:
        return preset_folder(name)
    except FileNotFoundError as error:
        raise UserError(f"{purpose}: {error}") from error


def job_share(text: str) -> JobShare:
    """Return the part of a work that `--shard` says; UserError where it is none."""
    try:
        return JobShare.parse(text)
    except ValueError as error:
        raise UserError(f"--shard {error}") from error


def check_utf8(path: str, purpose: str) -> None:
    """UserError that begins with `purpose` where TensorFlow cannot write to a path."""
    if printable(path) != path:
        raise UserError(f"{purpose}: TensorFlow writes to names in UTF-8, got {path}")


def writable_folder(path: str | Path, purpose: str) -> Path:
    """Return `path`, a folder that is there or can be made; nothing is left in it.

    Raises:
        UserError: nothing can be written to it; begins with `purpose`.
    """
    if Path(path).is_file():
        raise UserError(f"{purpose} must be a folder, {path} is a file")
    places = [Path(path), *Path(path).absolute().parents]
    there = next(place for place in places if os.path.lexists(place))
    try:
        with tempfile.TemporaryDirectory(prefix=files.SCRATCH, dir=there):
            return Path(path)
    except OSError as error:
        raise UserError(
            f"{purpose}: nothing can be written to {path}: {error.strerror}; give a "
            "place in which you may make files"
        ) from error


def writable_file(path: str | Path, purpose: str) -> Path:
    """Return `path`, a file that can be made or replaced; nothing is left of the try.

    Raises:
        UserError: it cannot, or is a folder; begins with `purpose`.
    """
    if Path(path).is_dir():
        raise UserError(f"{purpose} must name a file, {path} is a folder")
    writable_folder(Path(path).absolute().parent, purpose)
    return Path(path)


def existing_folder(path: str, purpose: str) -> Path:
    """Return `path`; UserError that begins with `purpose` unless it is a folder."""
    if not Path(path).is_dir():
        raise UserError(f"{purpose}: no folder {path}")
    return Path(path)
