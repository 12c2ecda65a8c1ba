"""Answers requests to Triton Inference Server with the SavedModel beside this file.

The server's Python backend runs it in a process of its own. That process needs
TensorFlow and NumPy, and nothing of the package that wrote the SavedModel.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import triton_python_backend_utils as pb_utils

SAVED_MODEL = Path(__file__).with_name("saved_model")
CHECK = "assertion failed: "  # what TensorFlow says before the words of a check
WARM_UP = 1000  # points


class TritonPythonModel:
    """The model as the Python backend calls it."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the SavedModel, and its op library where it has one.

        A first request is answered here, as TensorFlow is slow with it.
        """
        for library in SAVED_MODEL.glob("*.so"):
            tf.load_op_library(str(library))
        # The signature alone does not keep the weights.
        self.loaded = tf.saved_model.load(str(SAVED_MODEL))
        cloud = np.random.default_rng(0).uniform(0, 3, [WARM_UP, 3])
        self.segment(cloud.astype(np.float32), np.full([WARM_UP, 3], 128, np.uint8))

    def execute(self, requests: list) -> list:
        """Answer each request by itself, so that a bad one spoils no other."""
        return [self.respond(request) for request in requests]

    def respond(self, request: Any) -> Any:
        """Return the response to a request, which may be an error."""
        points, colors = (
            pb_utils.get_input_tensor_by_name(request, name).as_numpy()
            for name in ("points", "colors")
        )
        try:
            outputs = self.segment(points, colors)
        except tf.errors.InvalidArgumentError as error:
            words = error.message.partition(CHECK)[2].partition("\n")[0]
            bad = pb_utils.TritonError(
                words or error.message, pb_utils.TritonError.INVALID_ARG
            )
            return pb_utils.InferenceResponse(error=bad)
        except tf.errors.OpError as error:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(error.message))
        tensors = [pb_utils.Tensor(name, value) for name, value in outputs.items()]
        return pb_utils.InferenceResponse(tensors)

    def segment(self, points: np.ndarray, colors: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs for points [N, 3] and colors [N, 3], of that one scan."""
        outputs = self.loaded.signatures["serving_default"](
            points=tf.constant(points),
            colors=tf.constant(colors),
            num_points=tf.constant(-1),
        )
        # The SavedModel answers batches; of num_detections [1] stays.
        found = {name: value.numpy()[0] for name, value in outputs.items()}
        return {name: np.atleast_1d(value) for name, value in found.items()}
