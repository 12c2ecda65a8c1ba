"""The weights that a stage of training starts from."""

import operator
from pathlib import Path

import keras
from rich.console import Console

from gspn_tf.models.weights import load_weights, save_weights
from gspn_tf.training.run_folder import RunFolder


def start_weights(
    model: keras.Model,
    stage: str,
    run: RunFolder,
    init: RunFolder | None,
    console: Console,
) -> None:
    """Take the weights before the first step from `init`, or from stage one.

    Stage one's that come from `init` are kept in the run folder too, so that it is that
    of a whole run. Where `init` has other classes, the layers of the classes start
    anew. Schedules begin in any case.
    """
    other = init is not None and init.classes() != run.classes()
    if init and init.weights(stage).exists():
        load_init(model, init.weights(stage), other, console)
        model.steps.assign(0)
    if stage != "rpointnet":
        return
    network, own = model.proposal_network, run.weights("gspn")
    if own.exists():
        load_weights(network, own)
    elif init and init.weights("gspn").exists():
        load_init(network, init.weights("gspn"), other, console)
        save_weights(network, own)
    elif not (init and init.weights(stage).exists()):
        raise ValueError(
            f"stage two needs proposals: {own} is missing; train stage gspn first"
        )


def load_init(
    model: keras.Model, path: Path, other_classes: bool, console: Console
) -> None:
    """Read weights of another run; with other classes all but the classes' layers."""
    names = model.class_layers if other_classes else ()
    load_weights(model, path, [operator.attrgetter(name)(model) for name in names])
    if names:
        console.print(
            f"{path} has other classes: {', '.join(names)} start anew",
            highlight=False,
            soft_wrap=True,
        )
