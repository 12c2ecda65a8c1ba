"""Scans larger than a room by a served export: the client cuts, asks and merges."""

import functools
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from serving.answers import EXAMPLES, client, running_server
from serving.toy_export import NUM_POINTS

from gspn_tf.inference import tiling
from gspn_tf.inference.segmenter import Segmenter
from gspn_tf.inference.serving.client import ServedSegmenter

WIDTH = 26.0


class FakeServer:
    """Answers with the boxes that stand in a hall, those of which it sees a point."""

    def __init__(self, offset):
        self.middles, self.sizes = offset + np.arange(2.0, WIDTH, 2.1), []

    def predict(self, points, colors):
        assert points.dtype == np.float32 and colors.dtype == np.uint8
        assert np.isfinite(points).all() and len(points) == len(colors)
        self.sizes.append(len(points))
        numbers = colors[:, 0].astype(int)
        there = np.unique(numbers[numbers > 0])
        boxes = np.zeros([1, 20, 6])
        masks = [b""] * 20
        for row, number in enumerate(there):
            mask = numbers == number
            low, high = points[mask].min(0), points[mask].max(0)
            boxes[0, row] = np.concatenate([(low + high) / 2, high - low])
            masks[row] = np.packbits(mask, bitorder="little").tobytes()
        filled = np.zeros(20)
        filled[: len(there)] = there
        outputs = {"num_detections": np.array([len(there)]), "masks_bytes": [masks]}
        outputs |= {"classes": filled[None] % 5 + 1, "scores": filled[None] / 100}
        return outputs | {"boxes": boxes.tolist()}  # lists, as by REST


@pytest.mark.parametrize("offset, kind", [(0, np.float32), (4_500_000, np.float64)])
def test_answers_of_tiles_are_merged(offset, kind):
    rng = np.random.default_rng(0)
    points = rng.uniform([0, 0, 0], [WIDTH, 5, 2], (6000, 3)) + [offset, offset, 0]
    middles = offset + np.arange(2.0, WIDTH, 2.1)
    near = np.abs(points[:, :1] - middles)
    number = np.where(near.min(1) < 0.6, near.argmin(1) + 1, 0)
    colors = np.repeat(number[:, None], 3, axis=1).astype(np.uint8)
    points = points.astype(kind)
    points[17] = np.nan
    colors[17] = number[17] = 0
    server = FakeServer(offset)
    found = tiling.segment_tiles(ServedSegmenter(server.predict), points, colors)
    assert len(server.sizes) > 3 and max(server.sizes) < 3000
    assert len(found.masks) == len(middles)
    for box, label, score, mask in zip(*found[:4], strict=True):
        which = number[mask[0]]
        np.testing.assert_array_equal(mask, np.flatnonzero(number == which))
        assert (label, score) == (which % 5 + 1, np.float32(which / 100))
        assert abs(box[0] - middles[which - 1]) < (0.6 if offset else 0.05)
    assert not found.semantic.any()


def test_a_room_is_one_request():
    points = np.float32(np.random.default_rng(1).uniform(0, 5, (300, 3)))
    points[3], points[7] = np.nan, np.inf
    colors = np.zeros([300, 3], np.uint8)
    colors[50:100] = 4
    server = FakeServer(0)
    (mask,) = tiling.segment_tiles(
        ServedSegmenter(server.predict), points, colors
    ).masks
    np.testing.assert_array_equal(mask, np.arange(50, 100))
    assert server.sizes == [298]


def hall():
    rng = np.random.default_rng(2)
    points = np.float32(rng.uniform([0, 0, 0], [18, 5, 2], (3000, 3)))
    return points, rng.integers(0, 256, points.shape, np.uint8)


@pytest.mark.slow
def test_an_export_finds_what_the_segmenter_finds(exports, sure_network):
    serve = tf.saved_model.load(str(exports["native"])).signatures["serving_default"]

    def predict(points, colors):
        inputs = {"points": points, "colors": colors, "num_points": np.int32(-1)}
        answer = serve(**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in answer.items()}

    segmenter = Segmenter(sure_network, NUM_POINTS)
    expected = tiling.segment_tiles(segmenter, *hall())
    found = tiling.segment_tiles(ServedSegmenter(predict), *hall())
    assert len(found.masks) == len(expected.masks) > 0
    np.testing.assert_array_equal(found.classes, expected.classes)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-5)
    for mask, rows in zip(found.masks, expected.masks, strict=True):
        np.testing.assert_array_equal(mask, rows)


@pytest.mark.slow
def test_the_example_client_cuts_tiles(exports, sure_network, tmp_path):
    pytest.importorskip(
        "tensorflow_serving.apis", reason="tensorflow-serving-api is not installed"
    )
    points, colors = hall()
    np.savez(tmp_path / "hall.npz", points=points, colors=colors)
    expected = tiling.segment_tiles(Segmenter(sure_network, NUM_POINTS), points, colors)
    with running_server(exports["native"]) as (port, rest_port):
        command = [sys.executable, EXAMPLES / "grpc_client.py", f"localhost:{port}"]
        command += [tmp_path / "hall.npz", "--tile", "8"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        ask = functools.partial(
            client("rest_client").predict, f"http://localhost:{rest_port}"
        )
        by_rest = tiling.segment_tiles(ServedSegmenter(ask), points, colors)
    assert len(done.stdout.splitlines()) == len(expected.masks) == len(by_rest.masks)
    assert f"{len(expected.masks[0]):,} points" in done.stdout.splitlines()[0]
