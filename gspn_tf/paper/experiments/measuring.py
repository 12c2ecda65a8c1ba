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
from functools import partial
from pathlib import Path
from typing import Any

from gspn_tf.config import RPointNetConfig
from gspn_tf.data import manifest
from gspn_tf.evaluation import measures
from gspn_tf.evaluation.projected import projected
from gspn_tf.image.lifting import segment_frame
from gspn_tf.inference import segmenter as inference
from gspn_tf.inference.scene_segmenter import scene_segmenter
from gspn_tf.metrics import PROTOCOLS
from gspn_tf.metrics.overlaps import Evaluator
from gspn_tf.paper.experiments.folds import room_of
from gspn_tf.paper.experiments.plan import Measurement
from gspn_tf.synthetic import parts
from gspn_tf.training import run_folder

PROPOSALS = {"proposal_miou": "proposals/mIoU", "proposal_chamfer": "proposals/CD"}


def measure_networks(measurement: Measurement) -> dict[str, Any]:
    """Measure proposals where there is one network, and instances after stage two.

    Returns:
        `figures` by their names, None in place of NaN, and what they depend on.
    """
    first, *others = measurement.networks
    found: dict[str, float] = {}
    if not others and isinstance(first.config.model, RPointNetConfig):
        network, config = inference.load_proposal_network(first.path)
        split = measures.Split(measurement.scenes_of(first), measurement.split)
        quality = measures.proposal_metrics(network, split, config)
        found = {
            PROPOSALS[name]: quality[name] for name in PROPOSALS if name in quality
        }
    if first.stages[-1] != "gspn":
        found |= _instance_figures(measurement)
    return {
        "figures": {name: None if math.isnan(x) else x for name, x in found.items()},
        "split": measurement.split,
        "runs": [str(network.path) for network in measurement.networks],
        "versions": run_folder.versions(),
    }


def _instance_figures(measurement: Measurement) -> Iterator[tuple[str, float]]:
    """Judge all scenes together, and those of each group."""
    directory = measurement.scenes_of(measurement.networks[0])
    names = manifest.read_classes(directory).names
    group_of = _groups(measurement, directory)
    evaluators: dict[str, dict[str, Evaluator]] = defaultdict(
        lambda: {protocol: make(names) for protocol, make in PROTOCOLS.items()}
    )
    for network in measurement.networks:
        model, config, _ = inference.load_run(network.path)
        split = measures.Split(measurement.scenes_of(network), measurement.split)
        if measurement.frames:
            find = partial(segment_frame, model)
            scenes = projected(find, split, measurement.frames)
        else:
            segmenter = scene_segmenter(model, config.data)
            scenes = measures.segmented(segmenter, split)
        for judged in scenes:
            for group in {"", group_of(judged.name)}:
                for evaluator in evaluators[group].values():
                    evaluator.update(judged.found, judged.semantic, judged.instance)
    for group, by_protocol in sorted(evaluators.items()):
        for protocol, evaluator in by_protocol.items():
            result = evaluator.result()
            for measure, values in result.by_class.items():
                name = f"instances/{protocol}/{measure}"
                if group:
                    yield f"{name}/{measurement.by}/{group}", result.mean(measure)
                    continue
                yield name, result.mean(measure)
                for of_class, value in zip(names, values, strict=True):
                    yield f"{name}/class/{of_class}", float(value)


def _groups(measurement: Measurement, directory: Path) -> Callable[[str], str]:
    """Make the function from a scene's name to its group; "" for none."""
    if measurement.by == "room":
        return room_of
    if measurement.by == "category":
        category = manifest.read_manifest(directory)["options"].get("category")
        if category is None:
            return parts.category_of
        return lambda _: category.removesuffix("Furniture")  # Storage, in the paper
    return lambda _: ""
