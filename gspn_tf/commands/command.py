"""A command's name, flags and function, and what all commands need."""

import contextlib
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gspn_tf import files
from gspn_tf.commands.flags import Flag
from gspn_tf.startup import load_tensorflow as load_tensorflow


class UserError(Exception):
    """Something that the user can put right; its text is all that is shown."""


class Arguments(NamedTuple):
    """A parsed command line."""

    flags: Namespace  # a value for each flag of the command, None where not given
    positional: list[str]
    overrides: list[str]  # --config.a.b=value, as typed
    typed: str  # the whole line, to be typed again


class Command(NamedTuple):
    """One program."""

    name: str  # "train", "prepare rooms"
    summary: str  # one sentence
    usage: str  # what follows the name
    flags: tuple[Flag, ...]
    run: Callable[[Arguments], None]
    required: tuple[str, ...] = ()  # flags that have no default
    num_positional: int = 0
    open_ended: bool = False  # whether more of them may follow


def invoke(command: Command, *positional: str, **flags: Any) -> None:
    """Run a command from another one, with its defaults for the flags not given."""
    values = {f.names[0].lstrip("-"): f.options["default"] for f in command.flags}
    command.run(Arguments(Namespace(**values | flags), list(positional), [], ""))


def write_metrics(flags: Namespace, metrics: dict[str, Any]) -> None:
    """Write metrics where `--json` says, if it is given."""
    if flags.json:
        files.write_json(flags.json, metrics)


def existing_folder(path: str, purpose: str) -> Path:
    """Return `path`; UserError that begins with `purpose` unless it is a folder."""
    if not Path(path).is_dir():
        raise UserError(f"{purpose}: no folder {path}")
    return Path(path)


@contextlib.contextmanager
def timed(metrics: dict[str, Any]) -> Iterator[None]:
    """Put the seconds that the block takes into `metrics`."""
    start = time.monotonic()
    yield
    metrics["seconds"] = round(time.monotonic() - start, 1)
