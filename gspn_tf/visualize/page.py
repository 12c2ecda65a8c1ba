"""One HTML page to look at a scan and what was found in it; needs no network."""

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gspn_tf.files import write_text
from gspn_tf.visualize.assets import fill
from gspn_tf.visualize.layers import (
    BoxLayer,
    Entry,
    LabelLayer,
    Layer,
    check_range,
    check_shape,
    encoded,
    hex_color,
)
from gspn_tf.visualize.palette import NOTHING, class_colors, instance_colors
from gspn_tf.visualize.surface import outward_directions, splat_sizes

MAX_POINTS = 120_000
MAX_PROPOSALS = 300


class InstanceRow(NamedTuple):
    """One line of the page's list of instances."""

    name: str  # of its class
    score: float  # 0..1
    num_points: int  # of its whole mask
    box: Sequence[float] | None = None  # [6] centre, size; metres


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContent:
    """What the page shows; a layer whose values are None is left out.

    Masks of instances may overlap: `masks.paint_masks` makes one label a point of them.
    """

    points: np.ndarray  # [V, 3] metres, z up
    colors: np.ndarray | None = None  # [V, 3] uint8
    class_names: Sequence[str] = ()  # of classes 1..C
    semantic: np.ndarray | None = None  # [V] int, 0 = background
    instance: np.ndarray | None = None  # [V] int, -1 = none, else row of `instances`
    instances: Sequence[InstanceRow] = ()
    proposal_boxes: np.ndarray | None = None  # [R, 6] centre, size
    proposal_scores: np.ndarray | None = None  # [R] 0..1
    true_semantic: np.ndarray | None = None  # [V]
    true_instance: np.ndarray | None = None  # [V] int, -1 = none
    layers: Sequence[Layer] = ()  # whatever else there is to show
    groups: np.ndarray | None = None  # [V] clouds that stand apart, walls of their own


def write_page(
    path: str | Path,
    content: PageContent,
    *,
    title: str,
    max_points: int = MAX_POINTS,
    seed: int = 0,
) -> None:
    """Write the page, atomically.

    Of a larger scan a random subset of `max_points` points is shown, drawn with `seed`;
    the page says so. Points that are not finite are left out. Of many proposals the 300
    best are shown.

    Raises:
        ValueError: arrays of `content` that do not fit each other.
    """
    _check(content)
    shown = np.flatnonzero(np.isfinite(content.points).all(axis=1))
    if len(shown) > max_points:
        chosen = np.random.default_rng(seed).choice(len(shown), max_points, False)
        shown = shown[np.sort(chosen)]
    scene = {
        "total": len(content.points),
        "cloud": _cloud(content, shown),
        "nothing": hex_color(np.array(NOTHING)),
        "layers": [
            {"id": "input", "label": "Input", "kind": _input_kind(content), "rows": []},
            *(
                {"id": name, "label": layer.label, **layer.values(shown)}
                for name, layer in _layers(content)
            ),
        ],
    }
    page = fill(
        "page.html",
        title=html.escape(title),
        scene=json.dumps(scene, separators=(",", ":")).replace("<", "\\u003c"),
    )
    write_text(path, page)


def _cloud(content: PageContent, shown: np.ndarray) -> dict:
    """Positions in 65536 steps along the longest side, from the lowest corner."""
    points = np.asarray(content.points, np.float64)[shown]
    origin = points.min(axis=0) if len(points) else np.zeros(3)
    extent = float((points - origin).max(initial=0.0)) or 1.0
    sizes = splat_sizes(points)
    largest = float(sizes.max(initial=0.0)) or 1.0
    steps = np.round((points - origin) * (65535 / extent)).astype("<u2")
    cloud = {
        "origin": origin.tolist(),
        "step": extent / 65535,
        "positions": encoded(steps),
        "sizes": encoded(np.ceil(sizes * (255 / largest)).astype("u1")),
        "largest": largest,
        "outward": encoded(np.round(127 * _outward(content, shown)).astype("i1")),
    }
    if content.colors is not None:
        cloud["colors"] = encoded(np.asarray(content.colors)[shown].astype("u1"))
    return cloud


def _outward(content: PageContent, shown: np.ndarray) -> np.ndarray:
    """Where outer walls face, [V, 2], cloud by cloud."""
    points = np.asarray(content.points, np.float64)[shown]
    if content.groups is None:
        return outward_directions(points)
    groups, outward = np.asarray(content.groups)[shown], np.zeros((len(shown), 2))
    for group in np.unique(groups):
        inside = groups == group
        outward[inside] = outward_directions(points[inside])
    return outward


def _input_kind(content: PageContent) -> str:
    return "plain" if content.colors is None else "colors"


def _layers(content: PageContent) -> Iterator[tuple[str, Layer]]:
    """What is there, each with the name that the page's address has for it."""
    if content.semantic is not None:
        yield "semantic", _semantic_layer("Semantic", content.semantic, content)
    if content.instance is not None:
        yield "instances", _instance_layer(content)
    if content.proposal_boxes is not None:
        yield "proposals", _proposal_layer(content)
    if content.true_semantic is not None:
        semantic = content.true_semantic
        yield "true-semantic", _semantic_layer("True classes", semantic, content)
    if content.true_instance is not None:
        yield "true-instances", _true_instance_layer(content)
    for number, layer in enumerate(content.layers, start=1):
        yield f"layer-{number}", layer


def _semantic_layer(label: str, semantic: np.ndarray, content: PageContent):
    semantic = np.asarray(semantic)
    counts = np.bincount(semantic, minlength=1 + len(content.class_names))
    rows = [
        Entry(name, class_colors(np.array(number)), int(counts[number]))
        for number, name in enumerate(content.class_names, start=1)
    ]
    return LabelLayer(label, semantic.astype(np.int64) - 1, rows, "classes")


def _instance_layer(content: PageContent) -> LabelLayer:
    rows = [
        Entry(
            row.name,
            instance_colors(np.array(number)),
            row.num_points,
            row.score,
            row.box,
        )
        for number, row in enumerate(content.instances)
    ]
    return LabelLayer("Instances", content.instance, rows)


def _proposal_layer(content: PageContent) -> BoxLayer:
    boxes = np.asarray(content.proposal_boxes)
    scores = np.asarray(content.proposal_scores)
    best = np.argsort(-scores, kind="stable")[:MAX_PROPOSALS]
    rows = [
        Entry(f"proposal {rank}", score=scores[row], box=boxes[row])
        for rank, row in enumerate(best, start=1)
    ]
    return BoxLayer("Proposals", rows, len(boxes))


def _true_instance_layer(content: PageContent) -> LabelLayer:
    instance = np.asarray(content.true_instance)
    rows = []
    for number in range(1 + int(instance.max(initial=-1))):
        inside = instance == number
        color = instance_colors(np.array(number))
        rows.append(Entry(_majority_name(content, inside), color, int(inside.sum())))
    return LabelLayer("True instances", instance, rows)


def _majority_name(content: PageContent, inside: np.ndarray) -> str:
    if content.true_semantic is None or not inside.any():
        return "object"
    number = np.bincount(np.asarray(content.true_semantic)[inside]).argmax()
    return content.class_names[number - 1] if number else "background"


def _check(content: PageContent) -> None:
    points = np.asarray(content.points)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"points must be [V, 3], got {points.shape}")
    check_shape("colors", content.colors, points.shape)
    check_shape("groups", content.groups, points.shape[:1])
    classes, objects = len(content.class_names), len(content.instances)
    for name, low, high in (
        ("semantic", 0, classes),
        ("true_semantic", 0, classes),
        ("instance", -1, objects - 1),
        ("true_instance", -1, 65534),
    ):
        labels = getattr(content, name)
        check_shape(name, labels, points.shape[:1])
        check_range(name, labels, low, high)
    if content.proposal_boxes is not None:
        count = len(content.proposal_boxes)
        check_shape("proposal_boxes", content.proposal_boxes, (count, 6))
        if content.proposal_scores is None:
            raise ValueError("proposal_scores must come with proposal_boxes, got None")
        check_shape("proposal_scores", content.proposal_scores, (count,))
    for layer in content.layers:
        layer.check(len(points))
