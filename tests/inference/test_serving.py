"""The graph that servers run: what `Segmenter` finds, and errors for bad requests."""

import numpy as np
import pytest
import tensorflow as tf
from serving.harness import assert_answers, scan

from gspn_tf import ops
from gspn_tf.data.sampling import POINTS
from gspn_tf.inference.segmenter import Segmenter
from gspn_tf.inference.serving import graph as serving
from gspn_tf.inference.serving.graph import Served

NUM_POINTS = 256  # that the network sees
MAX_POINTS = 90_000
INVALID = tf.errors.InvalidArgumentError


@pytest.fixture(scope="module")
def signatures(sure_network):
    return Served(sure_network, NUM_POINTS, "random", MAX_POINTS).signatures()


@pytest.fixture(scope="module")
def segment(signatures):
    return signatures["serving_default"]


@pytest.fixture(scope="module")
def offline(sure_network):
    return Segmenter(sure_network, NUM_POINTS).segment


@pytest.mark.parametrize("count", [1, 7, 100, NUM_POINTS, 1000, 18_000, 81_369])
def test_a_scan_of_any_size(count, segment, offline):
    points, colors = scan(count)
    found = segment(points, colors)
    assert_answers(found, offline(points, colors), count)
    assert found["num_detections"] > 0


def padded(sizes, length):
    """Scans of those sizes in one batch; the padding is not to be looked at."""
    points = np.full((len(sizes), length, 3), np.nan, np.float32)
    colors = np.full((len(sizes), length, 3), 77, np.uint8)
    for row, count in enumerate(sizes):
        points[row, :count], colors[row, :count] = scan(count)
    return points, colors, np.int32(sizes)


def test_a_padded_batch_is_answered_as_its_scans_alone(segment, offline):
    sizes = [1000, 100, 5000, 1]
    found = segment(*padded(sizes, 6000))
    for row, count in enumerate(sizes):
        assert_answers(found, offline(*scan(count)), count, row)


def test_one_number_of_points_for_all_scans(segment):
    points, colors = (np.stack([x, x]) for x in scan(400))
    found = segment(points, colors, 300)
    for name, value in segment(points, colors, [300, 300]).items():
        np.testing.assert_array_equal(found[name], value)


def test_chunks_change_nothing(sure_network, offline, monkeypatch):
    monkeypatch.setattr(serving, "CHUNK", 64)
    served = Served(sure_network, NUM_POINTS, "random", MAX_POINTS)
    points, colors, counts = padded([300, 100], 321)
    found = served.signatures()["serving_default"](points, colors, counts)
    for row, count in enumerate(counts):
        assert_answers(found, offline(*scan(count)), count, row)


def test_farthest_points(sure_network):
    served = Served(sure_network, NUM_POINTS, "farthest", MAX_POINTS)
    points, colors = scan(900)
    expected = Segmenter(sure_network, NUM_POINTS, "farthest").segment(points, colors)
    found = served.signatures()["serving_default"](points, colors)
    assert_answers(found, expected, 900)


def test_nothing_found(sure_network, segment):
    bias = sure_network.box_head.class_output.bias
    before = bias.numpy()
    bias.assign([99.0, 0, 0, 0])
    try:
        found = segment(*padded([300, 20], 300))
    finally:
        bias.assign(before)
    assert not found["num_detections"].numpy().any()
    assert found["boxes"].shape == (2, 0, 6) and found["masks_bytes"].shape == (2, 0)


def test_features_are_those_of_the_network(signatures, sure_network):
    """At the points that it sees; the others take those of the nearest of them."""
    points, colors = scan(1000)
    found = signatures["segment_features"](points, colors)
    center = np.median(points, axis=0)
    local = points - center
    rows = POINTS["random"](local, NUM_POINTS, tf.zeros(2, tf.int64)).numpy()
    seen = {
        "points": tf.constant(local[None, rows]),
        "colors": tf.constant(colors[None, rows] * np.float32(1 / 255)),
        "num_points": tf.constant([NUM_POINTS]),
    }
    scene = sure_network.proposal_network(seen, training=False).scene
    context = tf.squeeze(
        ops.three_interpolate(scene.context, *scene.to_seeds), 0
    ).numpy()
    classes = np.argmax(scene.semantic_logits[0], -1)
    expected = (context, scene.centers[0] + center, classes)
    distance = ((local[:, None] - local[None, rows]) ** 2).sum(-1)
    nearest = distance.argmin(1)
    for name, value in zip(("features", "centers", "classes"), expected, strict=True):
        value = np.asarray(value)
        np.testing.assert_allclose(found[name][0], value[nearest], atol=1e-4)


def test_features_of_padding_are_zero(signatures):
    found = signatures["segment_features"](*padded([40, 100], 120))
    for row, count in enumerate([40, 100]):
        alone = signatures["segment_features"](*scan(count))
        for name, value in found.items():
            np.testing.assert_allclose(value[row, :count], alone[name][0], atol=1e-4)
            assert not value[row, count:].numpy().any()


POINTS_, COLORS = scan(50)
BAD = {
    "NaN": (
        (np.where(np.eye(50, 3) > 0, np.nan, POINTS_), COLORS),
        "that are not:. .3",
    ),
    "infinite": ((np.where(np.eye(50, 3) > 0, np.inf, POINTS_), COLORS), "finite"),
    "a flat list": (
        (POINTS_.ravel(), COLORS),
        "points must be .* the shape. .150",
    ),
    "a number": ((np.float32(1), COLORS), "points must be"),
    "four axes": ((POINTS_[None, None], COLORS), "points must be"),
    "four coordinates": ((np.ones((50, 4)), COLORS), "points must be"),
    "no points": ((POINTS_[:0], COLORS[:0]), "points must not be empty"),
    "no scans": ((POINTS_[None][:0], COLORS[None][:0]), "points must not be empty"),
    "too many": (scan(MAX_POINTS + 1), f"at most {MAX_POINTS} rows"),
    "fewer colors": ((POINTS_, COLORS[:49]), "colors must have the shape of points"),
    "flat colors": ((POINTS_, COLORS.ravel()), "colors must have the shape of points"),
    "one color": ((POINTS_, COLORS[0]), "colors must have the shape of points"),
    "a batch of colors": ((POINTS_, COLORS[None]), "colors must have the shape"),
    "padding alone": ((POINTS_, COLORS, 0), "num_points must be within 1 and. .50"),
    "more than there are": ((POINTS_, COLORS, 51), "num_points must be within"),
    "minus two": ((POINTS_, COLORS, -2), "num_points must be within"),
    "two numbers": ((POINTS_, COLORS, [50, 50]), "num_points must be a number or"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("signature", ["serving_default", "segment_features"])
def test_bad_requests(name, signature, signatures):
    (points, *others), message = BAD[name]
    with pytest.raises(INVALID, match=message):
        signatures[signature](np.asarray(points, np.float32), *others)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 64])
def test_packed_bits(length):
    mask = np.random.default_rng(length).random((3, length)) < 0.5
    bits = serving.pack(tf.constant(mask))
    np.testing.assert_array_equal(
        np.unpackbits(bits.numpy(), axis=-1, bitorder="little", count=length), mask
    )


def test_bytes_of_rows():
    rows = np.arange(250, 262, dtype=np.int32).astype(np.uint8).reshape(3, 4)
    found = serving.as_strings(tf.constant(rows))
    assert found.numpy().tolist() == [row.tobytes() for row in rows]
