"""`gspn export`."""

from argparse import Namespace

from gspn_tf.commands.command import (
    Command,
    check_utf8,
    model_folder,
    start_tensorflow,
    writable_folder,
)
from gspn_tf.commands.flags import MODEL, PRECISION, flag, integer

FLAGS = (
    MODEL,
    flag(
        "--output",
        "Folder of all versions of this model; for triton: the model repository, in "
        "which that folder is gspn.",
        required=True,
    ),
    flag(
        "--for",
        "Server: triton: with config.pbtxt and model.py of its Python backend.",
        "tensorflow-serving",
        choices=("tensorflow-serving", "triton"),
    ),
    flag(
        "--ops",
        "portable: operators of TensorFlow alone, for any server; native: those of "
        "the op library, faster, which a server must load.",
        "portable",
        choices=("portable", "native"),
    ),
    flag(
        "--version",
        "Folder inside --output to make; servers take the greatest.",
        1,
        type=integer(1),
    ),
    flag(
        "--max_points",
        "A request with a scan of more points is an error.",
        1_000_000,
        type=integer(1),
    ),
    PRECISION,
)


def run(flags: Namespace) -> None:
    """Write a SavedModel for TensorFlow Serving and other servers."""
    folder = model_folder(flags.model)
    check_utf8(flags.output, "--output")
    writable_folder(flags.output, "--output")
    start_tensorflow()
    from gspn_tf.inference import segmenter as inference
    from gspn_tf.inference.serving import saved_model, triton
    from gspn_tf.training.run_folder import RunFolder

    trained = {"run": folder.name, **RunFolder(folder).versions()}
    server = saved_model if vars(flags)["for"] == "tensorflow-serving" else triton
    saved = server.export(
        *inference.load_run(folder, flags.precision),
        flags.output,
        ops=flags.ops,
        version=flags.version,
        max_points=flags.max_points,
        trained=trained,
    )
    readme = next(saved.rglob("README.txt")).relative_to(saved)
    print(f"{saved}: a SavedModel with {flags.ops} ops; see its {readme}")


COMMAND = Command("export", FLAGS, run)
