"""`gspn segment`."""

from pathlib import Path

from absl import flags as absl_flags

from gspn_tf.commands.command import Arguments, Command, UserError, existing_folder


def define_flags(flags: absl_flags.FlagValues) -> None:
    """Flags of this command."""
    absl_flags.DEFINE_string("model", None, "Run folder.", flag_values=flags)
    absl_flags.DEFINE_string("output", None, "Folder to make.", flag_values=flags)
    absl_flags.DEFINE_float(
        "scale", 1.0, "Metres per unit of the file.", 0.0, flag_values=flags
    )
    absl_flags.DEFINE_integer(
        "num_points",
        None,
        "Points that the network sees; default: those of the run's config.",
        1,
        flag_values=flags,
    )
    absl_flags.DEFINE_integer(
        "seed", 0, "Of the points that the network sees.", 0, flag_values=flags
    )
    absl_flags.DEFINE_bool(
        "force", False, "Replace the files of an earlier result.", flag_values=flags
    )


def run(arguments: Arguments) -> None:
    """Segment one scan."""
    flags = arguments.flags
    scan = Path(arguments.positional[0])
    if not scan.is_file():
        raise UserError(f"no file {scan}")
    folder = existing_folder(flags.model, "--model")
    raise UserError(f"not ready: {scan} {folder}")


COMMAND = Command(
    name="segment",
    summary="Find the instances of one scan and write pictures, masks and a list.",
    usage="SCAN.ply --model RUN --output DIR [--scale METRES_PER_UNIT]",
    define_flags=define_flags,
    run=run,
    required=("model", "output"),
    num_positional=1,
)
