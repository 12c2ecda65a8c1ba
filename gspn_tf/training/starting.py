"""The weights that a stage of training starts from."""

import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import keras
from rich.console import Console

from gspn_tf import config as config_lib
from gspn_tf import models
from gspn_tf.config import MaskRCNNConfig
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.image.weights.mask_rcnn import load_mask_rcnn
from gspn_tf.models import presets
from gspn_tf.models.semantics import SemanticModel
from gspn_tf.models.weights import copy_weights, load_weights, save_weights
from gspn_tf.training.run_folder import RunFolder

MASK_RCNN = "mask_rcnn"
"""The stage whose weights all stages of a Mask R-CNN start from."""


class PublishedWeights(NamedTuple):
    """A file of weights of a Mask R-CNN, see `load_mask_rcnn`."""

    path: Path

    def load(self, model: MaskRCNN, console: Console) -> None:
        """Give a network the weights that fit; those of COCO's classes never do.

        Raises:
            ScanError: it cannot be read, or is of another network.
        """
        same = model.config.num_channels == MaskRCNNConfig().num_channels
        skipped: tuple[Literal["stem", "classes"], ...] = ("classes",)
        load_mask_rcnn(model, self.path, skipped if same else (*skipped, "stem"))
        also = "" if same else " and the first kernel"
        told = f"{self.path}: the outputs of the heads{also} start anew"
        console.print(told, highlight=False, soft_wrap=True)


class Start(NamedTuple):
    """A trained network in place of random weights (fine-tuning)."""

    name: str
    classes: Sequence[tuple[int, str]]  # raw id and name
    # Weights of each stage that it has.
    stages: dict[str, Path | keras.Model | PublishedWeights]

    @classmethod
    def find(cls, name: str | Path) -> Self:
        """Find a run folder, a preset by its name or folder, or a published file.

        Raises:
            FileNotFoundError: there is none of them.
            ValueError: a file of it is damaged, or it does not tell its classes.
        """
        if Path(name).is_file():
            return cls(str(name), (), {MASK_RCNN: PublishedWeights(Path(name))})
        folder = config_lib.preset_folder(name)
        if presets.is_preset(folder):
            return cls.of_preset(folder)
        run = RunFolder(folder)
        run.check()
        paths = {stage: run.weights(stage) for stage in run.config().model.stages()}
        stages: dict[str, Any]
        stages = {stage: path for stage, path in paths.items() if path.exists()}
        if stages and isinstance(run.config().model, MaskRCNNConfig):
            stages = {MASK_RCNN: list(stages.values())[-1]}
        return cls(str(name), run.classes(), stages)

    @classmethod
    def of_preset(cls, folder: Path) -> Self:
        """Take a preset's network, or all of its stages."""
        model = presets.read_preset(folder)
        if model.classes is None:
            raise ValueError(f"{folder} does not tell its classes: it cannot be tuned")
        if isinstance(model, MaskRCNN):
            return cls(str(folder), model.classes, {MASK_RCNN: model})
        if isinstance(model, models.GSPN):
            names, proposals = [], model
        else:
            names, proposals = list(model.config.stages()), model.proposal_network
        stages: dict[str, Any] = dict.fromkeys(names, model)
        if proposals:
            stages |= dict.fromkeys(("gspn", "semantic"), proposals)
        return cls(str(folder), model.classes, stages)

    def load(
        self, stage: str, model: keras.Model, run: RunFolder, console: Console
    ) -> bool:
        """Give a model the weights of a stage, if it is here.

        Where a run is of other classes, the layers of the classes start anew.

        Raises:
            ValueError: they are of another network.
        """
        if (source := self.stages.get(stage)) is None:
            return False
        if isinstance(source, PublishedWeights):
            source.load(model, console)
            return True
        same = list(map(tuple, self.classes)) == run.classes()
        names = () if same else model.class_layers
        skipped = [operator.attrgetter(name)(model) for name in names]
        if isinstance(source, Path):
            load_weights(model, source, skipped)
        elif stage == "semantic":
            copy_semantics(source, self.name, model, skipped)
        else:
            copy_weights(source, self.name, model, skipped)
        if names:
            console.print(
                f"{self.name} has other classes: {', '.join(names)} start anew",
                highlight=False,
                soft_wrap=True,
            )
        return True


def start_weights(
    model: keras.Model,
    stage: str,
    run: RunFolder,
    init: Start | None,
    console: Console,
) -> None:
    """Take the weights before the first step from `init`, or from the stage before.

    Stage one's that come from `init` are kept in the run folder too, so that it is that
    of a whole run. Schedules begin in any case.
    """
    if isinstance(model, MaskRCNN):
        return start_mask_rcnn(model, stage, run, init, console)
    if init and MASK_RCNN in init.stages:
        raise ValueError(f"{init.name} holds a Mask R-CNN, whose weights do not fit")
    begun = init is not None and init.load(stage, model, run, console)
    if begun:
        model.steps.assign(0)
    if stage == "gspn" and model.config.semantic_stage:
        take_semantics(model, run.weights("semantic"), begun)
    if stage != "rpointnet":
        return
    network, own = model.proposal_network, run.weights("gspn")
    if own.exists():
        load_weights(network, own)
    elif init and init.load("gspn", network, run, console):
        save_weights(network, own)
    elif not begun:
        raise ValueError(
            f"stage two needs proposals: {own} is missing; train stage gspn first"
        )


def start_mask_rcnn(
    model: MaskRCNN, stage: str, run: RunFolder, init: Start | None, console: Console
) -> None:
    """Take the weights of the stage before, or before the first one those of `init`.

    Raises:
        ValueError: the stage before was not trained, or `init` is no Mask R-CNN.
    """
    names = list(run.config().model.stages())
    if place := names.index(stage):
        before = run.weights(names[place - 1])
        if not before.exists():
            raise ValueError(
                f"stage {stage} goes on with the weights of {names[place - 1]}: "
                f"{before} is missing; train that stage first"
            )
        load_weights(model, before)
    elif init and not init.load(MASK_RCNN, model, run, console):
        raise ValueError(f"{init.name} must hold a trained Mask R-CNN")
    model.steps.assign(0)


def copy_semantics(
    source: SemanticModel,
    name: str,
    target: SemanticModel,
    skipped: Sequence[keras.layers.Layer] = (),
) -> None:
    """Give a network the semantic layers of another one, see `copy_weights`."""
    layers = zip(source.semantic_layers, target.semantic_layers, strict=True)
    for theirs, own in layers:
        copy_weights(theirs, name, own, skipped)


def take_semantics(model: models.GSPN, path: Path, begun: bool) -> None:
    """Give a GSPN the semantic network that was trained before it, at `path`.

    Raises:
        ValueError: the file is missing, and the GSPN has not begun with another one.
    """
    if path.exists():
        network = models.build(config_lib.SemanticConfig.of(model.config))
        load_weights(network, path)
        copy_semantics(network, str(path), model)
    elif not begun:
        raise ValueError(
            f"stage one needs classes of points: {path} is missing; train stage "
            "semantic first"
        )
