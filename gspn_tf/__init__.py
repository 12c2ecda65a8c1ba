"""GSPN and R-PointNet: 3D instance segmentation in TensorFlow 2 / Keras 3.

The public names, imported when they are first used: TensorFlow takes seconds.

    import gspn_tf as gspn
    config = gspn.load_config("configs/rooms.py:small")
    gspn.train(config, "datasets/rooms", "runs/rooms")
    model, config, classes = gspn.load_run("runs/rooms")
    found = gspn.Segmenter.from_config(model, config.data).segment(points)
"""

import pkgutil
from typing import Any

_PLACES = {
    "Config": "config:Config",
    "GSPNConfig": "config:GSPNConfig",
    "RPointNetConfig": "config:RPointNetConfig",
    "SGPNConfig": "config:SGPNConfig",
    "load_config": "config.loading:load_config",
    "build": "models:build",
    "GSPN": "models:GSPN",
    "RPointNet": "models:RPointNet",
    "SGPN": "models:SGPN",
    "Proposals": "types:Proposals",
    "Detections": "types:Detections",
    "train": "training.loop:train",
    "Segmenter": "inference.segmenter:Segmenter",
    "load_run": "inference.segmenter:load_run",
    "export": "inference.serving.saved_model:export",
    "InstancePredictions": "metrics:InstancePredictions",
    "average_precision": "metrics:average_precision",
    "boxes": "nn.boxes:",
    "data": "data:",
    "layers": "nn.layers:",
    "losses": "nn.losses:",
    "masks": "masks:",
    "ops": "ops:",
}

__all__ = [*_PLACES]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"gspn_tf has no {name!r}, has {', '.join(__all__)}")
    return pkgutil.resolve_name(f"gspn_tf.{_PLACES[name]}")
