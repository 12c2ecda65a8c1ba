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
    absl_flags.DEFINE_string("output", None, "Folder to make.", flag_values=flags)


def run(arguments: Arguments) -> None:
    """Write a SavedModel."""
    flags = arguments.flags
    folder = existing_folder(flags.model, "--model")
    if Path(flags.output).is_file():
        raise UserError(f"--output must be a folder, {flags.output} is a file")
    load_tensorflow()
    from gspn_tf import export, inference

    model, _, classes = inference.load_run(folder)
    saved = export.export(model, [name for _, name in classes], flags.output)
    print(f"{saved}: a SavedModel with the signature serving_default")


COMMAND = Command(
    name="export",
    summary="Write a SavedModel with a serving signature.",
    usage="--model RUN --output DIR",
    define_flags=define_flags,
    run=run,
    required=("model", "output"),
)
