"""Figures 5, 6, 8, 9 and 10: what was found beside what is there, scene by scene."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from gspn_tf.inference.segmenter import Segmentation
from gspn_tf.paper.figures.drawing import Drawing, apart, view_of
from gspn_tf.paper.figures.networks import TITLES, Trained, titles
from gspn_tf.paper.figures.subjects import Subject
from gspn_tf.visualize import (
    Caption,
    Entry,
    LabelLayer,
    PageContent,
    Panel,
    Row,
    class_colors,
    instance_colors,
)

SAME_OBJECT = 0.25  # IoU from which an instance found has the colour of a true one
CAPTION = "an instance found has the colour of the true one that it overlaps most"


class Column(NamedTuple):
    """One way to colour every scene of a gallery."""

    title: str
    labels: Sequence[np.ndarray]  # [V] of each scene: -1 = none, else a row of entries
    entries: Sequence[Sequence[Entry]]  # of each scene
    noun: str = "instances"

    def colors(self, scene: int) -> np.ndarray:
        """Of the points of one scene, [V, 3] uint8."""
        table = [entry.color for entry in self.entries[scene]]
        table = np.array([*table, instance_colors(np.array(-1))], np.uint8)
        return table[self.labels[scene]]


def matched_numbers(masks: Sequence[np.ndarray], instance: np.ndarray) -> np.ndarray:
    """The colour number of each of D masks [D]: that of the object that it is.

    Pairs of mask and true instance are taken by falling IoU, each once, down to
    `SAME_OBJECT`; masks that are left get numbers after those of the true instances.
    """
    sizes = np.bincount(instance + 1, minlength=1)[1:]
    iou = np.zeros((len(masks), len(sizes)))
    for row, mask in enumerate(masks):
        shared = np.bincount(instance[mask] + 1, minlength=len(sizes) + 1)[1:]
        iou[row] = shared / (len(mask) + sizes - shared)
    numbers = np.full(len(masks), -1)
    while iou.size and iou.max() >= SAME_OBJECT:
        row, column = np.unravel_index(iou.argmax(), iou.shape)
        numbers[row] = column
        iou[row], iou[:, column] = 0, 0
    left = numbers < 0
    numbers[left] = len(sizes) + np.arange(left.sum())
    return numbers


def gallery(
    networks: Sequence[Trained],
    subjects: Sequence[Subject],
    *,
    title: str,
    classes: bool,
    width: int = 400,
    seed: int = 0,
) -> Drawing:
    """Rows of scenes: input, true instances, and those that each network found.

    classes: then true and found classes too. Columns of truth are left out unless
    every scene has it.
    """
    labelled = all(subject.labelled for subject in subjects)
    names = titles(networks, [TITLES[[*n.config.model.stages()][-1]] for n in networks])
    instances, semantics = [], []
    if labelled:
        instances.append(_true_instances(subjects))
        truth = [subject.semantic for subject in subjects]
        semantics.append(_classes("true classes", truth, subjects[0].classes))
    for network, name in zip(networks, names, strict=True):
        segmenter = network.segmenter()
        found = [segmenter.segment(s.points, s.colors, seed) for s in subjects]
        by = f"by {name}" if len(networks) > 1 else "found"
        instances.append(_instances(f"instances {by}", subjects, found, network))
        labels = [result.semantic for result in found]
        semantics.append(_classes(f"classes {by}", labels, network.classes))
    columns = instances + semantics * classes
    return Drawing(
        title=title,
        rows=_rows(subjects, columns),
        view=view_of(subjects[0].kind, width, round(0.75 * width)),
        content=_content(subjects, columns),
        caption=Caption(CAPTION * labelled, _legend(semantics) if classes else ()),
        numbers={"scenes": _numbers(subjects, instances)},
    )


def _true_instances(subjects: Sequence[Subject]) -> Column:
    entries = [
        [
            Entry(s.class_of(n), instance_colors(np.array(n)), (s.instance == n).sum())
            for n in range(s.instance.max(initial=-1) + 1)
        ]
        for s in subjects
    ]
    return Column("true instances", [s.instance for s in subjects], entries)


def _instances(
    title: str,
    subjects: Sequence[Subject],
    found: Sequence[Segmentation],
    network: Trained,
) -> Column:
    entries = []
    for subject, result in zip(subjects, found, strict=True):
        numbers = np.arange(len(result.masks))
        if subject.labelled:
            numbers = matched_numbers(result.masks, subject.instance)
        names = [network.classes[label - 1] for label in result.classes]
        counts = [len(mask) for mask in result.masks]
        colors = instance_colors(numbers)
        entries.append(list(map(Entry, names, colors, counts, result.scores)))
    return Column(title, [result.labels() for result in found], entries)


def _classes(title: str, labels: Sequence[np.ndarray], names: Sequence[str]) -> Column:
    """labels: [V] of each scene, 0 = background, else 1..C of the class names."""
    colors = class_colors(np.arange(1, 1 + len(names)))
    entries = []
    for semantic in labels:
        counts = np.bincount(semantic, minlength=1 + len(names))[1:]
        entries.append(list(map(Entry, names, colors, counts)))
    return Column(title, [semantic - 1 for semantic in labels], entries, "classes")


def _rows(subjects: Sequence[Subject], columns: Sequence[Column]) -> list[Row]:
    return [
        Row(
            subject.name,
            subject.points,
            [
                Panel("input", subject.shades()),
                *(Panel(column.title, column.colors(scene)) for column in columns),
            ],
        )
        for scene, subject in enumerate(subjects)
    ]


def _legend(columns: Iterable[Column]) -> list[tuple[str, tuple]]:
    """Classes that some point of the figure has, in the order of the class list."""
    met: dict[str, tuple] = {}
    for entries in (entries for column in columns for entries in column.entries):
        for entry in entries:
            if entry.num_points:
                met[entry.name] = tuple(int(value) for value in entry.color)
    names = dict.fromkeys(e.name for column in columns for e in column.entries[0])
    return [(name, met[name]) for name in names if name in met]


def _numbers(subjects: Sequence[Subject], columns: Sequence[Column]) -> list[dict]:
    """How many instances each column shows of each scene."""
    return [
        {"scene": subject.name}
        | {column.title: len(column.entries[scene]) for column in columns}
        for scene, subject in enumerate(subjects)
    ]


def _content(subjects: Sequence[Subject], columns: Sequence[Column]) -> PageContent:
    """All scenes side by side, a layer a column."""
    clouds, _ = apart([subject.points for subject in subjects])
    sizes = [len(cloud) for cloud in clouds]
    return PageContent(
        points=np.concatenate(clouds),
        colors=np.concatenate([subject.shades() for subject in subjects]),
        groups=np.repeat(np.arange(len(clouds)), sizes),
        layers=[_layer(subjects, column) for column in columns],
    )


def _layer(subjects: Sequence[Subject], column: Column) -> LabelLayer:
    """A column as one list of all its scenes' entries; classes are the same in all."""
    labels, entries = [], []
    for subject, own, listed in zip(
        subjects, column.labels, column.entries, strict=True
    ):
        labels.append(np.where(own >= 0, own + len(entries), -1))
        place = f"{subject.name}: " if len(subjects) > 1 else ""
        entries += [entry._replace(name=place + entry.name) for entry in listed]
    label = column.title.capitalize()
    return LabelLayer(label, np.concatenate(labels), entries, column.noun)
