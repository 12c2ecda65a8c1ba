"""`gspn <command> [flags]`: parses, runs, and turns errors into one line."""

import difflib
import re
import shlex
import sys
import traceback
from argparse import Namespace
from collections.abc import Sequence
from typing import Any, NoReturn

from absl import flags as absl_flags
from absl.flags import argparse_flags

from gspn_tf.commands import (
    benchmark,
    demo,
    evaluate,
    experiment,
    export,
    figure,
    import_checkpoint,
    prepare,
    prepare_frames,
    prepare_generated,
    prepare_homes,
    prepare_nyuv2,
    prepare_partnet,
    prepare_scannet,
    segment,
    serve_data,
    train,
    train_image,
)
from gspn_tf.commands.command import Command, UserError
from gspn_tf.commands.streams import lasting_streams

COMMANDS = (
    prepare_generated.ROOMS,
    prepare.OWN,
    prepare_scannet.COMMAND,
    prepare_partnet.COMMAND,
    prepare_generated.PARTS,
    prepare_nyuv2.COMMAND,
    prepare_frames.COMMAND,
    prepare_generated.VIEWS,
    prepare_homes.COMMAND,
    train.COMMAND,
    train_image.COMMAND,
    serve_data.COMMAND,
    evaluate.COMMAND,
    segment.COMMAND,
    figure.COMMAND,
    export.COMMAND,
    import_checkpoint.COMMAND,
    benchmark.COMMAND,
    demo.COMMAND,
    experiment.COMMAND,
)
USAGE = 2  # exit status of a command line that cannot be understood


class UsageError(UserError):
    """A command line that cannot be understood."""


class Parser(argparse_flags.ArgumentParser):
    """A Parser knows `--flagfile`, and raises UsageError where argparse would exit."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            inherited_absl_flags=absl_flags.FlagValues(),
            allow_abbrev=False,
            epilog="--debug anywhere shows the traceback of an error.",
            **options,
        )

    def error(self, message: str) -> NoReturn:
        """Raise the error that argparse found."""
        raise UsageError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; return the exit status."""
    try:
        with lasting_streams():
            return _run(list(sys.argv[1:] if argv is None else argv))
    except OSError as error:  # of the last lines: no error of the work comes here
        return _fail(f"standard output: {error.strerror}", 1, False)


def _run(argv: list[str]) -> int:
    debug = "--debug" in argv
    argv = [argument for argument in argv if argument != "--debug"]
    try:
        command, flags = parse_command_line(argv)
    except (UsageError, absl_flags.Error) as error:
        return _fail(str(error), USAGE, debug)
    except SystemExit:  # the help is printed
        return 0
    try:
        command.run(flags)
    except KeyboardInterrupt:
        return _fail("interrupted", 130, debug)
    except Exception as error:
        if not _is_for_user(error):
            raise
        return _fail(_cause(error), 1, debug)
    return 0


def parse_command_line(argv: Sequence[str]) -> tuple[Command, Namespace]:
    """Find the command and check its flags.

    Raises:
        UsageError: Where a name or a value is wrong or missing.
        SystemExit: After the help was printed.
    """
    words = ["--help"] if list(argv) in ([], ["help"]) else argv
    flags, left = _parser().parse_known_args([_underscored(word) for word in words])
    command = flags.command
    known = [word for each in command.flags for word in each.words]
    flags.overrides = [
        word for word in left if word.startswith("--config.") and "--config" in known
    ]
    for word in flags.overrides:
        if "=" not in word:
            raise UsageError(f"{word} needs a value: {word}=VALUE")
    if unknown := [word for word in left if word not in flags.overrides]:
        name = unknown[0].partition("=")[0]
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"see gspn {command.name} --help"
        raise UsageError(f"unknown argument {name}; {hint}")
    flags.typed = shlex.join(["gspn", *argv])
    return command, flags


def _parser() -> Parser:
    parser = Parser(
        prog="gspn",
        description="Instance segmentation of point clouds with GSPN and R-PointNet.",
    )
    words: dict[str, Any] = {"metavar": "COMMAND", "required": True}
    groups = {"": parser.add_subparsers(title="commands", **words)}
    text = "Make a data folder of scans, or of generated scenes."
    family = groups[""].add_parser("prepare", help=text, description=text)
    groups["prepare"] = family.add_subparsers(title="commands", **words)
    for command in COMMANDS:
        family_name, _, name = command.name.rpartition(" ")
        text = command.summary
        each = groups[family_name].add_parser(name, help=text, description=text)
        each.set_defaults(command=command)
        for flag in command.flags:
            each.add_argument(*flag.words, **flag.options)
    return parser


def _underscored(argument: str) -> str:
    """`--keep-going` is `--keep_going`; values and positional arguments stay."""
    name, equals, value = argument.partition("=")
    if not name.startswith("--"):
        return argument
    return "--" + name[2:].replace("-", "_") + equals + value


# Lines that TensorFlow and Keras put around what went wrong, and parts of lines.
_AROUND = re.compile(
    r"Graph execution error|Detected at node|<stack traces|File \"|\[\[|$"
    r"|Exception encountered when calling|\d+ root error|Traceback|Arguments received"
)
_PARTS = re.compile(r"\x1b\[\d+m|\{\{\S+ \S+?\}\} |^\(\d+\) [A-Z_]+: | \[Op:.*")


def _cause(error: Exception) -> str:
    """Say what went wrong: the whole text of a UserError, a line of any other error."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename2 or error.filename}: {error.strerror}"
    lines = (_PARTS.sub("", line.strip()) for line in str(error).splitlines())
    return next((x for x in lines if not _AROUND.match(x)), type(error).__name__)


def _is_for_user(error: Exception) -> bool:
    """Tell errors whose text is meant for the user from bugs."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow and isinstance(error, tensorflow.errors.OpError):
        return True
    return isinstance(
        error, UserError | ValueError | OSError | MemoryError | ImportError
    )


def _fail(message: str, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"gspn: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
