"""A SavedModel with a named signature, for serving and for other languages."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from gspn_tf import models, ops

README = """R-PointNet exported by gspn_tf.

Signature `serving_default`
  in   points     float32 [B, N, 3]  metres, z up, finite
       colors     float32 [B, N, 3]  0..1
       num_points int32   [B]        rows after it are padding
  out  boxes      float32 [B, D, 6]  centre and size, metres; best first
       classes    int32   [B, D]     line of assets/classes.txt, from 1; 0 = none
       scores     float32 [B, D]     0..1; 0 where there is no instance
       masks      bool    [B, D, N]  points of each instance
       valid      bool    [B, D]     whether there is an instance

The graph uses the operators of {library}, which must be loaded first:

    tf.load_op_library("{library}")
    model = tf.saved_model.load("1")
    model.signatures["serving_default"](points=..., colors=..., num_points=...)
"""


class ServingModel(tf.Module):
    """What is saved: one signature, the variables it uses, and the class names.

    The Keras model itself is not tracked: with it TensorFlow would save Keras's own
    signature too, which feeds every input as float32.
    """

    def __init__(self, model: models.RPointNet, classes: Path) -> None:
        super().__init__()
        self.classes = tf.saved_model.Asset(str(classes))
        self.model_variables = [variable.value for variable in model.variables]
        self.serve = tf.function(
            lambda points, colors, num_points: detect(
                model, points, colors, num_points
            ),
            input_signature=[
                tf.TensorSpec([None, None, 3], tf.float32, "points"),
                tf.TensorSpec([None, None, 3], tf.float32, "colors"),
                tf.TensorSpec([None], tf.int32, "num_points"),
            ],
        )


def detect(model: models.RPointNet, points, colors, num_points) -> dict:
    """Instances of a batch of scenes (see README above)."""
    # Far from the origin float32 is coarse; the network sees differences only.
    points = tf.debugging.check_numerics(points, "points must be finite")
    origin = points[:, :1]
    scene = {"points": points - origin, "colors": colors, "num_points": num_points}
    found = model.detect(scene)["detections"]
    shift = tf.pad(origin, [[0, 0], [0, 0], [0, 3]])
    valid = found.valid
    return {
        "boxes": tf.where(valid[..., None], found.boxes + shift, 0.0),
        "classes": tf.where(valid, found.classes, 0),
        "scores": tf.where(valid, found.scores, 0.0),
        "masks": found.masks,
        "valid": valid,
    }


def export(
    model: models.RPointNet,
    class_names: Sequence[str],
    directory: str | Path,
    version: int = 1,
) -> Path:
    """Save `directory/version/` for TensorFlow Serving, and the op library beside it.

    The version folder appears whole or not at all. Returns its path.

    Raises:
      FileExistsError: that version is there already.
    """
    directory = Path(directory)
    target = directory / str(version)
    if target.exists():
        raise FileExistsError(f"{target} exists; give another version or remove it")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=directory) as scratch:
        classes = Path(scratch) / "classes.txt"
        classes.write_text("".join(f"{name}\n" for name in class_names))
        serving = ServingModel(model, classes)
        saved = Path(scratch) / "model"
        tf.saved_model.save(
            serving, str(saved), signatures={"serving_default": serving.serve}
        )
        library = ops.library_path()
        shutil.copy2(library, directory / library.name)
        (directory / "README.txt").write_text(README.format(library=library.name))
        saved.rename(target)
    return target
