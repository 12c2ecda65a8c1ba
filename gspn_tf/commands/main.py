"""`gspn <command> [flags]`: parses, runs, and turns errors into one line."""

import re
import sys
import textwrap
import traceback
from collections.abc import Sequence

from absl import flags as absl_flags

from gspn_tf.commands import (
    benchmark,
    demo,
    evaluate,
    experiment,
    export,
    figure,
    import_checkpoint,
    prepare,
    prepare_rgbd,
    prepare_scannet,
    prepare_shapes,
    segment,
    serve_data,
    train,
)
from gspn_tf.commands.command import Arguments, Command, UserError

COMMANDS = (
    prepare.ROOMS,
    prepare.OWN,
    prepare_scannet.COMMAND,
    prepare_shapes.PARTNET,
    prepare_shapes.PARTS,
    prepare_rgbd.NYUV2,
    prepare_rgbd.VIEWS,
    train.COMMAND,
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in argv
    argv = [argument for argument in argv if argument != "--debug"]
    try:
        return _run(argv)
    except UsageError as error:
        return _fail(str(error), USAGE, debug)
    except KeyboardInterrupt:
        return _fail("interrupted", 130, debug)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        if not isinstance(error, _user_errors()):
            raise
        text = str(error) if isinstance(error, UserError) else _one_line(error)
        return _fail(text, 1, debug)


def _run(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "-help", "--help", "help"):
        print(_overview())
        return 0
    command, rest = _find(argv)
    flags = absl_flags.FlagValues()
    command.define_flags(flags)
    if any(argument in ("-h", "-help", "--help") for argument in rest):
        print(_help(command, flags))
        return 0
    command.run(_parse(command, flags, rest))
    return 0


def _find(argv: list[str]) -> tuple[Command, list[str]]:
    for command in COMMANDS:
        words = command.name.split()
        if argv[: len(words)] == words:
            return command, argv[len(words) :]
    family = [c for c in COMMANDS if c.name.split()[0] == argv[0]]
    wanted = "" if family else f"no command {argv[0]!r}; "
    names = ", ".join(c.name for c in family or COMMANDS)
    if family and "--help" in argv:
        print(_overview(family))
        raise SystemExit(0)
    raise UsageError(f"{wanted}choose one of: {names}")


def _parse(command: Command, flags: absl_flags.FlagValues, rest: list[str]):
    rest = [_underscored(argument) for argument in rest]
    overrides = [a for a in rest if re.match(r"--?(no)?config\.", a)]
    if "config" not in flags:
        overrides = []
    for argument in overrides:
        if "=" not in argument:
            raise UsageError(f"{argument} needs a value: {argument}=VALUE")
    flags.set_gnu_getopt(True)
    try:
        left = flags(["gspn", *(a for a in rest if a not in overrides)])[1:]
    except absl_flags.Error as error:
        raise UsageError(f"{error} (see gspn {command.name} --help)") from error
    missing = [f"--{name}" for name in command.required if flags[name].value is None]
    if missing:
        raise UsageError(f"{' and '.join(missing)} must be given: {_usage(command)}")
    most = len(left) if command.open_ended else command.num_positional
    if not command.num_positional <= len(left) <= most:
        raise UsageError(f"got arguments {left}: {_usage(command)}")
    return Arguments(flags, left, overrides)


def _underscored(argument: str) -> str:
    """`--keep-going` is `--keep_going`; values and positional arguments stay."""
    name, equals, value = argument.partition("=")
    if not name.startswith("--"):
        return argument
    return "--" + name[2:].replace("-", "_") + equals + value


def _overview(commands: Sequence[Command] = COMMANDS) -> str:
    width = max(len(command.name) for command in commands)
    lines = [f"  {c.name:{width}}  {c.summary}" for c in commands]
    return "\n".join(
        [
            "Instance segmentation of point clouds with GSPN and R-PointNet.",
            "",
            "usage: gspn COMMAND [flags]",
            "",
            *lines,
            "",
            "gspn COMMAND --help lists the flags of a command.",
        ]
    )


def _usage(command: Command) -> str:
    return f"gspn {command.name} {command.usage}"


def _help(command: Command, flags: absl_flags.FlagValues) -> str:
    lines = [f"usage: {_usage(command)}", "", command.summary, ""]
    for name in flags:
        flag = flags[name]
        value = "" if flag.boolean else f" {flag.flag_type().split()[0].upper()}"
        default = "" if flag.default in (None, False) else f" (default {flag.default})"
        help_text = textwrap.wrap(" ".join(flag.help.split()), 78)
        lines += [f"  --{name}{value}{default}", *(f"      {t}" for t in help_text)]
    return "\n".join([*lines, "  --debug", "      Show the traceback of an error."])


def _user_errors() -> tuple[type[Exception], ...]:
    """Errors whose text is meant for the user."""
    kinds: tuple[type[Exception], ...] = (
        UserError,
        ValueError,
        OSError,
        MemoryError,
        ImportError,
    )
    if "tensorflow" in sys.modules:
        kinds += (sys.modules["tensorflow"].errors.OpError,)
    return kinds


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _fail(message: str, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"gspn: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
