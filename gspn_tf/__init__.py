"""GSPN and R-PointNet: 3D instance segmentation in TensorFlow 2 / Keras 3.

The public names, imported when they are first used: TensorFlow takes seconds.

    import gspn_tf as gspn
    config = gspn.load_config("configs/rooms.py:small")
    gspn.train(config, "datasets/rooms", "runs/rooms")
    model, config, classes = gspn.load_run("runs/rooms")
    found = gspn.Segmenter.from_config(model, config.data).segment(points)
"""

import pkgutil
import sys
from importlib.machinery import PathFinder
from typing import Any, NamedTuple

_NAMES = {
    "config": (
        "AlexNetConfig",
        "Config",
        "GSPNConfig",
        "MaskRCNNConfig",
        "RPointNetConfig",
        "SGPNConfig",
    ),
    "config.loading": ("load_config",),
    "evaluation.callback": ("AveragePrecision",),
    "image.alexnet": ("AlexNet",),
    "image.mask_rcnn": ("MaskRCNN",),
    "image.pixel_classifier": ("PixelClassifier",),
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

_SAVED = {
    "image.alexnet": ("AlexNet",),
    "image.mask_rcnn": ("MaskRCNN",),
    "image.pixel_classifier": ("PixelClassifier",),
    "models": (
        "GSPN",
        "RPointNet",
        "ReleasedGSPN",
        "ReleasedRPointNet",
        "SGPN",
        "SemanticNetwork",
    ),
    "nn.layers": (
        "BatchNorm",
        "ContextEncoder",
        "FeaturePropagation",
        "GaussianMLP",
        "PointRoIAlign",
        "SetAbstraction",
        "SharedMLP",
    ),
    "training.schedules": ("Adam", "SGD", "StageSchedule"),
}
"""The classes that Keras's files may name, by their modules."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"gspn_tf has no {name!r}, has {', '.join(__all__)}")
    return pkgutil.resolve_name(f"gspn_tf.{_PLACES[name]}")


class _Unimported(NamedTuple):
    """Stands for a class of Keras's files until it is imported and registers itself."""

    place: str

    def from_config(self, config: dict[str, Any]) -> Any:
        return pkgutil.resolve_name(self.place).from_config(config)


def _register(keras: Any) -> None:
    """Let Keras load files that name classes which nothing has imported yet."""
    known = keras.saving.get_custom_objects()
    for at, names in _SAVED.items():
        for name in names:
            place = _Unimported(f"gspn_tf.{at}:{name}")
            known.setdefault(f"gspn_tf>{name}", place)


class _KerasFinder(PathFinder):
    """Finds Keras, if it is imported later, so that `_register` follows.

    To import it here would take seconds.
    """

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> Any:
        spec = super().find_spec(fullname, path) if fullname == "keras" else None
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def execute_and_register(module: Any) -> None:
                execute(module)
                _register(module)

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


if "keras" in sys.modules:
    _register(sys.modules["keras"])
else:
    sys.meta_path.insert(0, _KerasFinder)
