"""A checkpoint of the released model as a run folder.

The release saves its variables one by one under their TensorFlow 1 names; `names` says
what they are in our model. Everything is read and compared before anything is written.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from gspn_tf import files, models
from gspn_tf.config import Config, RPointNetConfig
from gspn_tf.models.weights import save_weights
from gspn_tf.paper.release import names as release_names
from gspn_tf.paper.release.names import CheckpointError, ReleasedWeight
from gspn_tf.training.run_folder import RunFolder

PARTS = re.compile(r"\.(index|meta|data-\d+-of-\d+)$")  # files of one checkpoint
# TensorFlow's reader raises one of these, depending on where the damage is.
UNREADABLE = (tf.errors.OpError, LookupError, RuntimeError, ValueError)


def import_checkpoint(
    path: str | Path, config: Config, classes: Sequence[Sequence], output: str | Path
) -> models.RPointNet | models.GSPN:
    """Make a run folder of a checkpoint.

    Args:
        path: `model.ckpt`, as TensorFlow names a checkpoint, or one of its files.
        config: a config of an R-PointNet, whose network is that of the release.
        classes: raw id and name of the network's classes 1, 2, ...
        output: the run folder.

    Returns:
        The network.

    Raises:
        CheckpointError: something does not fit; then nothing has been written.
    """
    assert isinstance(config.model, RPointNetConfig)
    model = read_model(path, config.model)
    with files.replacing(output) as folder:
        run = RunFolder(folder)
        run.start(config, classes)
        whole = isinstance(model, models.RPointNet)
        proposing = model.proposal_network if whole else model
        save_weights(proposing, run.weights("gspn"))
        if whole:
            save_weights(model, run.weights("rpointnet"))
    return model


def read_model(
    path: str | Path, config: RPointNetConfig
) -> models.RPointNet | models.GSPN:
    """Build the network of a config with the weights of a checkpoint of the release.

    Returns:
        A GSPN where the checkpoint is of stage one, else an R-PointNet.

    Raises:
        CheckpointError: the checkpoint cannot be read, or does not fit the config.
    """
    values = read_variables(Path(path))
    heads = any(map(release_names.OF_HEADS.match, values))
    model = models.build(config if heads else config.proposal)
    weights = release_names.weights(model)
    if problems := list(list_misfits(values, weights)):
        listing = "\n".join(f"  {problem}" for problem in problems)
        raise CheckpointError(f"{path} does not fit the config:\n{listing}")
    if bad := [name for name, value in values.items() if not np.isfinite(value).all()]:
        raise CheckpointError(f"{path} is not finite in {', '.join(bad)}")
    for weight in weights:
        value, *bias = (values[name].reshape(weight.shape) for name in weight.names())
        value = value - bias[0] if bias else value
        weight.variable.assign(weight.arrange(value))
    return model


def read_variables(path: Path) -> dict[str, np.ndarray]:
    """Read the variables of the checkpoint called `path` by name, without Adam's."""
    name = PARTS.sub("", str(path))
    if not Path(f"{name}.index").is_file():
        raise CheckpointError(f"no checkpoint {name}: no file {name}.index")
    file = f"{name}.index"
    try:
        reader = tf.train.load_checkpoint(name)
        file = f"{name}.data-*"
        keys = sorted(reader.get_variable_to_shape_map())
        values = {key: reader.get_tensor(key) for key in keys}
    except UNREADABLE as error:
        raise CheckpointError(
            f"{file} is missing, truncated or damaged: {error}"
        ) from error
    ignored = release_names.IGNORED
    found = {key: value for key, value in values.items() if not ignored.fullmatch(key)}
    if not any(map(release_names.OF_RELEASE.match, found)):
        raise CheckpointError(
            f"{name} is not of the released model: of its {len(values)} variables none "
            f"has a name like {release_names.OF_PROPOSALS}..."
        )
    return found


def list_misfits(
    values: dict[str, np.ndarray], weights: Iterable[ReleasedWeight]
) -> Iterator[str]:
    """Say what is missing, unknown or misshapen among the variables."""
    expected = {name: each.shape for each in weights for name in each.names()}
    for name, shape in expected.items():
        # Convolutions over one point have kernels [1, 1, in, out] and [1, in, out].
        shapes = shape, (1, *shape), (1, 1, *shape)
        value = values.get(name)
        if value is None:
            yield f"missing: {name} {list(shape)}"
        elif value.dtype != np.float32 or value.shape not in shapes:
            yield (
                f"wrong: {name} must be float32 {list(shape)}, "
                f"is {value.dtype} {list(value.shape)}"
            )
    for name, value in values.items():
        if name not in expected:
            yield f"unknown: {name} {list(value.shape)}"
