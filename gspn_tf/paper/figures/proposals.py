"""Figure 7: what several networks propose at one seed, and the choice of that seed."""

from collections.abc import Sequence

import numpy as np

from gspn_tf.nn import boxes as box_lib
from gspn_tf.paper.figures.designs import Design
from gspn_tf.paper.figures.drawing import SHAPES, Drawing, view_of
from gspn_tf.paper.figures.networks import Proposal, Trained, sense, titles
from gspn_tf.paper.figures.subjects import Subject
from gspn_tf.visualize.raster import Viewpoint
from gspn_tf.visualize.render import Dots, Panel, PanelRow

SEED_INK, POINT_INK = (213, 94, 0), (0, 114, 178)
FADE = 0.6  # share of white in what surrounds a proposal
CAPTION = "orange dot: the seed; orange box: the proposal; blue dots: points behind it"


def figure_7(
    networks: Sequence[Trained], subjects: Sequence[Subject], design: Design
) -> Drawing:
    """Draw networks' proposals at one seed, the first network's last as in the paper.

    The scene is the first with a chair. Of each network its nearest seed counts.
    """
    subject, order = with_a_chair(subjects), [*networks[1:], networks[0]]
    found = [sense(network, subject, design.seed) for network in order]
    place = seed_place(subject, design.seed_point, found[-1].seeds())
    pairs = zip(found, titles(order), strict=True)
    proposals = [seeds.nearest(place, title) for seeds, title in pairs]
    truth = _true_box(subject, proposals[-1].seed)
    box = proposals[-1].box if truth is None else truth
    near = _around(subject, np.array([box, *(each.box for each in proposals)]))
    panels = _panels(subject.colors[near], proposals, truth)
    numbers = [
        {
            "network": each.title,
            "seed": [round(value, 4) for value in each.seed.tolist()],
            "box": [round(value, 4) for value in each.box.tolist()],
            "score": round(each.score, 4),
        }
        | ({} if truth is None else {"iou": _iou(each.box, truth)})
        for each in proposals
    ]
    return Drawing(
        rows=[PanelRow("", subject.points[near], panels)],
        view=inner_view(subject, box, design.width),
        caption=CAPTION,
        numbers={"scene": subject.name, "proposals": numbers},
    )


def _true_box(subject: Subject, seed: np.ndarray) -> np.ndarray | None:
    """Return the box [6] of the object that the seed lies on, if any is known."""
    row = np.linalg.norm(subject.points - seed, axis=1).argmin()
    number = subject.instance[row]
    return None if number < 0 else subject.box_of(number)


def _around(subject: Subject, boxes: np.ndarray) -> np.ndarray:
    """Return the rows of the points near boxes [R, 6]; of a shape all."""
    if subject.kind in SHAPES:
        return np.arange(len(subject.points))
    low = (boxes[:, :3] - boxes[:, 3:] / 2).min(axis=0)
    high = (boxes[:, :3] + boxes[:, 3:] / 2).max(axis=0)
    margin = 0.2 * np.linalg.norm(high - low)
    inside = (subject.points >= low - margin) & (subject.points <= high + margin)
    return np.flatnonzero(inside.all(axis=1))


def inner_view(subject: Subject, box: np.ndarray, width: int) -> Viewpoint:
    """Return the view of a box [6] from the scene's middle: no wall stands between."""
    view = view_of(subject.kind, width, ratio=0.8)
    if subject.kind in SHAPES:
        return view
    x, y = subject.points.mean(axis=0)[:2] - box[:2]
    azimuth = float(np.degrees(np.arctan2(y, x)))
    return view._replace(azimuth=azimuth, elevation=30.0, open_walls=False)


def _panels(
    shades: np.ndarray, proposals: Sequence[Proposal], truth: np.ndarray | None
) -> list[Panel]:
    faded = (shades * (1 - FADE) + 255 * FADE).round().astype(np.uint8)
    seeds = [
        Dots(each.seed[None], SEED_INK, 0.016, (255, 255, 255)) for each in proposals
    ]
    panels = [Panel("(a) input and seed", shades, dots=seeds[-1:])]
    for number, (proposal, seed) in enumerate(zip(proposals, seeds, strict=True)):
        title = f"({chr(ord('b') + number)}) {proposal.title}"
        if truth is not None:
            title += f", IoU {_iou(proposal.box, truth):.2f}"
        dots = [Dots(proposal.points, POINT_INK, 0.005), seed]
        panels.append(Panel(title, faded, proposal.box[None], dots=dots))
    return panels


def _iou(box: np.ndarray, truth: np.ndarray) -> float:
    pair = (np.asarray(each, np.float32)[None] for each in (box, truth))
    return float(box_lib.pairwise_iou(*pair)[0, 0])


CHAIR = "chair"
FAR = 0.1  # of the scene's diagonal: farther from all points a place is no seed
FEW = 8  # seeds on an object from which it is seen well enough
NEAR = 0.1  # of an object's diagonal: so near its box others stand close


def with_a_chair(subjects: Sequence[Subject]) -> Subject:
    """Return the first scene with a chair, as the paper's has, else the first scene."""
    for subject in subjects:
        names = map(subject.class_of, range(subject.num_instances))
        if CHAIR in names:
            return subject
    return subjects[0]


def seed_place(
    subject: Subject, wanted: Sequence[float] | None, rows: np.ndarray
) -> np.ndarray:
    """Return where to look [3]: at a place that is wanted, or at a leg.

    Args:
        subject: scene to look at.
        wanted: x, y, z; default: a leg among `rows`.
        rows: [S] points of the scene that are seeds.

    Raises:
        ValueError: nothing near that place, or no seed on an object.
    """
    if wanted is None:
        return subject.points[_leg(subject, rows)]
    nearest = np.linalg.norm(subject.points - wanted, axis=1).min()
    reach = FAR * np.linalg.norm(np.ptp(subject.points, axis=0))
    if not nearest <= reach:
        raise ValueError(
            f"seed_point {wanted}: the nearest point of {subject.name} is "
            f"{nearest:.2f} m away, expected one within {reach:.2f} m"
        )
    return np.array(wanted, np.float32)


def _leg(subject: Subject, rows: np.ndarray) -> int:
    """Choose a seed as the paper's: low and far out on the chair most crowded round."""
    owner = subject.instance[rows]
    numbers, counts = np.unique(owner[owner >= 0], return_counts=True)
    if not len(numbers):
        raise ValueError(f"no seed in {subject.name} lies on an object")
    numbers = numbers[counts >= min(FEW, counts.max())]
    chairs = [n for n in numbers if subject.class_of(n) == CHAIR]
    chosen = max(chairs or numbers, key=lambda number: _crowding(subject, number))
    own = rows[owner == chosen]
    box = subject.box_of(chosen)
    height = (subject.points[own, 2] - box[2]) / max(box[5], 1e-6) + 0.5
    low = own[(height > 0.05) & (height < 0.4)]
    own = low if len(low) else own
    out = np.linalg.norm(subject.points[own, :2] - box[:2], axis=1)
    return int(own[out.argmax()])


def _crowding(subject: Subject, number: int) -> int:
    """Count the points of other objects that lie in or near an object's box."""
    box = subject.box_of(number)
    reach = box[3:] / 2 + NEAR * np.linalg.norm(box[3:])
    near = (np.abs(subject.points - box[:3]) <= reach).all(axis=1)
    return int((near & (subject.instance >= 0) & (subject.instance != number)).sum())
