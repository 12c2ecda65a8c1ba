"""Figure 3: instance sensitive features and predicted centres of a scene's points."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from gspn_tf.paper.figures import drawing
from gspn_tf.paper.figures.designs import Design
from gspn_tf.paper.figures.networks import Sensed, Trained, sense
from gspn_tf.paper.figures.subjects import Subject
from gspn_tf.visualize.palette import component_colors, instance_colors
from gspn_tf.visualize.render import Dots, Panel, PanelRow

PALE = (226, 228, 231)  # background, which has no centre
CAPTION = (
    "context features: first principal component as lightness, second from blue to "
    "orange, third from green to pink"
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
    return np.clip(scaled, 0, 1)


def center_numbers(
    subject: Subject, rows: np.ndarray, centers: np.ndarray
) -> dict[str, float]:
    """Measure the centres [N, 3] of points `rows` [N]: means over those on objects.

    An object's size is the diagonal of the box of all its points, and the middle of
    that box its true centre (section 3.1).

    Returns:
        In sizes of the object, the distance `to_truth`, and that `of_points`
        themselves, which no network achieves.

    Raises:
        ValueError: no such point is seen.
    """
    owner = subject.instance[rows]
    to_truth, of_points = [], []
    for number in np.unique(owner[owner >= 0]):
        box, own = subject.box_of(number), owner == number
        if diagonal := np.linalg.norm(box[3:]):
            to_truth.append(_distances(centers[own], box[:3]) / diagonal)
            points = subject.points[rows[own]]
            of_points.append(_distances(points, box[:3]) / diagonal)
    if not to_truth:
        raise ValueError(f"{subject.name} has no object among the points seen")
    return {
        "to_truth": float(np.concatenate(to_truth).mean()),
        "of_points": float(np.concatenate(of_points).mean()),
    }


def _distances(points: np.ndarray, center: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points - center, axis=1)


def figure_3(
    networks: Sequence[Trained], subjects: Sequence[Subject], design: Design
) -> drawing.Drawing:
    """Draw (a) features as colours, (b) points of objects moved to their centres.

    Each scene is a row; the first of the networks is shown.
    """
    rows, numbers = [], []
    for subject in subjects:
        sensed = sense(networks[0], subject, design.seed)
        quality = center_numbers(subject, sensed.rows, sensed.centers())
        rows.append(PanelRow(subject.name, subject.points, _panels(subject, sensed)))
        numbers.append({"scene": subject.name} | quality)
    return drawing.Drawing(
        rows=rows,
        view=drawing.view_of(subjects[0].kind, design.width),
        caption=CAPTION,
        numbers={"scenes": numbers},
    )


def _panels(subject: Subject, sensed: Sensed) -> list[Panel]:
    """Return the panels of a scene.

    Each point has the features' colour of the nearest that the network sees.
    """
    seen = subject.points[sensed.rows]
    _, nearest = cKDTree(seen).query(subject.points)
    features = component_colors(principal_components(sensed.context()))
    owner = subject.instance[sensed.rows]
    inside, own = owner >= 0, instance_colors(owner)
    rest = subject.points[subject.instance < 0]
    dots = [Dots(sensed.centers()[inside], own[inside], 0.007)]
    pale = np.full(rest.shape, PALE, np.uint8)
    return [
        Panel("input", subject.colors),
        Panel("true instances", instance_colors(subject.instance)),
        Panel("(a) context features", features[nearest]),
        Panel("(b) predicted centres", pale, points=rest, dots=dots),
    ]
