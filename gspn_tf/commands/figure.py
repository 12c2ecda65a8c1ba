"""`gspn figure`."""

from argparse import Namespace
from pathlib import Path

from gspn_tf.commands.command import (
    Command,
    UserError,
    existing_folder,
    start_tensorflow,
    writable_file,
)
from gspn_tf.commands.flags import POINT_SEED, flag, integer
from gspn_tf.paper.figures.designs import DESIGNS

FLAGS = (
    flag("number", "Of the figure in the paper.", choices=tuple(DESIGNS)),
    flag("--model", "Run folder.", required=True),
    flag("--output", "OUTPUT.png and .json are written.", required=True),
    flag("--input", "Data folder of `gspn prepare`.", required=True),
    flag(
        "--other --others",
        "Runs to show beside --model: their instances, or proposals in figure 7.",
        nargs="+",
        action="extend",
    ),
    flag("--split", "Of the data folder.", "val"),
    flag(
        "--scenes",
        "Of the split: how many, or names with commas between; figure 7 shows the "
        "first of them that has a chair.",
    ),
    flag(
        "--seed_point",
        "Figure 7: x y z of a place in metres; default: a point low on a chair that "
        "other objects stand close to.",
        nargs=3,
        type=float,
    ),
    flag("--width", "Pixels of one picture.", type=integer(60, 4000)),
    POINT_SEED,
)


def run(flags: Namespace) -> None:
    """Draw a figure of the paper: 3, 5, 6, 7, 8, 9 or 10."""
    number = flags.number
    if flags.seed_point is not None and number != "7":
        raise UserError(f"--seed_point is of figure 7, got figure {number}")
    if number == "3" and flags.other:
        raise UserError("--other: figure 3 shows one run")
    runs = [existing_folder(flags.model, "--model")]
    runs += [existing_folder(path, "--other") for path in flags.other or ()]
    output = output_stem(flags.output)
    design = DESIGNS[number]._replace(seed=flags.seed, seed_point=flags.seed_point)
    design = design._replace(width=flags.width or design.width)
    wanted = wanted_scenes(flags.scenes) or design.scenes
    start_tensorflow()
    from gspn_tf.paper.figures import context, galleries, networks, proposals, subjects

    draw = {"3": context.figure_3, "7": proposals.figure_7}.get(
        number, galleries.gallery
    )
    about = {
        "figure": int(number),
        "title": design.title,
        "runs": [str(path) for path in runs],
        "input": flags.input,
        "seed": flags.seed,
    }
    load = networks.proposing if number in ("3", "7") else networks.whole
    loaded = [load(path) for path in runs]
    images = any(network.sees_images for network in loaded)
    scenes = subjects.read_subjects(flags.input, flags.split, wanted, images)
    drawing = draw(loaded, scenes, design)
    drawing.write(output, about)
    print(f"{output}.png and {output}.json")


def output_stem(output: str) -> Path:
    """Return --output without the suffix of one of the files."""
    path = Path(output)
    if path.suffix.lower() in (".png", ".json"):
        path = path.with_suffix("")
    if output.endswith("/") or path.is_dir():
        raise UserError(f"--output must name a file, {output} is a folder")
    for suffix in (".png", ".json"):
        writable_file(f"{path}{suffix}", "--output")
    return path


def wanted_scenes(scenes: str | None) -> int | list[str] | None:
    """Return how many scenes --scenes asks for, or their names."""
    if scenes is None:
        return None
    names = [name for name in scenes.split(",") if name]
    if not names or scenes == "0":
        raise UserError(f"--scenes must be a number from 1 or names, got {scenes!r}")
    return int(scenes) if scenes.isdigit() else names


COMMAND = Command("figure", FLAGS, run)
