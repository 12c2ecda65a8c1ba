"""Instances of a scan from TensorFlow Serving, by REST; for scans of moderate size.

    python rest_client.py http://localhost:8501 scan.npz [--model gspn]

For scans larger than a room pass `functools.partial(predict, server)` to
`gspn_tf.inference.serving.client.ServedSegmenter`, as grpc_client.py does for --tile.

The file is that of grpc_client.py. Numbers travel as text, 40 bytes a point, and masks
as base64; gRPC is a few times smaller. Python and NumPy are all that is needed.
"""

import argparse
import base64
import json
import urllib.request

import numpy as np

GREY = 128  # of a scan without colours


def predict(
    server: str,
    points: np.ndarray,
    colors: np.ndarray,
    num_points: int = -1,
    *,
    model: str = "gspn",
    signature: str = "serving_default",
    timeout: float = 60.0,
) -> dict:
    """The outputs of a signature for [N, 3] or [B, N, 3], as nested lists.

    `masks_bytes` are decoded from base64 to bytes.

    Raises:
      urllib.error.HTTPError: 400 for a bad request; its body says what is wrong.
    """
    # Nine digits are what a float32 holds.
    points = [float(f"{x:.9g}") for x in np.asarray(points, np.float32).ravel()]
    shape = np.shape(colors)
    body = {
        "signature_name": signature,
        "inputs": {
            "points": np.reshape(points, shape).tolist(),
            "colors": np.asarray(colors, int).tolist(),
            "num_points": num_points,
        },
    }
    request = urllib.request.Request(
        f"{server}/v1/models/{model}:predict", json.dumps(body).encode()
    )
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        outputs = json.load(answer)["outputs"]
    if "masks_bytes" in outputs:
        outputs["masks_bytes"] = [
            [base64.b64decode(mask["b64"]) for mask in masks]
            for masks in outputs["masks_bytes"]
        ]
    return outputs


def decode_mask(mask: bytes, num_points: int) -> np.ndarray:
    """Packed bits, point p at bit p % 8 of byte p // 8, to bool [num_points]."""
    bits = np.frombuffer(mask, np.uint8)
    return np.unpackbits(bits, bitorder="little", count=num_points).astype(bool)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("server", help="http://host:port of the server's REST")
    parser.add_argument("scan", help="npz file with points and, perhaps, colors")
    parser.add_argument("--model", default="gspn", help="its name on the server")
    arguments = parser.parse_args()
    with np.load(arguments.scan) as scan:
        points = scan["points"]
        colors = scan["colors"] if "colors" in scan else np.full(points.shape, GREY)
    outputs = predict(arguments.server, points, colors, model=arguments.model)
    for row in range(outputs["num_detections"][0]):
        mask = decode_mask(outputs["masks_bytes"][0][row], len(points))
        label, score = outputs["classes"][0][row], outputs["scores"][0][row]
        print(f"{score:6.2f}  class {label:3}  {mask.sum():9,} points")


if __name__ == "__main__":
    main()
