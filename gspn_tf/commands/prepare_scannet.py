"""`gspn prepare scannet`."""

from absl import flags as absl_flags

from gspn_tf.commands.command import Arguments, Command, existing_folder
from gspn_tf.commands.prepare import define_common_flags, make


def define_flags(flags: absl_flags.FlagValues) -> None:
    """Flags of this command."""
    define_common_flags(flags)
    texts = {
        "source": "Folder of ScanNet v2: scans/, and scans_test/ for the split test.",
        "split": "Splits to prepare, such as train,val; those that have a list.",
        "lists": "Folder of scannetv2_train.txt, _val.txt and _test.txt; in --source.",
        "label_map": "scannetv2-labels.combined.tsv; looked for in --source.",
    }
    for name, text in texts.items():
        absl_flags.DEFINE_string(name, None, text, flag_values=flags)


def run(arguments: Arguments) -> None:
    """Convert scans of ScanNet v2."""
    from gspn_tf.datasets import scannet

    flags = arguments.flags
    data = scannet.data_set(
        existing_folder(flags.source, "--source"),
        splits=flags.split.split(",") if flags.split else (),
        lists=flags.lists,
        label_map=flags.label_map,
        keep_going=flags.keep_going,
    )
    make(flags, data)


COMMAND = Command(
    name="prepare scannet",
    summary="Convert ScanNet v2: 18 classes, the official splits.",
    usage="--source DIR --output DIR [--split train,val]",
    define_flags=define_flags,
    run=run,
    required=("source", "output"),
)
