"""`gspn benchmark`."""

from absl import flags as absl_flags

from gspn_tf.commands.command import Arguments, Command, UserError, define_json


def define_flags(flags: absl_flags.FlagValues) -> None:
    """Flags of this command."""
    define_json(flags)


def run(arguments: Arguments) -> None:
    """Measure."""
    raise UserError("not ready")


COMMAND = Command(
    name="benchmark",
    summary="Time the ops, the model or the data pipeline on this machine.",
    usage="ops|model|data [flags]",
    define_flags=define_flags,
    run=run,
    num_positional=1,
)
