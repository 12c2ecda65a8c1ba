"""What a command is, and what all of them need."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags as absl_flags

from gspn_tf import files
from gspn_tf.startup import load_tensorflow as load_tensorflow


class UserError(Exception):
    """Something that the user can put right; its text is all that is shown."""


class Arguments(NamedTuple):
    """A parsed command line."""

    flags: absl_flags.FlagValues
    positional: list[str]
    overrides: list[str]  # --config.a.b=value, as typed


class Command(NamedTuple):
    """One program."""

    name: str  # "train", "prepare rooms"
    summary: str  # one sentence
    usage: str  # what follows the name
    define_flags: Callable[[absl_flags.FlagValues], None]
    run: Callable[[Arguments], None]
    required: tuple[str, ...] = ()  # flags that have no default
    num_positional: int = 0
    open_ended: bool = False  # whether more of them may follow


def define_json(flags: absl_flags.FlagValues) -> None:
    """The flag of every command that prints figures."""
    absl_flags.DEFINE_string(
        "json", None, "Also write the figures to this file.", flag_values=flags
    )


def write_figures(flags: absl_flags.FlagValues, figures: dict[str, Any]) -> None:
    """Write the figures where `--json` says."""
    if flags.json:
        files.write_json(flags.json, figures)


def existing_folder(path: str, purpose: str) -> Path:
    """`path`, checked to be a folder."""
    if not Path(path).is_dir():
        raise UserError(f"{purpose}: no folder {path}")
    return Path(path)


@contextlib.contextmanager
def timed(figures: dict[str, Any]) -> Iterator[None]:
    """Put the seconds that the block takes into `figures`."""
    start = time.monotonic()
    yield
    figures["seconds"] = round(time.monotonic() - start, 1)
