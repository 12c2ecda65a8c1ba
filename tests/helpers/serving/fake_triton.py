"""Triton's `triton_python_backend_utils` in so far as a model.py uses it."""

import importlib.util
import sys
from types import ModuleType

MODULE = "triton_python_backend_utils"


class Tensor:
    def __init__(self, name, array):
        self.name, self.array = name, array

    def as_numpy(self):
        return self.array


class TritonError(Exception):
    INTERNAL, INVALID_ARG = "INTERNAL", "INVALID_ARG"

    def __init__(self, message, code=INTERNAL):
        super().__init__(message)
        self.code = code


class InferenceResponse:
    def __init__(self, output_tensors=(), error=None):
        self.outputs = {tensor.name: tensor.as_numpy() for tensor in output_tensors}
        self.error = error


def get_input_tensor_by_name(request, name):
    return Tensor(name, request[name])


def load_model(version_folder, monkeypatch):
    """The initialized model of a version, as Triton would load its model.py."""
    fake = ModuleType(MODULE)
    for part in (Tensor, TritonError, InferenceResponse, get_input_tensor_by_name):
        setattr(fake, part.__name__, part)
    monkeypatch.setitem(sys.modules, MODULE, fake)
    spec = importlib.util.spec_from_file_location("model", version_folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.TritonPythonModel()
    model.initialize({})
    return model
