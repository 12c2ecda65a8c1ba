"""A server that speaks TensorFlow Serving's Predict, by gRPC and by REST.

    python server.py MODEL LIBRARY|none

The graph is run by a Session, as TensorFlow Serving runs it. Prints both ports, and
ends with its standard input.
"""

# ruff: noqa: E402
import base64
import json
import sys
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

sys.modules["gspn_tf"] = None  # a server has none: importing it is an error

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

THREADS = 8
CODES = {code.value[0]: code for code in grpc.StatusCode}


class Model:
    """A SavedModel in a Session."""

    def __init__(self, path, library):
        if library != "none":
            tf.load_op_library(library)
        self.session = tf.compat.v1.Session(graph=tf.Graph())
        with self.session.graph.as_default():
            meta = tf.compat.v1.saved_model.load(self.session, ["serve"], path)
        self.signatures = meta.signature_def

    def run(self, name, inputs):
        """TensorProtos by name; an input gives its array for a dtype, or ValueError."""
        signature = self.signatures[name or "serving_default"]
        if unknown := set(inputs) - set(signature.inputs):
            raise ValueError(f"unknown inputs {sorted(unknown)}")
        feed = {}
        for key, info in signature.inputs.items():
            if key in inputs:
                feed[info.name] = inputs[key](tf.dtypes.as_dtype(info.dtype))
            elif key in signature.defaults:
                feed[info.name] = tf.make_ndarray(signature.defaults[key])
            else:
                raise ValueError(f"missing but required: {key}")
        fetches = {key: info.name for key, info in signature.outputs.items()}
        found = self.session.run(fetches, feed)
        kinds = {key: info.dtype for key, info in signature.outputs.items()}
        return {key: tf.make_tensor_proto(found[key], kinds[key]) for key in found}


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers by gRPC."""

    def __init__(self, model):
        self.model = model

    def Predict(self, request, context):
        """Run a signature."""

        def reader(proto):
            def read(dtype):
                if proto.dtype != dtype.as_datatype_enum:
                    raise ValueError(f"expected {dtype.name}, got {proto.dtype}")
                return tf.make_ndarray(proto)

            return read

        try:
            inputs = {key: reader(proto) for key, proto in request.inputs.items()}
            outputs = self.model.run(request.model_spec.signature_name, inputs)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except tf.errors.OpError as error:
            context.abort(CODES[error.error_code], error.message)
        answer = predict_pb2.PredictResponse()
        for key, value in outputs.items():
            answer.outputs[key].CopyFrom(value)
        return answer


class RestHandler(BaseHTTPRequestHandler):
    """Answers by REST, in columns."""

    model = None

    def do_POST(self):
        """Run a signature."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        inputs = {
            key: lambda dtype, value=value: np.asarray(value, dtype.as_numpy_dtype)
            for key, value in body["inputs"].items()
        }
        try:
            outputs = self.model.run(body.get("signature_name"), inputs)
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            return self.answer(400, {"error": str(error)})
        values = {key: plain(tf.make_ndarray(value)) for key, value in outputs.items()}
        self.answer(200, {"outputs": values})

    def answer(self, status, content):
        """Send a status and JSON."""
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        """Keep quiet."""


def plain(values):
    """Make lists of numbers, and of {"b64": ...} where the values are bytes."""
    if isinstance(values, bytes):
        return {"b64": base64.b64encode(values).decode()}
    if isinstance(values, np.ndarray) and values.dtype == object:
        return [plain(value) for value in values]
    return values.tolist()


def main(path, library):
    """Serve until the standard input ends."""
    model = RestHandler.model = Model(path, library)
    server = grpc.server(
        futures.ThreadPoolExecutor(THREADS),
        options=[("grpc.max_receive_message_length", -1)],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(model), server
    )
    port = server.add_insecure_port("localhost:0")
    server.start()
    rest = ThreadingHTTPServer(("localhost", 0), RestHandler)
    Thread(target=rest.serve_forever, daemon=True).start()
    print(port, rest.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
