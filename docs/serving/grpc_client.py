"""Instances of a scan from TensorFlow Serving, by gRPC.

    pip install tensorflow-serving-api
    python grpc_client.py localhost:8500 scan.npz [--model gspn] [--tile 8]

The file has points [N, 3], float metres with z up, and may have colors [N, 3], 0..255.
Of gspn_tf nothing is needed, but for tiles: scans larger than a room are cut here, and
the instances of all tiles are merged.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

GREY = 128  # of a scan without colours
# Answers above gRPC's 4 MB are an error without this. Requests are not bounded: the
# server takes them up to 2 GB.
OPTIONS = [("grpc.max_receive_message_length", -1)]


class Instance(NamedTuple):
    """One object."""

    box: np.ndarray  # [6] centre and size, metres
    label: int  # line of the model's assets/classes.txt, from 1
    score: float
    mask: np.ndarray  # [N] bool


def connect(address: str) -> prediction_service_pb2_grpc.PredictionServiceStub:
    """A stub for a server at host:port."""
    channel = grpc.insecure_channel(address, OPTIONS)
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def predict(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
    points: np.ndarray,
    colors: np.ndarray,
    num_points: int | np.ndarray = -1,
    *,
    model: str = "gspn",
    signature: str = "serving_default",
    timeout: float = 60.0,
) -> dict[str, np.ndarray]:
    """The outputs of a signature for [N, 3] or [B, N, 3], as its README.txt says.

    Raises:
      grpc.RpcError: INVALID_ARGUMENT for a bad request, and whatever the network does.
    """
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    inputs = {
        "points": np.asarray(points, np.float32),
        "colors": np.asarray(colors, np.uint8),
        "num_points": np.asarray(num_points, np.int32),
    }
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    answer = stub.Predict(request, timeout)
    return {name: tf.make_ndarray(value) for name, value in answer.outputs.items()}


def instances(outputs: dict[str, np.ndarray], num_points: int) -> list[Instance]:
    """The first scan of an answer, of `num_points` points; best first."""
    return [
        Instance(
            box=outputs["boxes"][0, row],
            label=int(outputs["classes"][0, row]),
            score=float(outputs["scores"][0, row]),
            mask=decode_mask(outputs["masks_bytes"][0, row], num_points),
        )
        for row in range(outputs["num_detections"][0])
    ]


def instances_by_tiles(
    ask: Callable[[np.ndarray, np.ndarray], dict],
    points: np.ndarray,
    colors: np.ndarray,
    side: float,
) -> list[Instance]:
    """The instances of a large scan, a request for each tile of `side` metres."""
    from gspn_tf.inference.serving.client import ServedSegmenter
    from gspn_tf.inference.tiling import segment_tiles

    found = segment_tiles(
        ServedSegmenter(ask), points, np.asarray(colors, np.uint8), side=side
    )
    rows = zip(found.boxes, found.classes, found.scores, found.masks, strict=True)
    return [
        Instance(box, int(label), float(score), np.isin(np.arange(len(points)), mask))
        for box, label, score, mask in rows
    ]


def decode_mask(mask: bytes, num_points: int) -> np.ndarray:
    """Packed bits, point p at bit p % 8 of byte p // 8, to bool [num_points]."""
    bits = np.frombuffer(mask, np.uint8)
    return np.unpackbits(bits, bitorder="little", count=num_points).astype(bool)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("address", help="host:port of the server's gRPC")
    parser.add_argument("scan", help="npz file with points and, perhaps, colors")
    parser.add_argument("--model", default="gspn", help="its name on the server")
    parser.add_argument("--tile", type=float, help="metres of tiles; needs gspn_tf")
    arguments = parser.parse_args()
    with np.load(arguments.scan) as scan:
        points = scan["points"]
        colors = scan["colors"] if "colors" in scan else np.full(points.shape, GREY)
    ask = partial(predict, connect(arguments.address), model=arguments.model)
    if arguments.tile:
        found = instances_by_tiles(ask, points, colors, arguments.tile)
    else:
        found = instances(ask(points, colors), len(points))
    for each in found:
        size = int(each.mask.sum())
        print(f"{each.score:6.2f}  class {each.label:3}  {size:9,} points")


if __name__ == "__main__":
    main()
