"""A folder that servers load: graph, weights, classes, and how to use them.

In DIR/1/:

    saved_model.pb, variables/  the signatures of gspn_tf.inference.serving.signatures
    assets/classes.txt          "id name" of class 1, 2, ... a line
    assets/config.json          every hyper-parameter of the model
    assets/provenance.json      versions, checksum of the weights
    assets.extra/tf_serving_warmup_requests
    batching_params.pbtxt       an example, see BUILD.md
    README.txt                  inputs, outputs, how to load
    _gspn_ops_tf2_21.so         native ops only
"""

import contextlib
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import tensorflow as tf

from gspn_tf import config as config_lib
from gspn_tf import files, models
from gspn_tf import ops as op_lib
from gspn_tf.config import Config
from gspn_tf.inference.serving import warmup
from gspn_tf.inference.serving.signatures import SIGNATURES, ServedModel
from gspn_tf.training.run_folder import versions

MAX_POINTS = 1_000_000  # of a scan in a request, unless another bound is given


ASSETS = Path(__file__).parent / "assets"
KINDS_OF_OPS = ("portable", "native")


def export(
    model: models.RPointNet,
    config: Config,
    classes: Sequence[tuple[int, str]],
    directory: str | Path,
    *,
    ops: Literal["portable", "native"] = "portable",
    version: int = 1,
    max_points: int = MAX_POINTS,
    trained: dict[str, Any] | None = None,
) -> Path:
    """Save `directory/version/` for TensorFlow Serving.

    The first three arguments are what `load_run` returns. The version folder appears
    whole or not at all. Returns its path.

    Args:
      model: a trained `RPointNet`.
      config: its `num_points_inference`, `sampling` and `density` are in the graph.
      classes: (raw id, name) of each class, in the order of the network's rows 1..C.
      directory: folder of all versions of this model.
      ops: "portable": TensorFlow's own alone, for any server; "native": those of the
        library, which is put into the folder and which a server must load.
      version: 1 or more; a server takes the greatest.
      max_points: a request with a scan of more is an error.
      trained: what is known of the training, for provenance.json.

    Raises:
      FileExistsError: that version is there already.
      ValueError: unknown ops, a number below one, or a model of another kind, or one
        that sees image features.
      ImportError: native ops, and no library of them for this TensorFlow.
    """
    check(model, ops, max_points)
    target = new_version(directory, version)
    # Servers take folders whose names are numbers, so not the one beside.
    with files.replacing(target) as saved:
        assets = saved.with_name("assets")
        assets.mkdir()
        provenance = {"ops": ops, "trained": trained or {}}
        write_assets(assets, model, config, classes, provenance)
        data = config.data
        seen = data.num_points_inference, data.sampling
        served = ServedModel(model, *seen, max_points, data.density)
        if ops == "native":
            op_lib.load_library()
        with op_lib.portable() if ops == "portable" else contextlib.nullcontext():
            save_model(served, sorted(assets.iterdir()), saved)
        write_extras(saved, served, ops)
    return target


def check(model: models.RPointNet, ops: str, max_points: int) -> None:
    """ValueError where `export` cannot write that."""
    if not isinstance(model, models.RPointNet):
        kind = type(model).__name__
        raise ValueError(f"only an RPointNet can be exported, the run's is an {kind}")
    if channels := model.config.image_features:
        raise ValueError(
            "only a network of points and colours can be exported, this one sees image "
            f"features of {channels} channels"
        )
    if max_points < 1:
        raise ValueError(f"max_points must be 1 or more, got {max_points}")
    if ops not in KINDS_OF_OPS:
        raise ValueError(f"ops must be one of {', '.join(KINDS_OF_OPS)}, got {ops!r}")


def new_version(directory: str | Path, version: int) -> Path:
    """Return the folder of a version that is yet to be made.

    Raises:
      FileExistsError: it is there already.
      ValueError: the version is below one.
    """
    if version < 1:
        raise ValueError(f"version must be 1 or more, got {version}")
    target = Path(directory, str(version))
    if target.exists():
        raise FileExistsError(f"{target} exists; give another version or remove it")
    return target


def save_model(served: ServedModel, assets: Sequence[Path], path: Path) -> None:
    """Save the SavedModel itself.

    The Keras model is not tracked: with it TensorFlow would save Keras's own signature
    too, which feeds every input as float32.
    """
    module = tf.Module()
    module.assets = [tf.saved_model.Asset(str(asset)) for asset in assets]
    module.model_variables = [variable.value for variable in served.model.variables]
    tf.saved_model.save(module, str(path), signatures=served.signatures())


def write_assets(
    folder: Path,
    model: models.RPointNet,
    config: Config,
    classes: Sequence[tuple[int, str]],
    provenance: dict[str, Any],
) -> None:
    """Write the three files that a server hands on with the model."""
    lines = [f"{raw_id} {name}\n" for raw_id, name in classes]
    (folder / "classes.txt").write_text("".join(lines), encoding="utf-8")
    (folder / "config.json").write_text(config_lib.to_json(config), encoding="utf-8")
    digest = hashlib.sha256()
    for variable in model.weights:
        digest.update(variable.numpy().tobytes())
    exported = {"exported_with": versions(), "weights_sha256": digest.hexdigest()}
    files.write_json(folder / "provenance.json", exported | provenance)


def write_extras(folder: Path, served: ServedModel, ops: str) -> None:
    """Write the files beside the graph, see above."""
    extra = folder / "assets.extra"
    extra.mkdir()
    warmup.write_requests(extra / warmup.FILE_NAME, SIGNATURES, served.num_points)
    shutil.copyfile(ASSETS / "batching_params.pbtxt", folder / "batching_params.pbtxt")
    library = ""
    if ops == "native":
        library = op_lib.library_path().name
        shutil.copyfile(op_lib.library_path(), folder / library)
    (folder / "README.txt").write_text(readme(ops, library, served), encoding="utf-8")


def readme(ops: str, library: str, served: ServedModel) -> str:
    """Fill in the README.txt of an export."""
    parts = (ASSETS / "README.txt", ASSETS / f"loading_{ops}.txt")
    return "".join(part.read_text(encoding="utf-8") for part in parts).format(
        ops=ops,
        library=library,
        num_points=served.num_points,
        max_points=served.max_points,
    )
