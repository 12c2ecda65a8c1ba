"""A checkpoint of the released model as a run folder.

The release saves its variables one by one under their TensorFlow 1 names; what they
are in our model says `release_names`. Everything is read and compared before anything
is written.
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gspn_tf import files, models
from gspn_tf.config import Config, RPointNetConfig
from gspn_tf.paper.release import names as release_names
from gspn_tf.paper.release.names import Weight
from gspn_tf.training.run_folder import RunFolder

PARTS = re.compile(r"\.(index|meta|data-\d+-of-\d+)$")  # files of one checkpoint
# What TensorFlow's reader raises, depending on where the damage is.
UNREADABLE = (tf.errors.OpError, LookupError, RuntimeError, ValueError)


class CheckpointError(ValueError):
    """What is wrong with a checkpoint; several lines where several things are."""


class Checkpoint(NamedTuple):
    """A checkpoint that could be opened."""

    path: str  # without the suffix of any of its files
    reader: Any
    found: dict[str, tuple[tf.DType, tuple[int, ...]]]  # type and shape by name


def import_checkpoint(
    path: str | Path,
    config: Config,
    classes: Sequence[tuple[int, str]],
    output: str | Path,
) -> models.RPointNet | models.GSPN:
    """Make the run folder `output` of a checkpoint, and return its network.

    path: `model.ckpt`, as TensorFlow names a checkpoint, or one of its files. classes:
    raw id and name of the network's classes 1, 2, ...

    Raises CheckpointError, which lists everything that does not fit, or
    FileExistsError; then nothing has been written.
    """
    if Path(output).exists():
        raise FileExistsError(f"{output} exists; give another folder or remove it")
    model = read_model(path, config.model)
    with files.replacing(output) as folder:
        run = RunFolder(folder)
        run.start(config, classes)
        if isinstance(model, models.GSPN):
            model.save_weights(run.weights("gspn"))
        else:
            model.proposal_network.save_weights(run.weights("gspn"))
            model.save_weights(run.weights("rpointnet"))
    return model


def read_model(
    path: str | Path, config: RPointNetConfig
) -> models.RPointNet | models.GSPN:
    """The network of a config with the weights of a checkpoint of the release.

    It is a GSPN where the checkpoint is of stage one. Raises CheckpointError.
    """
    checkpoint = open_checkpoint(Path(path))
    heads = any(map(release_names.OF_HEADS.match, checkpoint.found))
    if unfit := release_names.unfit_options(config, heads):
        raise CheckpointError(
            f"the config has other layers than the release: {'; '.join(unfit)}"
        )
    model = models.build(config if heads else config.proposal)
    weights = release_names.weights(model)
    if problems := list(compare(checkpoint, weights)):
        listing = "\n".join(f"  {problem}" for problem in problems)
        raise CheckpointError(f"{checkpoint.path} does not fit the config:\n{listing}")
    values = read_values(checkpoint, {x for each in weights for x in each.names()})
    for weight in weights:
        value, *bias = (values[name].reshape(weight.shape) for name in weight.names())
        value = value - bias[0] if bias else value
        weight.variable.assign(weight.arrange(value))
    return model


def open_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint called `path`, which must be one of the release."""
    if path.is_dir():
        there = sorted(str(file.with_suffix("")) for file in path.glob("*.index"))
        raise CheckpointError(
            f"{path} is a folder; give the checkpoint in it, "
            f"{' or '.join(there) or 'but there is none'}"
        )
    name = PARTS.sub("", str(path))
    if not Path(f"{name}.index").is_file():
        raise CheckpointError(f"no checkpoint {name}: no file {name}.index")
    try:
        reader = tf.train.load_checkpoint(name)
    except UNREADABLE as error:
        raise damaged(f"{name}.index", error) from error
    types = reader.get_variable_to_dtype_map()
    shapes = reader.get_variable_to_shape_map()
    found = {
        key: (types[key], tuple(shapes[key]))
        for key in sorted(shapes)
        if not release_names.IGNORED.fullmatch(key)
    }
    if not any(map(release_names.OF_RELEASE.match, found)):
        some = f", only {', '.join([*found][:3])}, ..." if found else ""
        raise CheckpointError(
            f"{name} is not of the released model: of its {len(shapes)} variables none "
            f"has a name like {release_names.OF_PROPOSALS}...{some}"
        )
    return Checkpoint(name, reader, found)


def compare(checkpoint: Checkpoint, weights: Iterable[Weight]) -> Iterator[str]:
    """What is missing, unknown or misshapen among the variables."""
    expected = {name: each.shape for each in weights for name in each.names()}
    for name, shape in expected.items():
        if name not in checkpoint.found:
            yield f"missing: {name} {list(shape)}"
            continue
        kind, there = checkpoint.found[name]
        if kind != tf.float32 or without_ones(there, len(shape)) != shape:
            yield (
                f"wrong: {name} must be float32 {list(shape)}, "
                f"is {kind.name} {list(there)}"
            )
    for name, (_, there) in checkpoint.found.items():
        if name not in expected:
            yield f"unknown: {name} {list(there)}"


def without_ones(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """A shape of at least `rank` axes without the leading ones of more than those.

    Convolutions over one point have kernels [1, 1, in, out] and [1, in, out].
    """
    extra = max(len(shape) - rank, 0)
    return shape[extra:] if shape[:extra] == (1,) * extra else shape


def read_values(checkpoint: Checkpoint, names: Container[str]) -> dict[str, np.ndarray]:
    """The values of variables, all of them finite; damage in any other counts too."""
    values, reader = {}, checkpoint.reader
    try:
        for name in sorted(reader.get_variable_to_shape_map()):
            value = reader.get_tensor(name)
            if name in names:
                values[name] = value
    except UNREADABLE as error:
        raise damaged(f"{checkpoint.path}.data-*", error) from error
    if bad := [name for name, value in values.items() if not np.isfinite(value).all()]:
        raise CheckpointError(f"{checkpoint.path} is not finite in {', '.join(bad)}")
    return values


def damaged(file: str, error: Exception) -> CheckpointError:
    """TensorFlow's message, with the file that cannot be read."""
    return CheckpointError(f"{file} is missing, truncated or damaged: {error}")
