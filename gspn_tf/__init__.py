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

_NAMES = {
    "config": ("Config", "GSPNConfig", "RPointNetConfig", "SGPNConfig"),
    "config.loading": ("load_config",),
    "evaluation.callback": ("AveragePrecision",),
    "inference.segmenter": ("Segmenter", "load_run"),
    "inference.serving.saved_model": ("export",),
    "metrics": ("InstancePredictions", "average_precision"),
    "models": ("GSPN", "RPointNet", "SGPN", "build"),
    "training.loop": ("train",),
    "training.schedules": ("optimizer",),
    "types": ("Detections", "Proposals"),
}
_MODULES = ("data", "masks", "nn.boxes", "nn.layers", "nn.losses", "ops")
_PLACES = {name: f"{at}:{name}" for at, names in _NAMES.items() for name in names}
_PLACES |= {module.rpartition(".")[2]: module for module in _MODULES}

__all__ = [*_PLACES]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"gspn_tf has no {name!r}, has {', '.join(__all__)}")
    return pkgutil.resolve_name(f"gspn_tf.{_PLACES[name]}")
