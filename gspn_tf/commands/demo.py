"""`gspn demo`: from nothing to a report, on generated rooms."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from absl import flags as absl_flags

from gspn_tf import config as config_lib
from gspn_tf import files
from gspn_tf.commands.command import Arguments, Command, UserError, load_tensorflow
from gspn_tf.commands.prepare import prepare_rooms, tracked
from gspn_tf.commands.segment import segment
from gspn_tf.config import loading as config_loading
from gspn_tf.config import presets
from gspn_tf.data import manifest

ROOMS = {"train": 300, "val": 8, "test": 24}
MINUTES = 12  # of the whole, on two cores
PLAN = """\
This demo
  1. generates {train} rooms to train on, {val} to choose the best weights by and
     {test} that training never sees
  2. trains the proposals (GSPN), then the instance heads (R-PointNet)
  3. evaluates on the {test} unseen rooms
  4. segments one of them from a PLY file, and exports a SavedModel
and leaves {output}/report.html and {output}/metrics.json.
It takes about {minutes} minutes on two cores; started again, it goes on where it was.
"""


def define_flags(flags: absl_flags.FlagValues) -> None:
    """Flags of this command."""
    absl_flags.DEFINE_string(
        "config", "configs/rooms.py:small", "As of gspn train.", flag_values=flags
    )
    absl_flags.DEFINE_string("output", "demo", "Folder to make.", flag_values=flags)
    absl_flags.DEFINE_integer(
        "seed", 0, "Another seed: other rooms, other weights.", 0, flag_values=flags
    )
    for split, count in ROOMS.items():
        text = f"Rooms of the split {split}."
        absl_flags.DEFINE_integer(split, count, text, 1, flag_values=flags)


def run(arguments: Arguments) -> None:
    """Do what `PLAN` says."""
    start = time.monotonic()
    flags = arguments.flags
    output = Path(flags.output)
    rooms = {split: flags[split].value for split in ROOMS}
    config = config_loading.override(
        config_loading.load(flags.config), arguments.overrides
    )
    if config.model.kind != "rpointnet":
        raise UserError(f"--config must be of kind rpointnet, got {config.model.kind}")
    config.train.seed = flags.seed
    print(PLAN.format(**rooms, output=output, minutes=MINUTES))
    load_tensorflow()
    begin(output, {"seed": flags.seed, "rooms": rooms}, config)
    if not (output / "data").exists():
        prepare_rooms(output / "data", rooms, seed=flags.seed)
    train(output, config)
    figures = {"seed": flags.seed, "rooms": rooms} | evaluate(output, config)
    figures["seconds"] = round(time.monotonic() - start, 1)
    report(output, figures)


def begin(output: Path, settings: dict[str, Any], config: config_lib.Config) -> None:
    """Keep what an interrupted demo of the same settings left; remove any other's."""
    settings = settings | {"config": json.loads(config_lib.to_json(config))}
    path = output / "settings.json"
    if path.is_file() and json.loads(path.read_text()) == settings:
        return
    if not path.is_file() and output.exists() and any(output.iterdir()):
        raise UserError(f"{output} exists and is no demo's folder; it is left alone")
    for name in ("data", "run", "segmented", "saved_model"):
        shutil.rmtree(output / name, ignore_errors=True)
    files.write_json(path, settings)


def train(output: Path, config: config_lib.Config) -> None:
    """Both stages."""
    from rich.console import Console

    from gspn_tf.training import loop as training

    training.train(config, output / "data", output / "run", console=Console())


def evaluate(output: Path, config: config_lib.Config) -> dict[str, Any]:
    """Figures on the rooms of the split `test`; one of them is shown, see `show`."""
    from gspn_tf.evaluation import measures as evaluation
    from gspn_tf.inference import segmenter as inference
    from gspn_tf.inference.serving import saved_model
    from gspn_tf.training import loop as training

    split = evaluation.Split(output / "data", "test", tracked)
    untrained = training.build("gspn", config)
    before = evaluation.proposal_figures(untrained, split, config)
    model, config, classes = inference.load_run(output / "run")
    after = evaluation.proposal_figures(model.proposal_network, split, config)
    segmenter = inference.Segmenter.from_config(model, config.data)
    precision = evaluation.instance_precision(segmenter, split)
    print(precision.table())
    components = evaluation.component_precision(split)
    show(output, next(split.scenes()), segmenter, classes)
    shutil.rmtree(output / "saved_model", ignore_errors=True)
    saved_model.export(model, config, classes, output / "saved_model")
    figures = carried(config, split) | precision.as_dict() | after
    figures["proposal_miou_untrained"] = before["proposal_miou"]
    figures["components_ap50"] = components.ap50
    return figures


def carried(config: config_lib.Config, split) -> dict[str, Any]:
    """What every figure comes with, as those of `gspn evaluate`."""
    constant = config.model.exported_score == "released"
    return {
        "protocol": "scannet",
        "scores": "constant" if constant else "ranked",
        "preset": presets.nearest(config.model)[0],
        "split": split.name,
        "data_sha256": manifest.checksum(split.directory, split.name),
    }


def show(output: Path, room, segmenter, classes) -> None:
    """Segment a room from a PLY file that holds no labels, and draw it."""
    from gspn_tf.files.ply import write_ply
    from gspn_tf.files.scans import read_scan

    write_ply(output / "room.ply", room.points, room.colors)
    scan = read_scan(output / "room.ply")
    result = segment(scan, room.name, segmenter, classes, 1.0, seed=0)
    result.write(output / "segmented")
    draw(output / "room.png", room, result.found)


def draw(path: Path, room, found) -> None:
    """Four views of a room: input, proposals, instances found, instances there are."""
    from gspn_tf.visualize.palette import instance_colors
    from gspn_tf.visualize.render import Panel, PanelRow
    from gspn_tf.visualize.sheet import write_sheet

    best = found.proposals[: len(found.boxes) + 10]
    panels = [
        Panel("input", room.colors),
        Panel("proposals", room.colors, best),
        Panel("instances found", instance_colors(found.labels())),
        Panel("true instances", instance_colors(room.instance)),
    ]
    write_sheet(path, [PanelRow("", room.points, panels)])


def report(output: Path, figures: dict[str, Any]) -> None:
    """Write metrics.json and report.html, and print the headline."""
    from gspn_tf.training.run_folder import versions
    from gspn_tf.visualize import report

    figures["environment"] = versions()
    files.write_json(output / "metrics.json", figures)
    headline = [
        ("AP", figures["AP"]),
        ("AP50", figures["AP50"]),
        ("AP25", figures["AP25"]),
        ("mIoU of the proposals", figures["proposal_miou"]),
        ("the same before training", figures["proposal_miou_untrained"]),
        ("AP50 of connected components of true labels", figures["components_ap50"]),
    ]
    rows = [
        (row["class"], row["AP"], row["AP50"], row["AP25"], row["num_instances"])
        for row in figures["classes"]
        if row["num_instances"]
    ]
    count = figures["rooms"]["test"]
    image = (output / "room.png").read_bytes()
    picture = report.Figure(image, "One of the unseen rooms")
    header = ("class", "AP", "AP50", "AP25", "objects")
    table = report.ReportTable("Classes", header, rows)
    report.write_report(
        output / "report.html",
        report.Report(
            title="GSPN and R-PointNet on generated rooms",
            summary=f"Measured on {count} rooms that training never saw.",
            numbers=headline,
            sections=[report.Section(parts=[picture, table])],
            links=[("The segmented room, to turn", "segmented/index.html")],
            commands=[f"make demo SEED={figures['seed']}"],
            environment=[
                ("seconds", figures["seconds"]),
                ("seed", figures["seed"]),
                *figures["environment"].items(),
            ],
        ),
    )
    for name, value in headline:
        print(f"{value:8.3f}  {name}")
    print(f"{figures['seconds']:.0f} s; open {output / 'report.html'}")


COMMAND = Command(
    name="demo",
    summary="Train and evaluate on generated rooms, and write a report.",
    usage="[--output demo] [--seed 0]",
    define_flags=define_flags,
    run=run,
)
