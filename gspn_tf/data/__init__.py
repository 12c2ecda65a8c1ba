"""A data folder becomes batches: scenes, their shards and manifest, and the pipeline.

Imports from `nn`, `ops`, `config`, `files` and below. The public names are imported
when they are first used: processes that read scans into scenes do so without
TensorFlow.
"""

import importlib
from typing import Any

_NAMES = {
    "Scene": "scene",
    "SplitScenes": "shards",
    "batches": "pipeline",
    "load": "pipeline",
    "read_scenes": "shards",
    "sample_scan": "sample",
    "scenes": "pipeline",
}

__all__ = list(_NAMES)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"gspn_tf.data has no {name!r}, has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"gspn_tf.data.{_NAMES[name]}"), name)
