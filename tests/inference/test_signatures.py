"""The signatures of an export as functions: answers, and errors for bad requests."""

import copy

import numpy as np
import pytest
import tensorflow as tf
from serving.answers import assert_answers
from serving.far_scans import padded, scan

from gspn_tf import models, ops
from gspn_tf.data.sampling import POINTS, draw
from gspn_tf.inference.segmenter import Segmenter
from gspn_tf.inference.serving import signatures as serving
from gspn_tf.inference.serving.requests import check_request
from gspn_tf.inference.serving.signatures import ServedModel

NUM_POINTS = 256  # that the network sees
MAX_POINTS = 6_000
INVALID = tf.errors.InvalidArgumentError


@pytest.fixture(scope="module")
def signatures(sure_network):
    return ServedModel(sure_network, NUM_POINTS, "random", MAX_POINTS).signatures()


@pytest.fixture(scope="module")
def segment(signatures):
    return signatures["serving_default"]


@pytest.fixture(scope="module")
def offline(sure_network):
    return Segmenter(sure_network, NUM_POINTS).segment


def with_shares(network, shares):
    """The network with centres and contexts that are shares of the points."""
    config = copy.deepcopy(network.config)
    config.proposal.backbone.center_shares = shares
    config.proposal.num_context_points = 128 if shares else 0
    config.proposal.context_share = 1 / 2
    model = models.build(config)
    model.set_weights(network.get_weights())
    return model


def test_a_padded_batch_is_answered_as_its_scans_alone(segment, offline):
    sizes = [1000, 100, 5000, 1]
    found = segment(*padded(sizes, 6000))
    for row, count in enumerate(sizes):
        assert_answers(found, offline(*scan(count)), count, row)
        assert found["num_detections"][row] > 0
    alone = segment(*scan(1000))
    for name, value in segment(*scan(1000)).items():
        np.testing.assert_array_equal(alone[name], value)
    assert_answers(alone, offline(*scan(1000)), 1000)


def test_one_number_of_points_for_all_scans(segment):
    points, colors = (np.stack([x, x]) for x in scan(400))
    found = segment(points, colors, 300)
    for name, value in segment(points, colors, [300, 300]).items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, density, shares",
    [
        ("farthest", 0.0, ()),
        ("random", 3.0, (1 / 8, 1 / 16, 1 / 32)),
    ],
)
def test_points_drawn_in_other_ways(sure_network, kind, density, shares):
    model = with_shares(sure_network, shares)
    served = ServedModel(model, NUM_POINTS, kind, MAX_POINTS, density)
    points, colors = scan(900)
    near = np.float32(points - np.median(points, axis=0))
    seen = draw(near, NUM_POINTS, kind, density, tf.zeros(2, tf.int64))
    assert (len(seen) < NUM_POINTS) == (density > 0) and len(seen) > 20
    segmenter = Segmenter(model, NUM_POINTS, kind, density)
    expected = segmenter.segment(points, colors)
    with ops.portable():
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
    scene = sure_network.proposal_network(seen, training=False)
    context = tf.squeeze(
        ops.three_interpolate(scene.context, *scene.to_seeds), 0
    ).numpy()
    classes = np.argmax(scene.semantic_logits[0], -1)
    expected = (context, scene.centers.everywhere[0] + center, classes)
    distance = ((local[:, None] - local[None, rows]) ** 2).sum(-1)
    nearest = distance.argmin(1)
    for name, value in zip(("features", "centers", "classes"), expected, strict=True):
        value = np.asarray(value)
        np.testing.assert_allclose(found[name][0], value[nearest], atol=1e-4)
    batch = signatures["segment_features"](*padded([1000, 100], 1200))
    for name, value in batch.items():
        np.testing.assert_allclose(value[0, :1000], found[name][0], atol=1e-4)
        assert not value[0, 1000:].numpy().any() and not value[1, 100:].numpy().any()


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
    "too many scans": (
        (np.ones((65, 1, 3)), np.ones((65, 1, 3), np.uint8)),
        "at most 64 scans, got the shape. .65 1 3",
    ),
    "fewer colors": ((POINTS_, COLORS[:49]), "colors must have the shape of points"),
    "flat colors": ((POINTS_, COLORS.ravel()), "colors must have the shape of points"),
    "one color": ((POINTS_, COLORS[0]), "colors must have the shape of points"),
    "a batch of colors": ((POINTS_, COLORS[None]), "colors must have the shape"),
    "padding alone": ((POINTS_, COLORS, 0), "num_points must be within 1 and. .50"),
    "more than there are": ((POINTS_, COLORS, 51), "num_points must be within"),
    "minus two": ((POINTS_, COLORS, -2), "num_points must be within"),
    "two numbers": ((POINTS_, COLORS, [50, 50]), "num_points must be a number or"),
}


@pytest.fixture(scope="module")
def check():
    """The checks of a request, as both signatures begin with them."""
    return tf.function(
        lambda points, colors, num_points: check_request(
            points, colors, num_points, MAX_POINTS
        ),
        input_signature=serving.INPUTS,
        autograph=False,
    )


@pytest.mark.parametrize("name", BAD)
def test_bad_requests(name, check):
    (points, colors, *count), message = BAD[name]
    with pytest.raises(INVALID, match=message):
        check(np.asarray(points, np.float32), colors, *count or [-1])


@pytest.mark.parametrize("signature", ["serving_default", "segment_features"])
def test_signatures_check_their_requests(signature, signatures):
    with pytest.raises(INVALID, match="colors must have the shape of points"):
        signatures[signature](POINTS_, COLORS[:49])


def test_bytes_of_rows():
    rows = np.arange(250, 262, dtype=np.int32).astype(np.uint8).reshape(3, 4)
    found = serving.as_strings(tf.constant(rows))
    assert found.numpy().tolist() == [row.tobytes() for row in rows]
