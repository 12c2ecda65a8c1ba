"""`gspn train`."""

from pathlib import Path

from gspn_tf.commands.command import Arguments, Command, UserError, load_tensorflow
from gspn_tf.commands.flags import flag
from gspn_tf.config import Config
from gspn_tf.config import loading as config_loading

FLAGS = (
    flag(
        "--config",
        "FILE.py:VARIANT, such as configs/rooms.py:small, or a run's config.json; each "
        "field can be set as --config.model.proposal.num_seeds=64. Default: the config "
        "that the run folder, or the run given to --init, holds.",
    ),
    flag("--data", "Folder that `gspn prepare` made."),
    flag("--run", "Folder of the run; one that exists is continued."),
    flag("--init", "Run folder whose weights to start from (fine-tuning)."),
    flag(
        "--stage",
        "What to train; all: what the config has.",
        "all",
        choices=("gspn", "rpointnet", "all"),
    ),
)


def run(arguments: Arguments) -> None:
    """Train, or go on training."""
    flags = arguments.flags
    config = chosen_config(arguments)

    load_tensorflow()
    from rich.console import Console

    from gspn_tf.training import loop as training

    console = Console()
    training.train(
        config,
        flags.data,
        flags.run,
        init=flags.init,
        stages=None if flags.stage == "all" else (flags.stage,),
        console=console,
    )
    console.print(f"trained: {flags.run}", highlight=False)


def chosen_config(arguments: Arguments) -> Config:
    """Read the config of `--config`, the run folder or `--init`, and override it."""
    flags = arguments.flags
    sources = [f"{folder}/config.json" for folder in (flags.run, flags.init) if folder]
    found = [s for s in sources if Path(s).is_file()]
    if not (flags.config or found):
        raise UserError("--config must be given: neither --run nor --init has one yet")
    config = config_loading.load_config(flags.config or found[0])
    return config_loading.override(config, arguments.overrides)


COMMAND = Command(
    name="train",
    summary="Train proposals (stage one) and instance heads (stage two), or an SGPN.",
    usage="--config=FILE:VARIANT --data DIR --run DIR [flags]",
    flags=FLAGS,
    run=run,
    required=("data", "run"),
)
