"""Whole scans: sizes, colours, broken points, frames, and the results' form."""

import json

import numpy as np
import pytest
import tensorflow as tf
from serving.far_scans import scan

from gspn_tf import config as config_lib
from gspn_tf import models
from gspn_tf.config import RPointNetConfig
from gspn_tf.inference import graph
from gspn_tf.inference import segmenter as inference
from gspn_tf.inference.segmenter import Segmenter
from gspn_tf.models.rpointnet import RPointNetInference
from gspn_tf.types import Detections, Proposals

NUM_POINTS = 256  # that the network sees


@pytest.fixture(scope="module")
def segmenter(sure_network):
    return Segmenter(sure_network, NUM_POINTS)


@pytest.fixture(scope="module")
def room(segmenter):
    points, colors = scan(5000)
    return points, colors, segmenter.segment(points, colors)


def assert_same(found, expected):
    assert len(found.masks) == len(expected.masks)
    for a, b in zip(
        tf.nest.flatten(tuple(found)), tf.nest.flatten(tuple(expected)), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def check(found, count):
    """The form of every result on `count` points."""
    number = len(found.masks)
    assert found.boxes.shape == (number, 6) and found.boxes.dtype == np.float32
    assert found.classes.shape == found.scores.shape == (number,)
    assert found.classes.dtype == np.int32 and found.scores.dtype == np.float32
    assert ((found.classes >= 1) & (found.classes < 4)).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert (np.diff(found.scores) <= 0).all()
    for mask in found.masks:
        assert mask.dtype == np.int32 and len(mask)
        assert (np.diff(mask) > 0).all()  # sorted and unique
        assert mask[0] >= 0 and mask[-1] < count
    assert found.semantic.shape == (count,) and found.semantic.dtype == np.int32
    assert ((found.semantic >= 0) & (found.semantic < 4)).all()
    assert found.proposals.shape == (len(found.proposal_scores), 6)
    assert ((found.proposal_scores >= 0) & (found.proposal_scores <= 1)).all()


def test_scans_of_any_size_are_traced_once(segmenter, room):
    for count in (1, 7, NUM_POINTS, NUM_POINTS + 1):
        found = segmenter.segment(*scan(count))
        check(found, count)
        assert len(found.proposals) >= 1
    assert segmenter._graphs.experimental_get_tracing_count() == 1


def test_without_a_graph_the_same_is_found(room, sure_network):
    points, colors, expected = room
    alone = Segmenter(sure_network, NUM_POINTS, graph=False)
    found = alone.segment(points, colors)
    np.testing.assert_array_equal(found.classes, expected.classes)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-4)
    for mask, other in zip(found.masks, expected.masks, strict=True):
        assert len(np.setxor1d(mask, other)) <= 0.01 * len(other)


def test_masks_are_of_the_whole_scan_and_within_their_boxes(room):
    points, _, found = room
    check(found, len(points))
    assert sum(map(len, found.masks)) > NUM_POINTS and len(found.masks) > 1
    for mask, box in zip(found.masks, found.boxes, strict=True):
        far = np.abs(points[mask] - box[:3]) - box[3:] / 2
        assert far.max() < 1e-3


def test_labels_prefer_the_better_instance(room):
    _, _, found = room
    expected = np.full(len(found.semantic), -1)
    for row in reversed(range(len(found.masks))):
        expected[found.masks[row]] = row
    np.testing.assert_array_equal(found.labels(), expected)
    assert (found.labels()[found.masks[0]] == 0).all()


@pytest.mark.slow
def test_chunks_and_more_exact_numbers_change_nothing(room, sure_network, monkeypatch):
    points, colors, expected = room
    monkeypatch.setattr(graph, "CHUNK", 704)
    segmenter = Segmenter(sure_network, NUM_POINTS)
    assert_same(segmenter.segment(points.astype(np.float64), colors), expected)


def test_the_same_seed_gives_the_same_result(room, segmenter):
    points, colors, expected = room
    assert_same(segmenter.segment(points, colors, seed=0), expected)
    other = segmenter.segment(points, colors, seed=1)
    assert (other.proposals != expected.proposals).any()


def test_no_colors_is_grey(room, segmenter):
    points, colors, expected = room
    grey = segmenter.segment(points)
    assert_same(grey, segmenter.segment(points, np.full_like(colors, 128)))
    assert (grey.proposals != expected.proposals).any()


def test_points_that_are_not_finite_are_background(segmenter):
    points, colors = scan(3000)
    good = segmenter.segment(points, colors)
    at = np.sort(np.random.RandomState(0).choice(3100, 100, replace=False))
    bad = np.random.RandomState(1).choice([np.nan, np.inf, -np.inf], (100, 3))
    bad[:, 1:] = 0  # one broken coordinate is enough
    keep = np.setdiff1d(np.arange(3100), at)
    mixed = np.zeros((3100, 3), np.float32)
    mixed_colors = np.zeros((3100, 3), np.uint8)
    mixed[keep], mixed[at], mixed_colors[keep] = points, bad, colors

    found = segmenter.segment(mixed, mixed_colors)
    check(found, 3100)
    assert (found.semantic[at] == 0).all() and (found.labels()[at] == -1).all()
    np.testing.assert_array_equal(found.semantic[keep], good.semantic)
    np.testing.assert_array_equal(found.boxes, good.boxes)
    for a, b in zip(found.masks, good.masks, strict=True):
        np.testing.assert_array_equal(a, keep[b])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_point_far_away_is_as_one_that_is_not_finite(kind, segmenter):
    points, colors = scan(3000)
    points = points.astype(kind)
    points[11], points[500] = np.nan, [4.5e6, 2e6, -1]
    found = segmenter.segment(points, colors)
    assert np.isfinite(points[500]).all()  # the caller's array stays
    points[500] = np.nan
    assert_same(found, segmenter.segment(points, colors))
    assert found.labels()[500] == -1 and found.semantic[500] == 0


def test_far_from_the_origin(room, segmenter):
    points, colors, expected = room
    offset = np.array([1e6, -2e6, 64])
    found = segmenter.segment(points + offset, colors)  # float64
    assert len(found.masks) == len(expected.masks)
    for a, b in zip(found.masks, expected.masks, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(found.semantic, expected.semantic)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-6)
    # A float32 near 2e6 m is good to an eighth of a metre.
    np.testing.assert_allclose(
        found.boxes[:, :3], expected.boxes[:, :3] + offset, rtol=0, atol=0.126
    )
    whole = np.round(points).astype(np.int64)
    assert_same(
        segmenter.segment(whole, colors), segmenter.segment(whole * 1.0, colors)
    )


GOOD = np.zeros((5, 3))
GREY = np.zeros((5, 3), np.uint8)


@pytest.mark.parametrize(
    "points, colors, message",
    [
        (np.zeros((5, 2)), None, r"points must be \[V, 3\].*\(5, 2\)"),
        (np.zeros((0, 3)), None, "points must be"),
        (np.full((5, 3), np.nan), None, "no finite row among 5"),
        (GOOD, GREY[:4], r"colors must be uint8 \(5, 3\), got uint8 \(4, 3\)"),
        (GOOD, GREY / 255.0, "colors must be uint8.*got float64"),
        (GOOD, GREY.tolist(), "colors must be uint8.*got int64"),
    ],
)
def test_wrong_arguments(segmenter, points, colors, message):
    with pytest.raises(ValueError, match=message):
        segmenter.segment(points, colors)


def test_a_network_without_instances_is_an_error(sure_network):
    with pytest.raises(ValueError, match="RPointNet and SGPN do, got GSPN"):
        Segmenter(sure_network.proposal_network, NUM_POINTS)


class FakeModel:
    """Sees one box around everything, an invalid one, and one without points.

    The first one's mask is the side x < 0; the semantic class is 2 there, else 1.
    """

    config = RPointNetConfig()
    project = models.RPointNet.project

    def detect(self, batch):
        boxes = [[0, 0, 0, 20, 20, 20], [0, 0, 0, 20, 20, 20], [99, 0, 0, 1, 1, 1]]
        boxes = tf.constant([boxes], tf.float32)
        sides = tf.constant([[[-2.0, 0, 0], [2.0, 0, 0]]] * 3)
        detections = Detections(
            boxes=boxes,
            classes=tf.constant([[3, 2, 1]]),
            scores=tf.constant([[0.9, 0.8, 0.7]]),
            masks=tf.zeros([1, 3, 1], tf.bool),
            valid=tf.constant([[True, False, True]]),
        )
        side = tf.where(batch["points"][..., 0] < 0, 2, 1)
        return RPointNetInference(
            detections=detections,
            region_points=sides[None],
            region_masks=tf.constant([[[0.9, 0.1]] * 3]),
            semantic_logits=tf.one_hot(side, 4),
            proposals=Proposals(
                boxes, tf.zeros([1, 3]), tf.constant([[True, True, False]])
            ),
        )


def test_results_reach_every_point_of_the_scan():
    rng = np.random.RandomState(0)
    side = rng.permutation(np.repeat([-1, 1], 1500))
    points = rng.uniform(-1, 1, (3000, 3)) + np.stack([2 * side, 0 * side, 0 * side], 1)
    points -= np.median(points, 0)
    points += [100, 200, 300]
    found = Segmenter(FakeModel(), 64).segment(points)
    left = np.flatnonzero(side < 0)
    assert len(found.masks) == 1
    np.testing.assert_array_equal(found.masks[0], left)
    np.testing.assert_array_equal(found.semantic, np.where(side < 0, 2, 1))
    np.testing.assert_allclose(found.boxes, [[100, 200, 300, 20, 20, 20]], rtol=1e-5)
    np.testing.assert_array_equal(found.classes, [3])
    np.testing.assert_array_equal(found.scores, np.float32([0.9]))
    assert found.proposals.shape == (2, 6)
    np.testing.assert_array_equal(found.proposal_scores, [0.5, 0.5])


def test_load_run(sure_network, tmp_path):
    with pytest.raises(FileNotFoundError, match="config.json"):
        inference.load_run(tmp_path)
    config = config_lib.Config(model=sure_network.config)
    (tmp_path / "config.json").write_text(config_lib.to_json(config))
    with pytest.raises(FileNotFoundError, match="no trained model"):
        inference.load_run(tmp_path)
    with pytest.raises(FileNotFoundError, match="no stage one"):
        inference.load_proposal_network(tmp_path)
    classes = [[3, "cabinet"], [4, "bed"], [5, "chair"]]
    (tmp_path / "classes.json").write_text(json.dumps(classes))
    sure_network.save_weights(tmp_path / "rpointnet.weights.h5")

    loaded, loaded_config, loaded_classes = inference.load_run(tmp_path)
    assert loaded_config == config
    assert [list(pair) for pair in loaded_classes] == classes
    again = models.RPointNet.from_preset(tmp_path)
    assert again.data == config.data and again.classes == tuple(loaded_classes)
    for a, b in zip(loaded.weights, sure_network.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
