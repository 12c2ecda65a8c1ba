"""Figures 5, 6, 8, 9 and 10: what was found beside what is there, scene by scene."""

from collections.abc import Sequence

import numpy as np

from gspn_tf.inference.segmenter import Segmentation
from gspn_tf.paper.figures.designs import Design
from gspn_tf.paper.figures.drawing import Drawing, panels_of, side_by_side, view_of
from gspn_tf.paper.figures.networks import Trained, titles
from gspn_tf.paper.figures.subjects import Subject
from gspn_tf.visualize.layers import Entry, Layer, class_layer
from gspn_tf.visualize.page import PageContent
from gspn_tf.visualize.palette import instance_colors
from gspn_tf.visualize.render import PanelRow
from gspn_tf.visualize.sheet import Legend

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

    True and found classes follow where the design asks for them. Truth is left out
    unless every scene has it.
    """
    labelled = all(subject.labelled for subject in subjects)
    names = ["found"]
    if len(networks) > 1:
        names = [f"by {title}" for title in titles(networks)]
    segmenters = [network.segmenter() for network in networks]
    contents = []
    for subject in subjects:
        instances, classes = [], []
        if labelled:
            instances.append(subject.instance_layer())
            classes.append(subject.class_layer())
        for network, name, segmenter in zip(networks, names, segmenters, strict=True):
            found = segmenter.segment(subject.points, subject.colors, design.seed)
            known = network.classes
            instances.append(_found_layer(f"instances {name}", subject, found, known))
            classes.append(class_layer(f"classes {name}", found.semantic, known))
        layers = [subject.input_layer(), *instances, *classes * design.classes]
        contents.append(PageContent(subject.points, layers))
    scenes = [subject.name for subject in subjects]
    pairs = list(zip(scenes, contents, strict=True))
    return Drawing(
        rows=[PanelRow(name, each.points, panels_of(each)) for name, each in pairs],
        view=view_of(subjects[0].kind, design.width),
        content=side_by_side(contents, scenes if len(scenes) > 1 else [""]),
        caption=CAPTION * labelled,
        legend=_legend(contents),
        numbers={"scenes": [{"scene": n} | _counts(each) for n, each in pairs]},
    )


def _found_layer(
    name: str, subject: Subject, found: Segmentation, classes: Sequence[str]
) -> Layer:
    """Return the layer of the instances found, in the colours of the true ones."""
    numbers = np.arange(len(found.masks))
    if subject.labelled:
        numbers = matched_numbers(found.masks, subject.instance)
    labels = [classes[label - 1] for label in found.classes]
    counts = [len(mask) for mask in found.masks]
    entries = map(Entry, labels, instance_colors(numbers), counts, found.scores)
    return Layer(name, list(entries), found.labels())


def _counts(content: PageContent) -> dict[str, int]:
    """Return how many instances each layer shows."""
    layers = [layer for layer in content.layers if layer.labels is not None]
    return {each.name: len(each.entries) for each in layers if each.noun == "instances"}


def _legend(contents: Sequence[PageContent]) -> Legend:
    """Return the classes that some point has, in the order of the class list."""
    layers = [layer for content in contents for layer in content.layers]
    entries = [e for layer in layers if layer.noun == "classes" for e in layer.entries]
    names = dict.fromkeys(entry.name for entry in entries)
    met = {e.name: e.color for e in entries if e.num_points and e.color is not None}
    return [(name, met[name]) for name in names if name in met]
