"""`gspn train`."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from gspn_tf.commands.command import (
    Command,
    UserError,
    check_utf8,
    config_of,
    model_folder,
    start_tensorflow,
    writable_folder,
)
from gspn_tf.commands.flags import PRECISION, flag, integer
from gspn_tf.data import manifest

STAGES = (
    *("semantic", "gspn", "rpointnet"),
    *("mask_rcnn_stem", "mask_rcnn_4", "mask_rcnn_3"),
)
FLAGS = (
    flag(
        "--config",
        "FILE.py:VARIANT, such as configs/rooms.py:small, or a run's config.json; each "
        "field can be set as --config.model.proposal.num_seeds=64. Default: the config "
        "that the run folder, or what is given to --init, holds; a preset's for few "
        "scans.",
    ),
    flag("--data", "Folder that `gspn prepare` made.", required=True),
    flag("--run", "Folder of the run; one that exists is continued.", required=True),
    flag(
        "--init",
        "Run folder, or preset or its folder, whose weights to start from, such as "
        "indoor (fine-tuning); for a Mask R-CNN also torchvision's or matterport's "
        "file of weights (.pth, .h5).",
    ),
    flag(
        "--stage",
        f"What to train: {', '.join(STAGES)}; all: what the config has.",
        "all",
        metavar="STAGE",
        choices=(*STAGES, "all"),
    ),
    PRECISION,
    flag(
        "--workers",
        "HOST:PORT,HOST:PORT of the hosts that train together, the first of which "
        "writes the run; slurm: the tasks of this Slurm step. Default: those of the "
        "variable TF_CONFIG, else this process alone.",
    ),
    flag("--rank", "Place of this host among --workers.", type=integer(0)),
)


def run(flags: Namespace) -> None:
    """Train proposals (stage one) and instance heads (stage two), or another network.

    That is an SGPN, or a Mask R-CNN on the images of frames.
    """
    check_utf8(flags.run, "--run")
    init = None  # a folder that holds a config
    if flags.init and not Path(flags.init).is_file():
        init = model_folder(flags.init, "--init")
    sources = [f"{folder}/config.json" for folder in (flags.run, init) if folder]
    found = [source for source in sources if Path(source).is_file()]
    if not (flags.config or found):
        raise UserError("--config must be given: neither --run nor --init has one yet")
    flags.config = flags.config or found[0]
    # The classes are those of the data, unless the command line has a number of them.
    field = config_of(flags).model.num_classes_field
    classes = len(manifest.read_classes(flags.data)) + 1
    flags.overrides.insert(0, f"--config.model.{field}={classes}")
    config = config_of(flags)
    channels = manifest.image_channels(flags.data)
    if config.model.image_features and channels:  # as many as the data has, likewise
        field = config.model.image_features_field
        flags.overrides.insert(0, f"--config.model.{field}={channels}")
        config = config_of(flags)
    strategy = start_tensorflow(lambda: meet_hosts(flags.workers, flags.rank))
    from rich.console import Console

    from gspn_tf.training import loop as training
    from gspn_tf.training.hosts import Hosts

    if Hosts(strategy).is_chief:  # other hosts write nothing to it
        writable_folder(flags.run, "--run")
    console = Console()
    training.train(
        config,
        flags.data,
        flags.run,
        init=flags.init,
        stages=None if flags.stage == "all" else (flags.stage,),
        console=console,
        precision=flags.precision,
        strategy=strategy,
    )
    console.print(f"trained: {flags.run}", highlight=False)


def meet_hosts(workers: str | None, rank: int | None) -> Any:
    """Meet the other hosts: see `hosts.join`."""
    from gspn_tf.training import hosts

    return hosts.join(workers, rank)


COMMAND = Command("train", FLAGS, run)
