"""Figures of trained networks, by name.

proposals/mIoU                      of the boxes, at all seeds on objects
proposals/CD                        Chamfer distance of the shapes, metres
instances/scannet/AP50              mean over the classes, by a protocol
instances/scannet/AP50/class/chair
instances/scannet/AP50/room/scene0000    over the scenes of a group
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator

from gspn_tf.data import manifest
from gspn_tf.evaluation import measures as evaluation
from gspn_tf.inference import segmenter as inference
from gspn_tf.metrics import PROTOCOLS, APResult, Judged
from gspn_tf.paper.experiments.folds import room_of
from gspn_tf.paper.experiments.tasks import Measurement
from gspn_tf.synthetic import parts

Figures = dict[str, float | None]


def measure(measurement: Measurement) -> Figures:
    """All figures of a measurement; None in place of NaN."""
    kinds = {"proposals": _proposals, "instances": _instances}
    figures = kinds[measurement.kind](measurement)
    return {name: None if math.isnan(x) else x for name, x in figures.items()}


def _proposals(measurement: Measurement) -> dict[str, float]:
    (trained,) = measurement.trainings
    network, config = inference.load_proposal_network(trained.folder)
    split = evaluation.Split(trained.data.path, measurement.split)
    found = evaluation.proposal_metrics(network, split, config)
    names = {"proposal_miou": "proposals/mIoU", "proposal_chamfer": "proposals/CD"}
    return {names[key]: value for key, value in found.items() if key in names}


def _instances(measurement: Measurement) -> dict[str, float]:
    directory = measurement.trainings[0].data.path
    names = manifest.read_classes(directory).names
    group_of = _groups(measurement, directory)
    evaluators = defaultdict(lambda: {p: make(names) for p, make in PROTOCOLS.items()})
    for judged in _judged(measurement):
        for group in {"", group_of(judged.name)}:
            for evaluator in evaluators[group].values():
                evaluator.update(judged.found, judged.semantic, judged.instance)
    figures: dict[str, float] = {}
    for group, by_protocol in sorted(evaluators.items()):
        for protocol, evaluator in by_protocol.items():
            result, prefix = evaluator.result(), f"instances/{protocol}"
            if group:
                part = f"{measurement.by}/{group}"
                found = {f"{m}/{part}": result.mean(m) for m in result.by_class}
            else:
                found = dict(_of_classes(result))
            figures |= {f"{prefix}/{name}": value for name, value in found.items()}
    return figures


def _judged(measurement: Measurement) -> Iterator[Judged]:
    """What each network finds in its scenes."""
    for trained in measurement.trainings:
        model, config, _ = inference.load_run(trained.folder)
        segmenter = inference.Segmenter.from_config(model, config.data)
        split = evaluation.Split(trained.data.path, measurement.split)
        yield from evaluation.segmented(segmenter, split)


def _of_classes(result: APResult) -> Iterator[tuple[str, float]]:
    """Every measure's mean, and its figure for each class."""
    for measure, values in result.by_class.items():
        yield measure, result.mean(measure)
        for name, value in zip(result.class_names, values, strict=True):
            yield f"{measure}/class/{name}", float(value)


def _groups(measurement: Measurement, directory) -> Callable[[str], str]:
    """Scene name -> the group that it is of; "" for none."""
    if measurement.by == "room":
        return room_of
    if measurement.by == "category":
        category = manifest.read_manifest(directory)["options"].get("category")
        if category is None:
            return parts.category_of
        return lambda _: category.removesuffix("Furniture")  # Storage, in the paper
    return lambda _: ""
