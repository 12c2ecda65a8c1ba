"""`gspn import-checkpoint`."""

from argparse import Namespace
from pathlib import Path

from gspn_tf.commands.command import Command, UserError, config_of, writable_folder
from gspn_tf.commands.flags import flag
from gspn_tf.config import RPointNetConfig
from gspn_tf.startup import load_tensorflow

FLAGS = (
    flag("checkpoint", "MODEL.ckpt, as TensorFlow names it, or one of its files."),
    flag(
        "--config",
        "FILE.py:VARIANT whose network is the release's, such as "
        "configs/scannet.py:released; fields can be set as with gspn train.",
        required=True,
    ),
    flag("--output", "Run folder to make.", required=True),
    flag(
        "--classes",
        'Text file with one "id name" a line, in the order of the network. Default: '
        "ScanNet's 18.",
    ),
)


def run(flags: Namespace) -> None:
    """Make a run folder of a checkpoint of the authors' TensorFlow 1 code."""
    config = config_of(flags)
    if not isinstance(config.model, RPointNetConfig):
        raise UserError(f"--config must be of kind rpointnet, got {config.model.kind}")
    if Path(flags.output).exists():
        raise UserError(f"--output {flags.output} exists; give another or remove it")
    writable_folder(flags.output, "--output")
    load_tensorflow()
    from gspn_tf.data.classes import SCANNET, ClassList
    from gspn_tf.models import GSPN
    from gspn_tf.paper.release.checkpoint import import_checkpoint
    from gspn_tf.paper.release.names import CheckpointError

    classes = ClassList.read(flags.classes) if flags.classes else SCANNET
    outputs = config.model.proposal.num_classes
    if outputs != len(classes) + 1:
        raise UserError(
            f"--classes must have {outputs - 1} classes, as the config's network "
            f"without the background, got {len(classes)}"
        )
    try:
        model = import_checkpoint(
            flags.checkpoint, config, classes.pairs(), flags.output
        )
    except CheckpointError as error:
        raise UserError(str(error)) from error
    stages = "stage one alone" if isinstance(model, GSPN) else "both stages"
    print(f"{flags.output}: {stages}, {model.count_params():,} weights")


COMMAND = Command("import-checkpoint", FLAGS, run)
