"""Figure 3: instance sensitive features and predicted centres of a scene's points."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from gspn_tf.paper.figures import drawing
from gspn_tf.paper.figures.designs import Design
from gspn_tf.paper.figures.networks import Sensed, Trained, sense
from gspn_tf.paper.figures.subjects import Subject
from gspn_tf.visualize.layers import Layer
from gspn_tf.visualize.page import PageContent
from gspn_tf.visualize.palette import class_colors, instance_colors
from gspn_tf.visualize.render import Dots, Panel, PanelRow

PALE = (226, 228, 231)  # background, which has no centre
CAPTION = (
    "context features: first principal component as lightness, second from blue to "
    "orange, third from green to pink"
)
TOLD = (
    "{scene}: predicted centres lie {to_truth:.3f} of the object's size from the true "
    "one, the points themselves {of_points:.3f}"
)


def principal_components(features: np.ndarray) -> np.ndarray:
    """Return three leading components of features [N, C], each scaled to 0..1: [N, 3].

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


def center_numbers(subject: Subject, sensed: Sensed) -> dict[str, Any]:
    """Measure centres: means over the points on objects that the network sees.

    An object's size is the diagonal of the box of all its points, and the middle of
    that box its true centre (section 3.1).

    Returns:
        In sizes of the object, the distance `to_truth`, that `of_points` themselves,
        which no network achieves, the `spread` about the object's mean predicted
        centre, and the same of each of the `objects`.

    Raises:
        ValueError: no such point is seen.
    """
    owner = subject.instance[sensed.rows]
    rows: list[dict[str, Any]] = []
    for number in np.unique(owner[owner >= 0]):
        box, own = subject.box_of(number), owner == number
        diagonal = float(np.linalg.norm(box[3:]))
        if not diagonal:
            continue
        found, points = sensed.centers[own], subject.points[sensed.rows[own]]
        rows.append(
            {
                "object": int(number),
                "class": subject.class_of(number),
                "points": len(points),
                "to_truth": _mean_distance(found, box[:3]) / diagonal,
                "of_points": _mean_distance(points, box[:3]) / diagonal,
                "spread": _mean_distance(found, found.mean(axis=0)) / diagonal,
            }
        )
    if not rows:
        raise ValueError(f"{subject.name} has no object among the points seen")
    counts = [row["points"] for row in rows]
    means = {
        name: float(np.average([row[name] for row in rows], weights=counts))
        for name in ("to_truth", "of_points", "spread")
    }
    return means | {"objects": rows}


def _mean_distance(points: np.ndarray, center: np.ndarray) -> float:
    return float(np.linalg.norm(points - center, axis=1).mean())


def figure_3(
    networks: Sequence[Trained], subjects: Sequence[Subject], design: Design
) -> drawing.Drawing:
    """Draw (a) features as colours, (b) points of objects moved to their centres.

    Each scene is a row; the first of the networks is shown.
    """
    rows, contents, numbers, told = [], [], [], []
    for subject in subjects:
        sensed = sense(networks[0], subject, design.seed)
        row, content = _scene(subject, sensed)
        rows.append(row)
        contents.append(content)
        numbers.append({"scene": subject.name})
        if subject.labelled:
            numbers[-1] |= center_numbers(subject, sensed)
            told.append(TOLD.format(**numbers[-1]))
    return drawing.Drawing(
        rows=rows,
        view=drawing.view_of(subjects[0].kind, design.width),
        content=drawing.side_by_side(contents, [row.title for row in rows]),
        caption=CAPTION,
        numbers={"scenes": numbers},
        told=told,
    )


def _scene(subject: Subject, sensed: Sensed) -> tuple[PanelRow, PageContent]:
    """Return panels, and a cloud beside which the points seen stand at their centres.

    Each point has the features' colour of the nearest that the network sees. Without
    truth a point is on an object, and of that object's colour, where its predicted
    class is.
    """
    seen = subject.points[sensed.rows]
    _, nearest = cKDTree(seen).query(subject.points)
    components = principal_components(sensed.context)
    features = np.round(255 * components).astype(np.uint8)
    inside, own = sensed.semantic > 0, class_colors(sensed.semantic)
    rest = seen[~inside]
    layers = [subject.input_layer()]
    if subject.labelled:
        owner = subject.instance[sensed.rows]
        inside, own = owner >= 0, instance_colors(owner)
        rest = subject.points[subject.instance < 0]
        layers.append(subject.instance_layer())
    layers.append(Layer("context features", colors=features[nearest]))
    panels = drawing.panels_of(PageContent(subject.points, layers))
    panels[-1] = panels[-1]._replace(title="(a) context features")
    dots = _dots(sensed.centers[inside], own[inside])
    pale = np.full(rest.shape, PALE, np.uint8)
    panels.append(Panel("(b) predicted centres", pale, points=rest, dots=dots))

    moved = np.where(inside[:, None], sensed.centers, seen)
    moved_colors = np.where(inside[:, None], own, PALE)
    both = np.append(np.arange(len(subject.points)), sensed.rows)
    layers = [layer.picked(both) for layer in layers]
    centers = np.concatenate([subject.colors, moved_colors])
    layers.append(Layer("predicted centres", colors=centers))
    places = drawing.places_apart([subject.points, moved])
    points = np.concatenate([subject.points + places[0], moved + places[1]])
    groups = np.repeat([0, 1], [len(subject.points), len(moved)])
    row = PanelRow(subject.name, subject.points, panels)
    return row, PageContent(points, layers, groups)


def _dots(points: np.ndarray, colors: np.ndarray) -> list[Dots]:
    """Return points [M, 3] as dots of their colours."""
    kinds, kind = np.unique(colors, axis=0, return_inverse=True)
    return [
        Dots(points[kind == number], tuple(map(int, color)), 0.007)
        for number, color in enumerate(kinds)
    ]
