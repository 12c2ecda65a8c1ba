"""`gspn evaluate`."""

from absl import flags as absl_flags

from gspn_tf.commands.command import (
    Arguments,
    Command,
    UserError,
    define_json,
    existing_folder,
    load_tensorflow,
    timed,
    write_figures,
)
from gspn_tf.commands.prepare import tracked


def define_flags(flags: absl_flags.FlagValues) -> None:
    """Flags of this command."""
    absl_flags.DEFINE_string("run", None, "Run folder.", flag_values=flags)
    absl_flags.DEFINE_string(
        "data", None, "Folder that `gspn prepare` made.", flag_values=flags
    )
    absl_flags.DEFINE_string(
        "split", "val", "Its split to evaluate on.", flag_values=flags
    )
    absl_flags.DEFINE_integer(
        "seed", 0, "Of the points that the network sees.", 0, flag_values=flags
    )
    define_json(flags)


def run(arguments: Arguments) -> None:
    """Print AP, AP50, AP25 per class and the quality of the proposals."""
    flags = arguments.flags
    folder = existing_folder(flags.run, "--run")
    existing_folder(flags.data, "--data")
    load_tensorflow()
    from gspn_tf import evaluation, inference

    split = evaluation.Split(flags.data, flags.split, tracked)
    split.count()
    model, config, classes = inference.load_run(folder)
    if tuple(name for _, name in classes) != split.class_names():
        raise UserError(f"{flags.data} has other classes than {flags.run}")
    segmenter = inference.Segmenter(
        model, config.data.num_points_inference, config.data.sampling
    )
    figures = {"run": flags.run, "data": flags.data, "split": flags.split}
    with timed(figures):
        precision = evaluation.instance_precision(segmenter, split, flags.seed)
        figures |= evaluation.figures(precision)
        figures |= evaluation.proposal_figures(model.proposal_network, split, config)
    print(precision.table())
    print(
        f"proposals: mIoU {figures['proposal_miou']:.3f}, "
        f"Chamfer {figures['proposal_chamfer']:.4f} m"
    )
    write_figures(flags, figures)


COMMAND = Command(
    name="evaluate",
    summary="Average precision and proposal quality of a run on a split.",
    usage="--run DIR --data DIR [--split val]",
    define_flags=define_flags,
    run=run,
    required=("run", "data"),
)
