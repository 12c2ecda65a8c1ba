"""Figure 7: what several networks propose at one seed, with their boxes."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from gspn_tf.models.gspn import GSPNOutputs
from gspn_tf.models.proposers.segments import THRESHOLD, SegmentOutputs
from gspn_tf.models.proposers.shapes import ShapeOutputs
from gspn_tf.nn import boxes as box_lib
from gspn_tf.paper.figures.drawing import SHAPES, Drawing, apart, view_of
from gspn_tf.paper.figures.networks import Trained, titles
from gspn_tf.paper.figures.seeds import seed_place
from gspn_tf.paper.figures.subjects import Subject
from gspn_tf.visualize import (
    BoxLayer,
    Caption,
    Dots,
    Entry,
    PageContent,
    Panel,
    Row,
    View,
    instance_colors,
)

TITLES = {
    "shapes": "GSPN",
    "boxes": "box regression",
    "segments": "binary segmentation",
}
SEED_INK, POINT_INK = (213, 94, 0), (0, 114, 178)
AZIMUTHS = tuple(float(angle) for angle in range(10, 370, 30))  # degrees
FADE = 0.6  # share of white in what surrounds a proposal
CAPTION = "orange dot: the seed; orange box: the proposal; blue dots: points behind it"


class Proposal(NamedTuple):
    """What a network proposes at the seed that is nearest to a place."""

    title: str
    seed: np.ndarray  # [3] metres
    box: np.ndarray  # [6]
    score: float  # objectness, 0..1
    points: np.ndarray  # [P, 3] generated or segmented; none of a regressed box


class Seeds(NamedTuple):
    """A network's proposals at all its seeds."""

    rows: np.ndarray  # [S] of the scene's points
    seen: np.ndarray  # [N] of the scene's points, those that the network sees
    origin: np.ndarray  # [3] metres, of the frame of the outputs
    outputs: GSPNOutputs


def title_of(trained: Trained) -> str:
    """What makes the proposals of a network."""
    return TITLES[trained.config.model.proposal.proposer]


def propose(trained: Trained, subject: Subject, seed: int = 0) -> Seeds:
    """The proposals for the points that the network sees."""
    scan = trained.observe(subject, seed)
    outputs = trained.model(scan.batch, training=False)
    seen = scan.rows.numpy()
    real = min(len(seen), outputs.seeds.shape[1])
    rows = seen[outputs.seeds[0].numpy()[:real]]
    return Seeds(rows, seen, scan.origin.numpy(), outputs)


def proposal_at(
    trained: Trained, subject: Subject, seeds: Seeds, place: np.ndarray, title: str
) -> Proposal:
    """The proposal of the seed nearest to a place [3]."""
    points = subject.points[seeds.rows]
    row = int(np.linalg.norm(points - place, axis=1).argmin())
    proposals = seeds.outputs.proposals
    box = proposals.boxes[0, row].numpy().astype(np.float64)
    box[:3] += seeds.origin
    score = float(keras.ops.sigmoid(proposals.scores[0, row]))
    behind = _points_behind(trained, subject, seeds, row)
    return Proposal(title, points[row], box, score, behind)


def _points_behind(
    trained: Trained, subject: Subject, seeds: Seeds, row: int
) -> np.ndarray:
    """What the box is around: confident points of a shape, or points of a segment."""
    found = seeds.outputs.proposed
    if isinstance(found, ShapeOutputs):
        least = trained.config.model.proposal.min_confidence
        sure = keras.ops.sigmoid(found.generated.confidence[0, row]).numpy() > least
        return found.generated.points[0, row].numpy()[sure] + seeds.origin
    if isinstance(found, SegmentOutputs):
        inside = keras.ops.sigmoid(found.membership[0, row]).numpy() > THRESHOLD
        inside &= found.counted[0, row].numpy()
        return subject.points[seeds.seen[found.members[0, row].numpy()[inside]]]
    return np.zeros((0, 3))


def figure_7(
    networks: Sequence[Trained],
    subject: Subject,
    *,
    seed_point: str | None = None,
    width: int = 480,
    seed: int = 0,
) -> Drawing:
    """The proposals of networks at one seed, the first network's last as in the paper.

    seed_point: of the scene's points the number, or "x,y,z" in metres; default: see
    `seed_place`. Of each network the nearest seed counts. seed: of the points seen.
    """
    order = [*networks[1:], networks[0]]
    names = titles(order, [title_of(network) for network in order])
    found = [propose(network, subject, seed) for network in order]
    place = seed_place(subject, seed_point, found[-1].rows)
    proposals = [
        proposal_at(network, subject, seeds, place, name)
        for network, seeds, name in zip(order, found, names, strict=True)
    ]
    truth = _true_box(subject, proposals[-1].seed)
    near = _around(subject, proposals, truth)
    return Drawing(
        title=f"Proposals at one seed of {subject.name}",
        rows=[Row("", subject.points[near], _panels(subject, near, proposals, truth))],
        view=clear_view(
            subject, near, proposals[-1].box if truth is None else truth, width
        ),
        content=_content(subject, near, proposals),
        caption=Caption(CAPTION),
        numbers={
            "scene": subject.name,
            "proposals": [_numbers(proposal, truth) for proposal in proposals],
        },
    )


def _true_box(subject: Subject, seed: np.ndarray) -> np.ndarray | None:
    """Box [6] of the object that the seed lies on; None of none, and without truth."""
    if not subject.labelled:
        return None
    row = np.linalg.norm(subject.points - seed, axis=1).argmin()
    number = subject.instance[row]
    return None if number < 0 else subject.box_of(number)


def _around(
    subject: Subject, proposals: Sequence[Proposal], truth: np.ndarray | None
) -> np.ndarray:
    """Rows of the points near the boxes; of a shape all."""
    if subject.kind in SHAPES:
        return np.arange(len(subject.points))
    boxes = np.array([p.box for p in proposals] + ([] if truth is None else [truth]))
    low = (boxes[:, :3] - boxes[:, 3:] / 2).min(axis=0)
    high = (boxes[:, :3] + boxes[:, 3:] / 2).max(axis=0)
    margin = 0.2 * np.linalg.norm(high - low)
    inside = (subject.points >= low - margin) & (subject.points <= high + margin)
    return np.flatnonzero(inside.all(axis=1))


def clear_view(subject: Subject, near: np.ndarray, box: np.ndarray, width: int) -> View:
    """From the side on which least stands before a box; of shapes the usual one."""
    view = view_of(subject.kind, width, round(0.8 * width))
    if subject.kind in SHAPES:
        return view
    view = view._replace(elevation=30.0, open_walls=False)
    around = subject.points[near] - box[:3]
    half = np.linalg.norm(box[3:]) / 2

    def hiding(azimuth: float) -> int:
        turn, rise = np.radians([azimuth, view.elevation])
        level = np.array([np.cos(turn), np.sin(turn)]) * np.cos(rise)
        towards = np.array([*level, np.sin(rise)])  # the camera
        along = around @ towards
        aside = np.linalg.norm(around - along[:, None] * towards, axis=1)
        return int(((along > half) & (aside < half)).sum())

    return view._replace(azimuth=min(AZIMUTHS, key=hiding))


def _panels(
    subject: Subject,
    near: np.ndarray,
    proposals: Sequence[Proposal],
    truth: np.ndarray | None,
) -> list[Panel]:
    shades = subject.shades()[near]
    faded = (shades * (1 - FADE) + 255 * FADE).round().astype(np.uint8)
    seed = Dots(proposals[-1].seed[None], SEED_INK, 0.016, (255, 255, 255))
    panels = [Panel("(a) input and seed", shades, dots=[seed])]
    for number, proposal in enumerate(proposals):
        title = f"({chr(ord('b') + number)}) {proposal.title}"
        if truth is not None:
            title += f", IoU {_iou(proposal.box, truth):.2f}"
        dots = [
            Dots(proposal.points, POINT_INK, 0.005),
            Dots(proposal.seed[None], SEED_INK, 0.016, (255, 255, 255)),
        ]
        panels.append(Panel(title, faded, proposal.box[None], dots=dots))
    return panels


def _iou(box: np.ndarray, truth: np.ndarray) -> float:
    pair = (np.float32(each)[None] for each in (box, truth))
    return float(box_lib.pairwise_iou(*pair)[0, 0])


def _numbers(proposal: Proposal, truth: np.ndarray | None) -> dict:
    numbers = {
        "network": proposal.title,
        "seed": [round(float(value), 4) for value in proposal.seed],
        "box": [round(float(value), 4) for value in proposal.box],
        "score": round(proposal.score, 4),
    }
    return numbers if truth is None else numbers | {"iou": _iou(proposal.box, truth)}


def _content(
    subject: Subject, near: np.ndarray, proposals: Sequence[Proposal]
) -> PageContent:
    """The surroundings once for each network, with its points and its box."""
    around, shades = subject.points[near], subject.shades()[near]
    # The clouds are moved apart alike, so that the moves hold for points and boxes.
    _, moves = apart([around] * len(proposals))
    clouds, colors, entries = [], [], []
    for proposal, move in zip(proposals, moves, strict=True):
        clouds += [around + move, proposal.points + move]
        blue = np.tile(instance_colors(np.array(0)), (len(proposal.points), 1))
        colors += [shades, blue]
        box = proposal.box + np.concatenate([move, np.zeros(3)])
        entries.append(Entry(proposal.title, score=proposal.score, box=box))
    sizes = [len(near) + len(proposal.points) for proposal in proposals]
    return PageContent(
        points=np.concatenate(clouds),
        colors=np.concatenate(colors),
        groups=np.repeat(np.arange(len(sizes)), sizes),
        layers=[BoxLayer("Proposals", entries)],
    )
