"""Instances of a scan from Triton Inference Server, by gRPC or HTTP.

    pip install "tritonclient[grpc,http]"
    python triton_client.py grpc://localhost:8001 scan.npz [--model gspn]
    python triton_client.py http://localhost:8000 scan.npz

The file has points [N, 3], float metres with z up, and may have colors [N, 3], 0..255.
Of gspn_tf nothing is needed. Points travel as they are in memory, 15 bytes each.
"""

import argparse
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import tritonclient.grpc
import tritonclient.http

GREY = 128  # of a scan without colours
PROTOCOLS = {"grpc": tritonclient.grpc, "http": tritonclient.http}
OUTPUTS = ("boxes", "classes", "scores", "masks_bytes", "num_detections")


class Connection(NamedTuple):
    """A client of a server; for one thread."""

    protocol: ModuleType  # tritonclient.grpc or tritonclient.http
    client: Any  # its InferenceServerClient


def connect(address: str) -> Connection:
    """Connect to grpc://host:port or http://host:port."""
    name, found, place = address.partition("://")
    if not found or name not in PROTOCOLS:
        raise ValueError(f"address must begin with grpc:// or http://, got {address}")
    protocol = PROTOCOLS[name]
    return Connection(protocol, protocol.InferenceServerClient(place))


def predict(
    connection: Connection,
    points: np.ndarray,
    colors: np.ndarray,
    *,
    model: str = "gspn",
    version: str = "",
) -> dict[str, np.ndarray]:
    """Return the outputs for one scan, points and colors [N, 3], by their names.

    Args:
      connection: What `connect` returned.
      points: Metres, z up.
      colors: 0..255.
      model: Its folder in the server's repository.
      version: "1", say; the greatest that is served unless given.

    Raises:
      tritonclient.utils.InferenceServerException: a bad request, which its message
        says, and whatever the server does. The network has errors of its own.
    """
    inputs = []
    for name, kind, value in (
        ("points", "FP32", np.asarray(points, np.float32)),
        ("colors", "UINT8", np.asarray(colors, np.uint8)),
    ):
        tensor = connection.protocol.InferInput(name, list(value.shape), kind)
        inputs.append(tensor.set_data_from_numpy(value))
    answer = connection.client.infer(model, inputs, model_version=version)
    return {name: answer.as_numpy(name) for name in OUTPUTS}


def decode_mask(mask: bytes, num_points: int) -> np.ndarray:
    """Packed bits, point p at bit p % 8 of byte p // 8, to bool [num_points]."""
    bits = np.frombuffer(mask, np.uint8)
    return np.unpackbits(bits, bitorder="little", count=num_points).astype(bool)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("address", help="grpc://host:port or http://host:port")
    parser.add_argument("scan", help="npz file with points and, perhaps, colors")
    parser.add_argument("--model", default="gspn", help="its name on the server")
    arguments = parser.parse_args()
    with np.load(arguments.scan) as scan:
        points = scan["points"]
        colors = scan["colors"] if "colors" in scan else np.full(points.shape, GREY)
    found = predict(connect(arguments.address), points, colors, model=arguments.model)
    rows = zip(found["scores"], found["classes"], found["masks_bytes"], strict=True)
    for score, label, mask in rows:
        size = int(decode_mask(mask, len(points)).sum())
        print(f"{score:6.2f}  class {label:3}  {size:9,} points")


if __name__ == "__main__":
    main()
