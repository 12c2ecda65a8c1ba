"""`gspn figure`."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gspn_tf.commands.command import (
    Arguments,
    Command,
    UserError,
    existing_folder,
    load_tensorflow,
    timed,
)
from gspn_tf.commands.flags import flag, integer, scale

if TYPE_CHECKING:
    from gspn_tf.paper.figures import Drawing, Subject

ROOMS, SHAPES, VIEWS = ("rooms", "scannet"), ("parts", "partnet"), ("views", "nyuv2")
SUFFIXES = (".png", ".html", ".json")


class Design(NamedTuple):
    """What a figure of the paper shows."""

    title: str
    kinds: tuple[str, ...]  # of the data that it shows
    scenes: int  # by default
    width: int  # pixels of one picture, by default
    classes: bool = False  # whether semantic results too


DESIGNS = {
    "3": Design("Context features and predicted centres", ROOMS, 1, 480),
    "5": Design("Instances and classes", ROOMS, 4, 400, True),
    "6": Design("Part instances", SHAPES, 4, 300),
    "7": Design("Proposals at one seed", ROOMS, 8, 480),  # the first with a chair
    "8": Design("Instances of rooms", ROOMS, 6, 400),
    "9": Design("Part instances", SHAPES, 8, 300),
    "10": Design("Instances of single views", VIEWS, 6, 400),
}


FLAGS = (
    flag("--model", "Run folder."),
    flag("--output", "OUTPUT.png, .html and .json are written."),
    flag(
        "--input",
        "Data folder of `gspn prepare`, or a scan as of `gspn segment`.",
        action="append",
    ),
    flag(
        "--other --others",
        "Run to show beside --model: its instances, or proposal in figure 7.",
        action="append",
    ),
    flag("--split", "Of a data folder; default: val."),
    flag(
        "--scenes",
        "Of a data folder: how many, or names with commas between; default of figure "
        "7: the first of eight that has a chair.",
    ),
    flag(
        "--seed_point",
        "Figure 7: a point's number, or x,y,z in metres; default: a point low on a "
        "chair that other objects stand close to.",
    ),
    flag("--scale", "Metres per unit of a scan's file.", 1.0, type=scale),
    flag("--width", "Pixels of one picture.", type=integer(60, 4000)),
    flag("--seed", "Of the points that the network sees.", 0, type=integer(0)),
)


def run(arguments: Arguments) -> None:
    """Draw one figure."""
    flags, (number, *more) = arguments.flags, arguments.positional
    if number not in DESIGNS:
        raise UserError(f"no figure {number!r}; choose one of: {', '.join(DESIGNS)}")
    design, inputs = DESIGNS[number], [*flags.input, *more]
    if flags.seed_point and number != "7":
        raise UserError(f"--seed_point is of figure 7, got figure {number}")
    if number == "3" and flags.other:
        raise UserError("--other: figure 3 shows one run")
    runs = [existing_folder(flags.model, "--model")]
    runs += [existing_folder(path, "--other") for path in flags.other or ()]
    output = checked_output(flags.output)
    load_tensorflow()
    from gspn_tf.paper import figures

    subjects = read_inputs(flags, design, inputs)
    if number == "7":
        if len(subjects) > 1 and (flags.scenes or len(inputs) > 1):
            raise UserError(f"figure 7 is of one scene, got {len(subjects)}")
        subjects = [figures.with_a_chair(subjects)]
    about = {
        "figure": int(number),
        "runs": [str(path) for path in runs],
        "inputs": [str(path) for path in inputs],
        "seed": flags.seed,
    }
    taken: dict[str, float] = {}
    with timed(taken):
        drawing = draw(number, design, runs, subjects, flags)
        notes = [*unlike(number, design, subjects), *untaught(runs, subjects)]
        picture, page, _ = figures.write(drawing, output, about | {"notes": notes})
    for line in (*told(drawing), *(f"note: {note}" for note in notes)):
        print(line)
    print(f"{picture} and {page} in {taken['seconds']} s")


def checked_output(output: str) -> Path:
    """--output without the suffix of one of the files."""
    path = Path(output)
    if path.suffix.lower() in SUFFIXES:
        path = path.with_suffix("")
    if output.endswith("/") or path.is_dir():
        raise UserError(f"--output must name a file, {output} is a folder")
    return path


def read_inputs(
    flags: Namespace, design: Design, inputs: Sequence[str]
) -> "list[Subject]":
    """The scenes to draw."""
    from gspn_tf.paper import figures

    wanted: int | list[str] = design.scenes
    if flags.scenes:
        wanted = [name for name in flags.scenes.split(",") if name]
        if not wanted:
            raise UserError(f"--scenes must be a number or names, got {flags.scenes!r}")
        if flags.scenes.isdigit():
            wanted = int(flags.scenes)
            if not wanted:
                raise UserError("--scenes must be at least 1, got 0")
    return [
        subject
        for path in inputs
        for subject in figures.read_subjects(
            path, flags.split or "val", wanted, flags.scale
        )
    ]


def unlike(number: str, design: Design, subjects: "Sequence[Subject]") -> Iterator[str]:
    """Says so where a figure is drawn of other data than the paper's."""
    others = {subject.kind for subject in subjects} - {*design.kinds, ""}
    if others:
        wanted, drawn = " or ".join(design.kinds), " and ".join(sorted(others))
        yield f"figure {number} is of {wanted} in the paper; drawn of {drawn}"


def untaught(runs: Sequence[Path], subjects: "Sequence[Subject]") -> Iterator[str]:
    """Names the runs whose classes are not those of the scenes."""
    from gspn_tf.training.run_folder import RunFolder

    for path in runs:
        names = tuple(name for _, name in RunFolder(path).classes())
        if any(subject.labelled and subject.classes != names for subject in subjects):
            yield f"{path} was trained on other classes than the scenes have"


def draw(
    number: str,
    design: Design,
    runs: Sequence[Path],
    subjects: "list[Subject]",
    flags: Namespace,
) -> "Drawing":
    """The drawing of one figure."""
    from gspn_tf.paper import figures

    size = {"width": flags.width or design.width, "seed": flags.seed}
    if number == "3":
        return figures.figure_3(figures.proposing(runs[0]), subjects, **size)
    if number == "7":
        networks = [figures.proposing(path) for path in runs]
        return figures.figure_7(
            networks, subjects[0], seed_point=flags.seed_point, **size
        )
    return figures.gallery(
        [figures.whole(path) for path in runs],
        subjects,
        title=design.title,
        classes=design.classes,
        **size,
    )


def told(drawing: "Drawing") -> Iterator[str]:
    """Lines about what was measured."""
    for scene in drawing.numbers.get("scenes", []):
        if "to_truth" in scene:
            yield (
                f"{scene['scene']}: predicted centres lie {scene['to_truth']:.3f} of "
                f"the object's size from the true one, the points themselves "
                f"{scene['of_points']:.3f}"
            )
    for row in drawing.numbers.get("proposals", []):
        iou = f", IoU {row['iou']:.2f}" if "iou" in row else ""
        yield f"{row['network']}: objectness {row['score']:.2f}{iou}"


COMMAND = Command(
    name="figure",
    summary="Draw a figure of the paper: 3, 5, 6, 7, 8, 9 or 10.",
    usage="NUMBER --model RUN --input SCENES... --output FILE [--other RUN]",
    flags=FLAGS,
    run=run,
    required=("model", "input", "output"),
    num_positional=1,
    open_ended=True,
)
