"""Figures 5, 6, 8, 9 and 10: what was found beside what is there, scene by scene."""

from collections.abc import Sequence

import numpy as np

from gspn_tf.inference.scene_segmenter import scene_segmenter
from gspn_tf.paper.figures.designs import Design
from gspn_tf.paper.figures.drawing import Drawing, view_of
from gspn_tf.paper.figures.networks import Trained, titles
from gspn_tf.paper.figures.subjects import Subject
from gspn_tf.visualize.palette import class_colors, instance_colors
from gspn_tf.visualize.render import Panel, PanelRow

SAME_OBJECT = 0.25  # IoU from which an instance found has the colour of a true one
CAPTION = "an instance found has the colour of the true one that it overlaps most"


def matched_numbers(masks: Sequence[np.ndarray], instance: np.ndarray) -> np.ndarray:
    """Return the colour number of each of D masks [D]: that of the object that it is.

    Pairs of mask and true instance are taken by falling IoU, each once, down to
    `SAME_OBJECT`; masks that are left get numbers after those of the true instances.
    """
    sizes = np.bincount(instance + 1, minlength=1)[1:]
    iou = np.zeros((len(masks), len(sizes)))
    for at, mask in enumerate(masks):
        shared = np.bincount(instance[mask] + 1, minlength=len(sizes) + 1)[1:]
        iou[at] = shared / (len(mask) + sizes - shared)
    numbers = np.full(len(masks), -1)
    while iou.size and iou.max() >= SAME_OBJECT:
        row, column = divmod(int(iou.argmax()), len(sizes))
        numbers[row] = column
        iou[row], iou[:, column] = 0, 0
    left = numbers < 0
    numbers[left] = len(sizes) + np.arange(left.sum())
    return numbers


def gallery(
    networks: Sequence[Trained], subjects: Sequence[Subject], design: Design
) -> Drawing:
    """Draw rows of scenes: input, true instances, and those that each network found.

    True and found classes follow where the design asks for them.
    """
    names = ["found"]
    if len(networks) > 1:
        names = [f"by {title}" for title in titles(networks)]
    pairs = ((network.model, network.config.data) for network in networks)
    segmenters = [scene_segmenter(*pair) for pair in pairs]
    rows, numbers, legend = [], [], []
    for subject in subjects:
        instances = [Panel("true instances", instance_colors(subject.instance))]
        classes = [Panel("true classes", class_colors(subject.semantic))]
        counts = {"true instances": subject.num_instances}
        legend += classes_of(subject.semantic, subject.classes)
        for network, name, segmenter in zip(networks, names, segmenters, strict=True):
            found = segmenter.segment(subject, design.seed)
            order = matched_numbers(found.masks, subject.instance)
            colors = instance_colors(np.append(order, -1)[found.labels()])
            instances.append(Panel(f"instances {name}", colors))
            classes.append(Panel(f"classes {name}", class_colors(found.semantic)))
            counts[f"instances {name}"] = len(found.masks)
            legend += classes_of(found.semantic, network.classes)
        panels = [Panel("input", subject.colors), *instances, *classes * design.classes]
        rows.append(PanelRow(subject.name, subject.points, panels))
        numbers.append({"scene": subject.name} | counts)
    shown = sorted(set(legend)) if design.classes else ()
    return Drawing(
        rows=rows,
        view=view_of(subjects[0].kind, design.width),
        caption=CAPTION,
        legend=[(name, class_colors(np.array(number))) for number, name in shown],
        numbers={"scenes": numbers},
    )


def classes_of(semantic: np.ndarray, names: Sequence[str]) -> list[tuple[int, str]]:
    """Return number and name of the classes that some of the points [V] have."""
    return [(int(n), names[n - 1]) for n in np.unique(semantic[semantic > 0])]
