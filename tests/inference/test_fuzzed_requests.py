"""Requests that nobody should send: a server names what is wrong and lives on."""

import numpy as np
import pytest
import tensorflow as tf
from serving.answers import assert_answers, client, running_server
from serving.far_scans import scan

from gspn_tf.inference.segmenter import Segmenter

pytest.importorskip(
    "tensorflow_serving.apis", reason="tensorflow-serving-api is not installed"
)
import grpc  # noqa: E402
from tensorflow_serving.apis import predict_pb2  # noqa: E402

from serving.toy_export import NUM_POINTS  # noqa: E402  isort: skip

KINDS = (np.float32, np.float64, np.float16, np.uint8, np.int32, np.int64, bool, str)
WRONG = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0.0)
COUNTS = (-(2**31), -2, -1, 0, 1, 2**31 - 1)
EXPECTED = {  # codes of errors that TensorFlow Serving may give a client for its fault
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
}


def shape_near(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Change a shape a little, or altogether."""
    if rng.random() < 0.5:
        return shape
    if not shape or rng.random() < 0.5:
        return tuple(rng.integers(0, 5, rng.integers(0, 5)))
    changed = list(shape)
    changed[rng.integers(len(shape))] = int(rng.integers(0, 70))
    return tuple(changed)


def array_near(rng: np.random.Generator, value: np.ndarray) -> np.ndarray:
    """Change type, shape or values of an array."""
    kind = KINDS[rng.integers(len(KINDS))] if rng.random() < 0.3 else value.dtype
    changed = np.resize(value, shape_near(rng, value.shape))
    if changed.size and changed.dtype.kind == "f" and rng.random() < 0.5:
        at = rng.integers(changed.size, size=rng.integers(1, 4))
        changed.flat[at] = rng.choice(WRONG, len(at))
    with np.errstate(all="ignore"):  # NaN as an integer is any number
        return changed.astype(kind)


def request_near(rng: np.random.Generator) -> predict_pb2.PredictRequest:
    """A request for a small scan, in which anything may be wrong."""
    points, colors = scan(int(rng.integers(1, 40)))
    if rng.random() < 0.3:
        points, colors = np.stack([points] * 2), np.stack([colors] * 2)
    count = np.int32(rng.choice(COUNTS)) if rng.random() < 0.5 else np.int32(-1)
    inputs = {"points": points, "colors": colors, "num_points": np.asarray(count)}
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "gspn"
    if rng.random() < 0.3:
        request.model_spec.signature_name = "segment_features"
    for name, value in inputs.items():
        if rng.random() < 0.05:
            continue
        proto = tf.make_tensor_proto(array_near(rng, value))
        if proto.tensor_content and rng.random() < 0.1:  # cut
            proto.tensor_content = proto.tensor_content[: rng.integers(8)]
        request.inputs[name].CopyFrom(proto)
    return request


def send(address: str, count: int) -> dict[str, int]:
    """Send requests and count the answers by their codes."""
    stub, rng = client("grpc_client").connect(address), np.random.default_rng(0)
    codes: dict[str, int] = {}
    for _ in range(count):
        request = request_near(rng)
        try:
            stub.Predict(request, 60.0)
            code = grpc.StatusCode.OK
        except grpc.RpcError as error:
            code = error.code()
            assert code in EXPECTED, (error, request)
            assert error.details(), request
        codes[code.name] = codes.get(code.name, 0) + 1
    return codes


@pytest.mark.parametrize(
    ("ops", "count"),
    [
        pytest.param("portable", 150, marks=pytest.mark.slow),
        pytest.param("portable", 5000, marks=pytest.mark.long),
        pytest.param("native", 5000, marks=pytest.mark.long),
    ],
)
def test_no_request_stops_a_server(ops, count, exports, sure_network):
    with running_server(exports[ops]) as (port, _):
        codes = send(f"localhost:{port}", count)
        assert sum(codes.values()) == count
        assert codes["OK"] > count / 50 and codes["INVALID_ARGUMENT"] > count / 4
        grpc_client = client("grpc_client")
        answer = grpc_client.predict(
            grpc_client.connect(f"localhost:{port}"), *scan(700)
        )
    print(f"{count} requests, {ops} ops: {codes}")
    expected = Segmenter(sure_network, NUM_POINTS).segment(*scan(700))
    assert_answers(answer, expected, 700)
