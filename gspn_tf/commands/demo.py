"""`gspn demo`: from nothing to a report, on generated rooms."""

import json
import shutil
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from gspn_tf import config as config_lib
from gspn_tf import files
from gspn_tf.commands import evaluate, export, figure, segment, train
from gspn_tf.commands.command import (
    Command,
    UserError,
    config_of,
    invoke,
    start_tensorflow,
    writable_folder,
)
from gspn_tf.commands.flags import flag, integer
from gspn_tf.commands.prepare_generated import write_generated

ROOMS = {"train": 300, "val": 8, "test": 24}
PLAN = """\
This demo segments the sample scan by the model that ships with the package, see
{output}/sample/index.html. Then it generates {train} rooms to train on, {val} to
choose the best weights by and {test} that training never sees, trains both stages,
evaluates on the unseen rooms, segments one of them and exports a SavedModel: see
{output}/report.html afterwards. It takes about 20 minutes on two cores; started again,
it goes on where it was.
"""


FLAGS = (
    flag("--config", "As of gspn train.", "configs/rooms.py:small"),
    flag("--output", "Folder to make.", "demo"),
    flag("--seed", "Another seed: other rooms, other weights.", 0, type=integer(0)),
    *(
        flag(f"--{split}", f"Rooms of the split {split}.", count, type=integer(1))
        for split, count in ROOMS.items()
    ),
)


def run(flags: Namespace) -> None:
    """Train and evaluate on generated rooms, and write a report."""
    start = time.monotonic()
    output = writable_folder(flags.output, "--output")
    rooms = {name: getattr(flags, name) for name in ROOMS}
    config = config_of(flags)
    if "rpointnet" not in config.model.stages():
        raise UserError(f"--config must be of kind rpointnet, got {config.model.kind}")
    config.train.seed = flags.seed
    print(PLAN.format(**rooms, output=output))
    start_tensorflow()
    settings = {"seed": flags.seed, "rooms": rooms}
    keep_or_remove(output, settings, config)
    show_sample(output)
    if not (output / "data").exists():
        write_generated(output / "data", "rooms", rooms, flags.seed)
    names = ("data", "run", "config.json")
    data, folder, config_file = (str(output / name) for name in names)
    invoke(train.COMMAND, data=data, run=folder, config=config_file)
    metrics = settings | demo_metrics(output, config)
    show_room(output)
    metrics["seconds"] = round(time.monotonic() - start, 1)
    write_demo_report(output, metrics)


def keep_or_remove(
    output: Path, settings: dict[str, Any], config: config_lib.Config
) -> None:
    """Keep what an interrupted demo of the same settings left; remove any other's."""
    text = config_lib.to_json(config)
    settings = settings | {"config": json.loads(text)}
    path = output / "settings.json"
    if path.is_file() and json.loads(path.read_text()) == settings:
        return
    if not path.is_file() and output.exists() and any(output.iterdir()):
        raise UserError(f"{output} exists and is no demo's folder; it is left alone")
    for name in ("sample", "data", "run", "segmented", "saved_model"):
        shutil.rmtree(output / name, ignore_errors=True)
    files.write_text(output / "config.json", text)
    files.write_json(path, settings)


def show_sample(output: Path) -> None:
    """Segment the scan that ships with the package by the model that does."""
    from gspn_tf.data.sample import sample_scan
    from gspn_tf.inference import segmented_scan

    target = output / "sample"
    if not (target / segmented_scan.FILE_NAMES[-1]).exists():  # it comes last
        invoke(segment.COMMAND, scans=[str(sample_scan())], output=str(target))


def demo_metrics(output: Path, config: config_lib.Config) -> dict[str, Any]:
    """Evaluate on the rooms of the split `test`, beside two yardsticks."""
    from gspn_tf.evaluation import measures
    from gspn_tf.training import loop as training

    path = output / "metrics.json"
    names = {"data": "data", "run": "run", "report": "evaluation", "json": path.name}
    paths = {flag: str(output / name) for flag, name in names.items()}
    invoke(evaluate.COMMAND, split="test", **paths)
    split = measures.Split(output / "data", "test")
    untrained = measures.proposal_metrics(
        training.initial_model("gspn", config), split, config
    )
    return json.loads(path.read_text()) | {
        "proposal_miou_untrained": untrained["proposal_miou"],
        "components_ap50": measures.component_precision(split).ap50,
    }


def show_room(output: Path) -> None:
    """Segment an unseen room from a PLY file without labels, and draw it."""
    from gspn_tf.data import read_scenes
    from gspn_tf.files.ply import write_ply

    room, path = next(read_scenes(output / "data", "test")), output / "room.ply"
    write_ply(path, room.points, room.colors)
    model, target = str(output / "run"), str(output / "segmented")
    invoke(segment.COMMAND, scans=[str(path)], model=model, output=target)
    shown = {"input": str(output / "data"), "split": "test", "scenes": "1"}
    picture = str(output / "room.png")
    invoke(figure.COMMAND, number="8", model=model, output=picture, **shown)
    shutil.rmtree(output / "saved_model", ignore_errors=True)
    invoke(export.COMMAND, model=model, output=str(output / "saved_model"))


def write_demo_report(output: Path, metrics: dict[str, Any]) -> None:
    """Write metrics.json and report.html, and print the headline."""
    from gspn_tf.training.run_folder import versions
    from gspn_tf.visualize import report

    metrics["environment"] = versions()
    files.write_json(output / "metrics.json", metrics)
    headline = [
        ("AP", metrics["AP"]),
        ("AP50", metrics["AP50"]),
        ("AP25", metrics["AP25"]),
        ("mIoU of the proposals", metrics["proposal_miou"]),
        ("the same before training", metrics["proposal_miou_untrained"]),
        ("AP50 of connected components of true labels", metrics["components_ap50"]),
    ]
    count = metrics["rooms"]["test"]
    image = (output / "room.png").read_bytes()
    picture = report.Figure(image, "One of the unseen rooms")
    report.write_report(
        output / "report.html",
        report.Report(
            title="GSPN and R-PointNet on generated rooms",
            summary=f"Measured on {count} rooms that training never saw.",
            numbers=headline,
            sections=[report.Section(parts=[picture])],
            links=[
                ("The sample scan by the shipped model", "sample/index.html"),
                ("The segmented room, to turn", "segmented/index.html"),
                ("Results by class", "evaluation/evaluation.html"),
            ],
            commands=[f"make demo SEED={metrics['seed']}"],
            environment=list(metrics["environment"].items()),
        ),
    )
    for name, value in headline:
        print(f"{value:8.3f}  {name}")
    print(f"{metrics['seconds']:.0f} s; open {output / 'report.html'}")


COMMAND = Command("demo", FLAGS, run)
