"""One HTML page to look at a scan and what was found in it; needs no network."""

import base64
import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gspn_tf.files import write_text
from gspn_tf.visualize.assets import fill
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
        "nothing": _hex(np.array(NOTHING)),
        "layers": [
            *_input_layer(content),
            *_semantic_layer("semantic", "Semantic", content.semantic, content, shown),
            *_instance_layer(content, shown),
            *_proposal_layer(content),
            *_semantic_layer(
                "true-semantic", "True classes", content.true_semantic, content, shown
            ),
            *_true_instance_layer(content, shown),
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
        "positions": _encoded(steps),
        "sizes": _encoded(np.ceil(sizes * (255 / largest)).astype("u1")),
        "largest": largest,
        "outward": _encoded(np.round(127 * outward_directions(points)).astype("i1")),
    }
    if content.colors is not None:
        cloud["colors"] = _encoded(np.asarray(content.colors)[shown].astype("u1"))
    return cloud


def _input_layer(content: PageContent) -> Iterator[dict]:
    if content.colors is not None:
        yield {"id": "input", "label": "Input", "kind": "colors", "rows": []}
    else:
        yield {"id": "input", "label": "Input", "kind": "plain", "rows": []}


def _semantic_layer(
    name: str,
    label: str,
    semantic: np.ndarray | None,
    content: PageContent,
    shown: np.ndarray,
) -> Iterator[dict]:
    if semantic is None:
        return
    semantic = np.asarray(semantic)
    counts = np.bincount(semantic, minlength=1 + len(content.class_names))
    rows = [
        {
            "name": class_name,
            "color": _hex(class_colors(np.array(number))),
            "points": int(counts[number]),
        }
        for number, class_name in enumerate(content.class_names, start=1)
    ]
    yield _labels_layer(name, label, rows, semantic[shown])


def _instance_layer(content: PageContent, shown: np.ndarray) -> Iterator[dict]:
    if content.instance is None:
        return
    rows = [
        {
            "name": row.name,
            "color": _hex(instance_colors(np.array(number))),
            "points": int(row.num_points),
            "score": round(float(row.score), 4),
            "box": None if row.box is None else _rounded(row.box),
        }
        for number, row in enumerate(content.instances)
    ]
    instance = np.asarray(content.instance)[shown]
    yield _labels_layer("instances", "Instances", rows, instance + 1)


def _proposal_layer(content: PageContent) -> Iterator[dict]:
    if content.proposal_boxes is None:
        return
    boxes = np.asarray(content.proposal_boxes)
    scores = np.asarray(content.proposal_scores)
    best = np.argsort(-scores, kind="stable")[:MAX_PROPOSALS]
    yield {
        "id": "proposals",
        "label": "Proposals",
        "kind": "boxes",
        "of": len(boxes),
        "rows": [
            {
                "name": f"proposal {rank}",
                "score": round(float(scores[row]), 4),
                "box": _rounded(boxes[row]),
            }
            for rank, row in enumerate(best, start=1)
        ],
    }


def _true_instance_layer(content: PageContent, shown: np.ndarray) -> Iterator[dict]:
    if content.true_instance is None:
        return
    instance = np.asarray(content.true_instance)
    rows = []
    for number in range(1 + int(instance.max(initial=-1))):
        inside = instance == number
        rows.append(
            {
                "name": _majority_name(content, inside),
                "color": _hex(instance_colors(np.array(number))),
                "points": int(inside.sum()),
            }
        )
    yield _labels_layer("true-instances", "True instances", rows, instance[shown] + 1)


def _majority_name(content: PageContent, inside: np.ndarray) -> str:
    if content.true_semantic is None or not inside.any():
        return "object"
    number = np.bincount(np.asarray(content.true_semantic)[inside]).argmax()
    return content.class_names[number - 1] if number else "background"


def _labels_layer(name: str, label: str, rows: list[dict], labels: np.ndarray) -> dict:
    """A layer that colours points; label 0 is nothing, label n is row n - 1."""
    return {
        "id": name,
        "label": label,
        "kind": "labels",
        "rows": rows,
        "labels": _encoded(labels.astype("<u2")),
    }


def _check(content: PageContent) -> None:
    points = np.asarray(content.points)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"points must be [V, 3], got {points.shape}")
    _check_shape("colors", content.colors, points.shape)
    classes, objects = len(content.class_names), len(content.instances)
    for name, low, high in (
        ("semantic", 0, classes),
        ("true_semantic", 0, classes),
        ("instance", -1, objects - 1),
        ("true_instance", -1, 65534),
    ):
        labels = getattr(content, name)
        _check_shape(name, labels, points.shape[:1])
        if labels is not None and len(labels):
            lowest, highest = np.min(labels), np.max(labels)
            if lowest < low or highest > high:
                raise ValueError(
                    f"{name} must lie in {low}..{high}, got {lowest}..{highest}"
                )
    if content.proposal_boxes is not None:
        count = len(content.proposal_boxes)
        _check_shape("proposal_boxes", content.proposal_boxes, (count, 6))
        if content.proposal_scores is None:
            raise ValueError("proposal_scores must come with proposal_boxes, got None")
        _check_shape("proposal_scores", content.proposal_scores, (count,))


def _check_shape(name: str, values: np.ndarray | None, shape: tuple[int, ...]) -> None:
    if values is not None and np.shape(values) != shape:
        raise ValueError(f"{name} must be {list(shape)}, got {list(np.shape(values))}")


def _encoded(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _rounded(box: Sequence[float]) -> list[float]:
    return [round(float(value), 4) for value in box]


def _hex(color: np.ndarray) -> str:
    red, green, blue = (int(value) for value in color)
    return f"#{red:02x}{green:02x}{blue:02x}"
