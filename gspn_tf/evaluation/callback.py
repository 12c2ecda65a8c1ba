"""The callback that measures instances and proposals while a network trains."""

from pathlib import Path
from typing import Any

import keras

from gspn_tf.config import Config, DataConfig
from gspn_tf.data import manifest
from gspn_tf.evaluation import measures
from gspn_tf.inference.scene_segmenter import scene_segmenter
from gspn_tf.metrics import evaluate_scenes
from gspn_tf.models import GSPN


class AveragePrecision(keras.callbacks.Callback):
    """Average precision and proposal quality of validation scenes in the logs of `fit`.

    It adds `val_AP`, `val_AP50` and `val_AP25` by ScanNet's protocol, on all points of
    each scene, and where the network proposes `val_proposal_miou`, the mean IoU of the
    proposals with the boxes of their objects; of a GSPN the latter alone. It measures
    after the first epoch, each `every` epochs and after the last one; the other epochs
    repeat the last values. So callbacks that are listed after it can monitor them:

        keras.callbacks.EarlyStopping("val_AP50", mode="max", patience=20)

    Args:
        directory: a prepared data folder.
        data: what the network sees of a scene, `config.data`.
        split: which of its scenes to measure.
        every: epochs between two measurements.
        scenes: the most scenes, the first ones of the split; None: all of them.
        min_region: points of the smallest object that counts, as `gspn evaluate
            --min_region` has it; None: 100, as in ScanNet's benchmark, which is too
            many for sparse scans.

    Raises:
        FileNotFoundError: the folder is no data folder.
        ValueError: it has no such split, or one without labels; a number below one.
    """

    def __init__(
        self,
        directory: str | Path,
        data: DataConfig | None = None,
        *,
        split: str = "val",
        every: int = 10,
        scenes: int | None = 20,
        min_region: int | None = None,
    ) -> None:
        super().__init__()
        if every < 1 or (scenes is not None and scenes < 1):
            raise ValueError(
                f"every and scenes must be at least 1, got {every} and {scenes}"
            )
        if min_region is not None and min_region < 1:
            raise ValueError(f"min_region must be at least 1, got {min_region}")
        if not manifest.is_labelled(directory, split):
            raise ValueError(f"split {split!r} of {directory} has no labels")
        self.scenes = measures.Split(directory, split, limit=scenes)
        self.names = manifest.read_classes(directory).names
        self.config, self.every = Config(data=data or DataConfig()), every
        self.min_region = min_region
        self.values: dict[str, float] = {}

    def on_train_begin(self, logs: Any = None) -> None:
        """Take the network (called by Keras)."""
        self.values = {}
        whole = isinstance(self.model, GSPN)
        network = self.model if whole else self.model.proposal_network
        self.network = network if isinstance(network, GSPN) else None  # of 3D boxes
        self.segmenter = None
        if not whole:
            self.segmenter = scene_segmenter(self.model, self.config.data)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add the values to the logs (called by Keras)."""
        due = (epoch + 1) % self.every == 0 or epoch + 1 == self.params["epochs"]
        if due or not self.values:
            self.values = self.measure()
        if logs is not None:
            logs.update(self.values)

    def measure(self) -> dict[str, float]:
        """Measure the network as it is."""
        found: dict[str, float] = {}
        if self.segmenter:
            judged = measures.segmented(self.segmenter, self.scenes)
            result = evaluate_scenes(
                judged, self.names, min_region_size=self.min_region
            ).result
            found = {f"val_{name}": result.mean(name) for name in result.by_class}
        if self.network:
            quality = measures.proposal_metrics(self.network, self.scenes, self.config)
            found["val_proposal_miou"] = quality.get("proposal_miou", float("nan"))
        return found
