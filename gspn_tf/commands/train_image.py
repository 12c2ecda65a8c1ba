"""`gspn train-image`."""

from argparse import Namespace
from pathlib import Path

from gspn_tf.commands.command import (
    Command,
    UserError,
    check_utf8,
    existing_folder,
    start_tensorflow,
    writable_folder,
)
from gspn_tf.commands.flags import flag, integer

FLAGS = (
    flag("--data", "Folder of gspn prepare nyuv2, or views.", required=True),
    flag("--output", "File NAME.keras to write.", required=True),
    flag("--epochs", "Times that each image is shown.", 12, type=integer(1)),
    flag("--batch_size", "Images of a training step.", 4, type=integer(1)),
    flag("--seed", "Of the weights and of all draws.", 0, type=integer(0)),
)


def run(flags: Namespace) -> None:
    """Train a small network for --image_features on the classes of pixels."""
    existing_folder(flags.data, "--data")
    check_utf8(flags.output, "--output")
    output = Path(flags.output)
    if output.suffix != ".keras":
        raise UserError(f"--output must be a file NAME.keras, got {output}")
    writable_folder(output.absolute().parent, "--output")
    start_tensorflow()
    from gspn_tf.training import pixels

    numbers = flags.epochs, flags.batch_size
    options = pixels.PixelOptions(*numbers, seed=flags.seed)
    history = pixels.train_pixel_classifier(flags.data, output, options)
    last = ", ".join(f"{name} {values[-1]:.3f}" for name, values in history.items())
    print(f"{output}: {last}")


COMMAND = Command("train-image", FLAGS, run)
