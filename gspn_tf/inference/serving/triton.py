"""A model repository of Triton Inference Server around a SavedModel.

In REPOSITORY/gspn/:

    config.pbtxt     names, types and shapes; may be edited, and is then left as it is
    1/model.py       answers requests by Triton's Python backend, with TensorFlow alone
    1/saved_model/   the folder of gspn_tf.inference.serving.saved_model
    2/               a further version
"""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from gspn_tf import files, models
from gspn_tf.config import Config
from gspn_tf.inference.serving import saved_model

MODEL_NAME = "gspn"  # its folder in the repository
CONFIG = "config.pbtxt"


def export(
    model: models.RPointNet,
    config: Config,
    classes: Sequence[tuple[int, str]],
    repository: str | Path,
    *,
    ops: Literal["portable", "native"] = "portable",
    version: int = 1,
    max_points: int = saved_model.MAX_POINTS,
    trained: dict[str, Any] | None = None,
) -> Path:
    """Save `repository/gspn/version/` for Triton, and the config.pbtxt of all versions.

    The version folder appears whole or not at all. Returns its path.

    Args:
      model: a trained `RPointNet`.
      config: its config.
      classes: as of `saved_model.export`, like `ops`, `max_points` and `trained`.
      repository: folder of models; the server's --model-repository.
      ops: model.py loads the library of native ones, which needs the same TensorFlow.
      version: 1 or more; a server takes the greatest, or those of config.pbtxt.
      max_points: a request of more is an error.
      trained: what is known of the training.

    Raises:
      FileExistsError: that version is there already.
      ValueError, ImportError: as by `saved_model.export`.
    """
    saved_model.check(model, ops, max_points)
    folder = Path(repository, MODEL_NAME)
    target = saved_model.new_version(folder, version)
    names = [target.name] if (folder / CONFIG).exists() else [CONFIG, target.name]
    with _gone_if_empty(folder), files.writing_together(folder, names) as scratch:
        shutil.copyfile(saved_model.ASSETS / f"triton_{CONFIG}", scratch / CONFIG)
        whole = scratch / target.name
        whole.mkdir()
        shutil.copyfile(saved_model.ASSETS / "triton_model.py", whole / "model.py")
        exported = saved_model.export(
            model,
            config,
            classes,
            scratch / "exported",
            ops=ops,
            max_points=max_points,
            trained=trained,
        )
        exported.rename(whole / "saved_model")
    return target


@contextlib.contextmanager
def _gone_if_empty(folder: Path) -> Iterator[None]:
    """Remove a folder where the block fails: Triton does not start on an empty one."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # it holds another version
            folder.rmdir()
        raise
