"""Figure 3: instance sensitive features and predicted centres of a scene's points."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from gspn_tf.nn import pyramid
from gspn_tf.paper.figures.drawing import Drawing, apart, view_of
from gspn_tf.paper.figures.networks import Trained
from gspn_tf.paper.figures.subjects import Subject
from gspn_tf.visualize import (
    Caption,
    ColorLayer,
    Dots,
    Entry,
    LabelLayer,
    PageContent,
    Panel,
    Row,
    class_colors,
    instance_colors,
)
from gspn_tf.visualize.palette import component_colors

PALE = (226, 228, 231)  # background, which has no centre
CAPTION = (
    "context features: first principal component as lightness, second from blue to "
    "orange, third from green to pink"
)


class Sensed(NamedTuple):
    """What a proposal network makes of the N points that it sees of a scene."""

    rows: np.ndarray  # [N] of the scene's points
    context: np.ndarray  # [N, C] instance sensitive features, section 3.1
    centers: np.ndarray  # [N, 3] predicted centre of the point's object, metres
    semantic: np.ndarray  # [N] predicted class, 0 = background


def sense(trained: Trained, subject: Subject, seed: int = 0) -> Sensed:
    """Context features are those of the three nearest seeds, as in section 3.2."""
    scan = trained.observe(subject, seed)
    scene = trained.model(scan.batch, training=False).scene
    context = pyramid.interpolate(scene.context, scene.to_seeds)
    return Sensed(
        rows=scan.rows.numpy(),
        context=context[0].numpy(),
        centers=scene.centers[0].numpy() + scan.origin.numpy(),
        semantic=scene.semantic_logits[0].numpy().argmax(axis=-1),
    )


def principal_components(features: np.ndarray) -> np.ndarray:
    """The three leading components of features [N, C], each scaled to 0..1: [N, 3].

    A component's largest coefficient is positive, so that its sign is always the same.
    0 and 1 are its 2nd and 98th percentile; what lies beyond is cut.
    """
    centered = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    _, vectors = np.linalg.eigh(centered.T @ centered)
    leading = vectors[:, ::-1][:, :3]
    largest = np.abs(leading).argmax(axis=0)
    leading = leading * np.sign(leading[largest, np.arange(leading.shape[1])])
    values = centered @ leading
    low, high = np.percentile(values, [2, 98], axis=0)
    scaled = (values - low) / np.where(high > low, high - low, 1.0)
    missing = 3 - scaled.shape[1]
    return np.pad(np.clip(scaled, 0, 1), [(0, 0), (0, missing)], constant_values=0.5)


class CenterFigures(NamedTuple):
    """How near predicted centres are, in diagonals of each object's box."""

    to_truth: float  # mean distance to the true centre
    of_points: float  # the same of the points themselves: what no network achieves
    spread: float  # mean distance to the object's mean predicted centre
    objects: list[dict[str, Any]]  # the same of each object


def center_figures(subject: Subject, sensed: Sensed) -> CenterFigures:
    """Means over the points on objects that the network sees.

    An object's size is the diagonal of the box of all its points, and the middle of
    that box its true centre (section 3.1). ValueError where no such point is seen.
    """
    owner, rows = subject.instance[sensed.rows], []
    for number in np.unique(owner[owner >= 0]):
        box, own = subject.box_of(number), owner == number
        diagonal = np.linalg.norm(box[3:])
        if not diagonal:
            continue
        found = sensed.centers[own]
        rows.append(
            {
                "object": int(number),
                "class": subject.class_of(number),
                "points": int(own.sum()),
                "to_truth": _mean_distance(found, box[:3]) / diagonal,
                "of_points": _mean_distance(subject.points[sensed.rows[own]], box[:3])
                / diagonal,
                "spread": _mean_distance(found, found.mean(axis=0)) / diagonal,
            }
        )
    if not rows:
        raise ValueError(f"{subject.name} has no object among the points seen")
    counts = [row["points"] for row in rows]
    names = ("to_truth", "of_points", "spread")
    means = (np.average([row[name] for row in rows], weights=counts) for name in names)
    return CenterFigures(*map(float, means), rows)


def _mean_distance(points: np.ndarray, center: np.ndarray) -> float:
    return float(np.linalg.norm(points - center, axis=1).mean())


class Shown(NamedTuple):
    """A scene and its V points as the two halves of the figure show them."""

    subject: Subject
    sensed: Sensed
    features: np.ndarray  # [V, 3] uint8 colours
    inside: np.ndarray  # [N] whether a point that the network sees is on an object
    moved: np.ndarray  # [N, 3] those on objects at their predicted centres, metres
    moved_colors: np.ndarray  # [N, 3] uint8, of the others pale


def show(subject: Subject, sensed: Sensed) -> Shown:
    """Each point has the features' colour of the nearest that the network sees.

    Without truth a point is on an object, and of that object's colour, where its
    predicted class is.
    """
    colors = component_colors(principal_components(sensed.context))
    seen = subject.points[sensed.rows]
    _, nearest = cKDTree(seen).query(subject.points)
    inside, own = sensed.semantic > 0, class_colors(sensed.semantic)
    if subject.labelled:
        owner = subject.instance[sensed.rows]
        inside, own = owner >= 0, instance_colors(owner)
    moved = np.where(inside[:, None], sensed.centers, seen)
    moved_colors = np.where(inside[:, None], own, PALE).astype(np.uint8)
    return Shown(subject, sensed, colors[nearest], inside, moved, moved_colors)


def figure_3(
    trained: Trained, subjects: Sequence[Subject], *, width: int = 480, seed: int = 0
) -> Drawing:
    """(a) features as colours, (b) points of objects moved to their centres.

    seed: of the points that the network sees.
    """
    scenes = [show(subject, sense(trained, subject, seed)) for subject in subjects]
    return Drawing(
        title="Instance sensitive features and predicted centres",
        rows=[Row(s.subject.name, s.subject.points, _panels(s)) for s in scenes],
        view=view_of(subjects[0].kind, width, round(0.75 * width)),
        content=_content(scenes),
        caption=Caption(CAPTION),
        numbers={"scenes": [_numbers(s.subject, s.sensed) for s in scenes]},
    )


def _numbers(subject: Subject, sensed: Sensed) -> dict[str, Any]:
    if not subject.labelled:
        return {"scene": subject.name}
    return {"scene": subject.name} | center_figures(subject, sensed)._asdict()


def _panels(scene: Shown) -> list[Panel]:
    """Input, truth where there is any, features, centres."""
    subject, moved = scene.subject, scene.moved
    panels = [Panel("input", subject.shades())]
    if subject.labelled:
        panels.append(Panel("true instances", instance_colors(subject.instance)))
    panels.append(Panel("(a) context features", scene.features))
    kinds = scene.moved_colors[scene.inside]
    kinds, kind = np.unique(kinds, axis=0, return_inverse=True)
    dots = [
        Dots(moved[scene.inside][kind == number], tuple(map(int, color)), 0.007)
        for number, color in enumerate(kinds)
    ]
    rest = moved[~scene.inside]
    if subject.labelled:
        rest = subject.points[subject.instance < 0]
    pale = np.full(rest.shape, PALE, np.uint8)
    return [*panels, Panel("(b) predicted centres", pale, points=rest, dots=dots)]


def _content(scenes: Sequence[Shown]) -> PageContent:
    """Each scene as it is, and beside it with its points moved."""
    clouds, shades, features, centers, labels, entries = [], [], [], [], [], []
    for subject, sensed, colors, _, moved, moved_colors in scenes:
        clouds += [subject.points, moved]
        shades += [subject.shades(), subject.shades()[sensed.rows]]
        features += [colors, colors[sensed.rows]]
        centers += [subject.shades(), moved_colors]
        owner = np.full(len(colors), -1)
        if subject.labelled:
            owner = np.where(subject.instance < 0, -1, subject.instance + len(entries))
            entries += _entries(subject)
        labels += [owner, owner[sensed.rows]]
    groups = np.repeat(np.arange(len(clouds)), [len(cloud) for cloud in clouds])
    layers = [
        ColorLayer("Context features", np.concatenate(features)),
        ColorLayer("Predicted centres", np.concatenate(centers)),
    ]
    if entries:
        layers.append(LabelLayer("True instances", np.concatenate(labels), entries))
    points = np.concatenate(apart(clouds)[0])
    shades = np.concatenate(shades)
    return PageContent(points=points, colors=shades, groups=groups, layers=layers)


def _entries(subject: Subject) -> list[Entry]:
    return [
        Entry(
            f"{subject.name}: {subject.class_of(number)}",
            instance_colors(np.array(number)),
            int((subject.instance == number).sum()),
        )
        for number in range(subject.instance.max(initial=-1) + 1)
    ]
