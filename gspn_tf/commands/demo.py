"""`gspn demo`."""

from absl import flags as absl_flags

from gspn_tf.commands.command import Arguments, Command, UserError, define_json


def define_flags(flags: absl_flags.FlagValues) -> None:
    """Flags of this command."""
    define_json(flags)


def run(arguments: Arguments) -> None:
    """Measure."""
    raise UserError("not ready")


COMMAND = Command(
    name="demo",
    summary="Train and evaluate on generated rooms, and write a report.",
    usage="[--output demo] [--seed 0]",
    define_flags=define_flags,
    run=run,
)
