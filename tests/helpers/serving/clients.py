"""The examples of docs/serving as modules."""

import importlib.util
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "serving"


def __getattr__(name):
    if name not in ("grpc_client", "rest_client"):
        raise AttributeError(name)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
