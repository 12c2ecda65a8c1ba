"""`gspn export`."""

from pathlib import Path

from absl import flags as absl_flags

from gspn_tf.commands.command import (
    Arguments,
    Command,
    UserError,
    existing_folder,
    load_tensorflow,
)


def define_flags(flags: absl_flags.FlagValues) -> None:
    """Flags of this command."""
    absl_flags.DEFINE_string("model", None, "Run folder.", flag_values=flags)
    absl_flags.DEFINE_string(
        "output", None, "Folder of all versions of this model.", flag_values=flags
    )
    absl_flags.DEFINE_enum(
        "ops",
        "portable",
        ["portable", "native"],
        "portable: operators of TensorFlow alone, for any server; native: those of "
        "the op library, faster, which a server must load.",
        flag_values=flags,
    )
    absl_flags.DEFINE_integer(
        "version",
        1,
        "Folder inside --output to make; servers take the greatest.",
        1,
        flag_values=flags,
    )
    absl_flags.DEFINE_integer(
        "max_points",
        1_000_000,
        "A request with a scan of more points is an error.",
        1,
        flag_values=flags,
    )


def run(arguments: Arguments) -> None:
    """Write a SavedModel."""
    flags = arguments.flags
    folder = existing_folder(flags.model, "--model")
    if Path(flags.output).is_file():
        raise UserError(f"--output must be a folder, {flags.output} is a file")
    load_tensorflow()
    from gspn_tf.inference import segmenter as inference
    from gspn_tf.inference.serving import saved_model
    from gspn_tf.training.run_folder import RunFolder

    saved = saved_model.export(
        *inference.load_run(folder),
        flags.output,
        ops=flags.ops,
        version=flags.version,
        max_points=flags.max_points,
        trained={"run": folder.name, **RunFolder(folder).versions()},
    )
    print(f"{saved}: a SavedModel with {flags.ops} ops; see its README.txt")


COMMAND = Command(
    name="export",
    summary="Write a SavedModel for TensorFlow Serving and other servers.",
    usage="--model RUN --output DIR [--ops portable|native]",
    define_flags=define_flags,
    run=run,
    required=("model", "output"),
)
